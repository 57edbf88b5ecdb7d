// Lint of what a CA's certificate is good for: that it is one, how many CAs may stand below it, what these may name and
// be used for, and where its readers are sent. Nothing may be wider than a certificate above.
#include "ca/lint_rules/rules.h"

#include "ca/constraint_order.h"

namespace lenscap::ca::linting {
namespace {

using BasicConstraintsPtr = ossl::Ptr<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using UsagesPtr = ossl::Ptr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;

bool is_self_issued(CaSubject const& subject) {
  return X509_NAME_cmp(X509_get_subject_name(subject.certificate), X509_get_issuer_name(subject.certificate)) == 0;
}

// 6.1.4 (l) and (m): self-issued certificates take no room.
Finding check_room(CaSubject const& subject, std::optional<long> own) {
  long below = is_self_issued(subject) ? 0 : 1;
  for (x509::Certificate const& above : subject.wanted.above) {
    if (long const limit = X509_get_pathlen(above.native()); limit >= 0) {
      if (limit < below) return "the path length of " + above.subject() + " leaves no room for it";
      if (!own || *own > limit - below) return "leaves more room than the path length of " + above.subject() + " does";
    }
    if (!above.is_self_issued()) ++below;
  }
  return kFine;
}

Finding check_inside(CaSubject const& subject, std::optional<x509::NameConstraints> const& own) {
  for (x509::Certificate const& above : subject.wanted.above) {
    auto const theirs = above.name_constraints();
    if (own != theirs && !is_narrower_or_equal(own, theirs)) return "permits more than " + above.subject() + " does";
    if (is_self_issued(subject)) continue;  // 6.1.3 (b)
    if (auto found = check_names_under(subject, above.native(), WithCommonName::no)) return found;
  }
  return kFine;
}

UsagesPtr usages_of(X509* certificate) {
  return UsagesPtr(extension_of<EXTENDED_KEY_USAGE>(certificate, NID_ext_key_usage, nullptr));
}

bool holds(EXTENDED_KEY_USAGE const* usages, ASN1_OBJECT const* usage) {
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages); ++i)
    if (OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), usage) == 0) return true;
  return false;
}

}  // namespace

Finding ca_rule_4_2_extensions(Octets const& octets) {
  static std::set<int> const allowed = {
      NID_basic_constraints,        NID_key_usage,        NID_ext_key_usage, NID_subject_key_identifier,
      NID_authority_key_identifier, NID_name_constraints, NID_info_access,   NID_crl_distribution_points};
  return check_extensions(octets, allowed);
}

Finding ca_rule_4_2_1_3_key_usage(Octets const& octets) {
  static constexpr std::uint8_t kCertificatesAndLists[] = {0x03, 0x02, 0x01, 0x06};
  return check_key_usage(octets, kCertificatesAndLists);
}

Finding ca_rule_4_2_1_9_basic_constraints(CaSubject const& subject) {
  int critical = 0;
  BasicConstraintsPtr const constraints(
      extension_of<BASIC_CONSTRAINTS>(subject.certificate, NID_basic_constraints, &critical));
  if (constraints == nullptr) return "basic constraints are missing";
  if (constraints->ca == 0) return "does not say that it is a CA";
  if (critical != 1) return "basic constraints are not critical";
  std::optional<long> own;
  if (constraints->pathlen != nullptr) own = ASN1_INTEGER_get(constraints->pathlen);
  if (own && *own < 0) return "path length is negative";
  if (auto found = check_room(subject, own)) return found;
  if (own != subject.wanted.path_length) return "path length is not the one that is wanted";
  return kFine;
}

Finding ca_rule_4_2_1_10_name_constraints(CaSubject const& subject) {
  int const at = X509_get_ext_by_NID(subject.certificate, NID_name_constraints, -1);
  if (at < 0) {
    if (subject.wanted.constraints) return "name constraints are missing";
    return check_inside(subject, {});
  }
  X509_EXTENSION* extension = X509_get_ext(subject.certificate, at);
  if (X509_EXTENSION_get_critical(extension) != 1) return "name constraints are not critical";
  auto const own = x509::NameConstraints::from_der(octets_of(X509_EXTENSION_get_data(extension)));
  if (!own.ok()) return "name constraints cannot be read: " + own.error().detail();
  if (auto found = check_inside(subject, *own)) return found;
  if (*own != subject.wanted.constraints) return "name constraints are not those that are wanted: " + own->text();
  return kFine;
}

Finding ca_rule_4_2_1_12_extended_key_usage(CaSubject const& subject) {
  if (subject.wanted.usages.empty()) {
    if (X509_get_ext_by_NID(subject.certificate, NID_ext_key_usage, -1) >= 0)
      return "has an extended key usage, and none is wanted";
  } else if (auto found = check_extended_key_usage(subject, subject.wanted.usages)) {
    return found;
  }
  // Clients take the usages of a CA for limits of those below it. anyExtendedKeyUsage above stands for nothing else, as
  // in name_limits.h.
  auto const own = usages_of(subject.certificate);
  for (x509::Certificate const& above : subject.wanted.above) {
    auto const theirs = usages_of(above.native());
    if (theirs == nullptr) continue;
    if (own == nullptr) return "has no extended key usage, and " + above.subject() + " has one";
    for (int i = 0; i < sk_ASN1_OBJECT_num(own.get()); ++i)
      if (!holds(theirs.get(), sk_ASN1_OBJECT_value(own.get(), i)))
        return "has an extended key usage that " + above.subject() + " does not have";
  }
  return kFine;
}

Finding ca_rule_4_2_1_13_crl_distribution_points(CaSubject const& subject) {
  auto const& base = subject.wanted.crl_base;
  return check_crl_distribution_points(subject, base.empty() ? std::string() : base + ".crl");
}

// No OCSP: answers are for what an issuing CA signs for its subscribers.
Finding ca_rule_4_2_2_1_authority_info_access(CaSubject const& subject) {
  return check_authority_info_access(subject, subject.wanted.ca_issuers_url, {});
}

}  // namespace lenscap::ca::linting
