// Lint of where a certificate sends its readers: revocation lists, the issuer's certificate, OCSP.
#include "ca/lint_rules/rules.h"

namespace lenscap::ca::linting {
namespace {

using AccessPtr = ossl::Ptr<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free>;
using PointsPtr = ossl::Ptr<CRL_DIST_POINTS, CRL_DIST_POINTS_free>;

// Which list a certificate belongs to, from its serial number as OpenSSL reads it; not as crl_places.cc does.
std::string expected_crl_url(Subject const& subject) {
  CrlPlaces const& places = subject.wanted.crl_places;
  if (places.base.empty() || signs_ocsp(subject)) return {};
  if (places.parts == 1) return places.base + ".crl";
  ossl::BnPtr const number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(subject.certificate), nullptr));
  ossl::check(number != nullptr, "a serial number");
  if (BN_num_bits(number.get()) > 32) ossl::check(BN_mask_bits(number.get(), 32) == 1, "BN_mask_bits");
  auto const part = static_cast<unsigned>(BN_mod_word(number.get(), places.parts));
  return places.base + "/" + std::to_string(places.parts) + "-" + std::to_string(part) + ".crl";
}

}  // namespace

Finding check_crl_distribution_points(Octets const& octets, std::string const& wanted) {
  int critical = 0;
  PointsPtr const points(extension_of<CRL_DIST_POINTS>(octets.certificate, NID_crl_distribution_points, &critical));
  bool const is_served = !wanted.empty();
  if (points == nullptr) {
    if (critical != -1) return "CRL distribution points are unreadable";
    if (is_served) return "CRL distribution points are missing";
    return kFine;
  }
  if (!is_served) return "names a revocation list though none is served";
  if (critical != 0) return "CRL distribution points are critical";
  if (sk_DIST_POINT_num(points.get()) != 1) return "CRL distribution points are more than one";
  DIST_POINT const* point = sk_DIST_POINT_value(points.get(), 0);
  if (point->reasons != nullptr) return "CRL distribution point is for some reasons alone";
  if (point->CRLissuer != nullptr) return "CRL distribution point names another issuer";
  if (point->distpoint == nullptr || point->distpoint->type != 0) return "CRL distribution point has no full name";
  GENERAL_NAMES const* names = point->distpoint->name.fullname;
  if (sk_GENERAL_NAME_num(names) != 1 || sk_GENERAL_NAME_value(names, 0)->type != GEN_URI)
    return "CRL distribution point is not one URL";
  std::string_view const url = as_text(octets_of(sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier));
  if (url != wanted) return "revocation list's URL is not that of the list it belongs to";
  if (!url.starts_with("http://")) return "revocation list's URL is not plain HTTP: TLS would ask for the list again";
  return kFine;
}

Finding rule_4_2_1_13_crl_distribution_points(Subject const& subject) {
  return check_crl_distribution_points(subject, expected_crl_url(subject));
}

// What is served, and nothing else: the issuer's certificate, and answers to who asks whether this one is revoked.
Finding check_authority_info_access(Octets const& octets, std::string const& ca_issuers, std::string const& ocsp) {
  std::set<std::pair<int, std::string>> wanted;
  if (!ca_issuers.empty()) wanted.emplace(NID_ad_ca_issuers, ca_issuers);
  if (!ocsp.empty()) wanted.emplace(NID_ad_OCSP, ocsp);
  int critical = 0;
  AccessPtr const access(extension_of<AUTHORITY_INFO_ACCESS>(octets.certificate, NID_info_access, &critical));
  if (access == nullptr) {
    if (critical != -1) return "authority information access is unreadable";
    if (!wanted.empty()) return "authority information access is missing";
    return kFine;
  }
  if (critical != 0) return "authority information access is critical";
  std::set<std::pair<int, std::string>> found;
  for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
    ACCESS_DESCRIPTION const* one = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (one->location->type != GEN_URI) return "authority information access holds something else than URLs";
    std::string const url(as_text(octets_of(one->location->d.uniformResourceIdentifier)));
    if (!url.starts_with("http://")) return "holds a URL that is not plain HTTP: checking TLS with it goes in circles";
    if (!found.emplace(OBJ_obj2nid(one->method), url).second) return "authority information access says a thing twice";
  }
  for (int const method : {NID_ad_OCSP, NID_ad_ca_issuers}) {
    auto const is_of = [method](auto const& place) { return place.first == method; };
    std::string const what = method == NID_ad_OCSP ? "the OCSP responder's URL" : "the issuer's URL";
    auto const there = std::ranges::find_if(found, is_of);
    auto const expected = std::ranges::find_if(wanted, is_of);
    if (there == found.end() && expected != wanted.end()) return what + " is missing";
    if (there != found.end() && expected == wanted.end()) return what + " is named, and nothing is served there";
    if (there != found.end() && *there != *expected) return what + " is not that of the settings";
  }
  if (found.size() != wanted.size()) return "authority information access holds more than is served";
  return kFine;
}

Finding rule_4_2_2_1_authority_info_access(Subject const& subject) {
  if (signs_ocsp(subject)) return check_authority_info_access(subject, {}, {});
  return check_authority_info_access(subject, subject.wanted.ca_issuers_url, std::string(subject.wanted.ocsp_url));
}

}  // namespace lenscap::ca::linting
