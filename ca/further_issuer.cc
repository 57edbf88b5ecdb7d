#include "ca/further_issuer.h"

#include <algorithm>

#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/ceremony.h"
#include "ca/constraint_order.h"
#include "ca/crl_places.h"
#include "ca/parent_rules.h"

namespace lenscap::ca {

std::string issuer_common_name(std::string const& organization, std::string const& site, int generation) {
  return organization + (site.empty() ? "" : " " + site) + " Issuing CA" +
         (generation > 1 ? " " + std::to_string(generation) : "");
}

Result<> check_common_name(std::string const& name) {
  constexpr std::size_t kCommonNameMax = 64;  // RFC 5280 appendix A
  if (name.size() <= kCommonNameMax) return {};
  return Error(Errc::usage, "\"" + name +
                                "\" is longer than the 64 characters that a name may have: "
                                "choose a shorter one for the site");
}

namespace {

Error wider(x509::NameConstraints const& constraints, x509::Certificate const& root) {
  auto const permitted = root.name_constraints();
  return {Errc::usage, "the root does not permit all of this: it permits " +
                           (permitted ? permitted->text() : std::string("everything")) + ", and asked for is " +
                           constraints.text() + ". An issuer can only be narrower than its root"};
}

Error wider(x509::NameConstraints const& constraints, NameLimit const& limit) {
  return {Errc::usage, "not all of this is permitted by " + limit.whose + ": it permits " + limit.constraints.text() +
                           ", and asked for is " + constraints.text() +
                           ". Say by --permit-dns and --permit-ip a part that all permit"};
}

}  // namespace

Result<x509::NameConstraints> constraints_below(x509::Certificate const& root,
                                                std::vector<std::string> const& permit_dns,
                                                std::vector<std::string> const& permit_ip) {
  auto const of_root = root.name_constraints();
  if (permit_dns.empty() && permit_ip.empty()) {
    if (of_root) return *of_root;
    return Error(Errc::usage,
                 "the root permits everything: say by --permit-dns and --permit-ip what the issuer may name");
  }
  CeremonySettings wanted;
  wanted.permit_dns = permit_dns;
  wanted.permit_ip = permit_ip;
  TRY(auto constraints, constraints_of(wanted));
  if (!of_root) return constraints;
  // Only names and addresses were asked for; of the rest the site has what the root has.
  if (!of_root->permitted_mail.empty()) {
    constraints.permitted_mail = of_root->permitted_mail;
    constraints.excluded_mail.clear();
  }
  if (!of_root->permitted_uri.empty()) {
    constraints.permitted_uri = of_root->permitted_uri;
    constraints.excluded_uri.clear();
  }
  keep_limits_of(*of_root, constraints);
  if (!is_narrower_or_equal(constraints, of_root)) return wider(constraints, root);
  return constraints;
}

Result<x509::NameConstraints> constraints_below(InstalledChain const& parent, NameLimit const& own,
                                                std::vector<std::string> const& permit_dns,
                                                std::vector<std::string> const& permit_ip, NameRules const& rules) {
  auto limits = limits_of(parent.issuing, parent.above);
  limits.push_back(own);
  auto constraints = own.constraints;
  if (!permit_dns.empty() || !permit_ip.empty()) {
    CeremonySettings wanted;
    wanted.permit_dns = permit_dns;
    wanted.permit_ip = permit_ip;
    wanted.rules = rules;
    TRY(constraints, constraints_of(wanted));
  }
  for (auto const& limit : limits) keep_limits_of(limit.constraints, constraints);
  for (auto const& limit : limits)
    if (!is_narrower_or_equal(constraints, limit.constraints)) return wider(constraints, limit);
  return constraints;
}

namespace {

Template template_of(FurtherIssuer const& wanted, x509::Certificate const& parent, Time begin, Time end) {
  auto what = issuer_template(wanted.organization, wanted.key, parent, begin, kIssuerLifetime, wanted.constraints,
                              wanted.usages);
  what.common_name = wanted.common_name;
  what.subject_name = encode_name(wanted.organization, wanted.common_name);
  what.not_after = std::min(what.not_after, end);
  what.ca_issuers_url = wanted.ca_issuers_url;
  if (!wanted.crl_base.empty()) what.crl_url = CrlPlaces{.base = wanted.crl_base}.url_for(what.serial);
  return what;
}

CaLintContext lint_context(FurtherIssuer const& wanted, std::vector<x509::Certificate> above, Time now) {
  return {.key = wanted.key,
          .organization = wanted.organization,
          .common_name = wanted.common_name,
          .above = std::move(above),
          .constraints = wanted.constraints,
          .usages = wanted.usages,
          .path_length = 0,
          .lifetime = kIssuerLifetime,
          .ca_issuers_url = wanted.ca_issuers_url,
          .crl_base = wanted.crl_base,
          .now = now};
}

}  // namespace

Result<x509::Certificate> certify_issuer(x509::Certificate const& root, x509::PrivateKey const& root_key,
                                         FurtherIssuer const& wanted, Time now) {
  if (!(root_key.public_key() == root.key()))
    return Error(Errc::conflict, "this is not the key of the root certificate " + root.subject());
  CHECK_OK(check_common_name(wanted.common_name));
  if (!is_narrower_or_equal(wanted.constraints, root.name_constraints())) return wider(wanted.constraints, root);
  if (now >= root.not_after() || now < root.not_before())
    return Error(Errc::settings, "the root is valid from " + to_rfc3339(root.not_before()) + " to " +
                                     to_rfc3339(root.not_after()) + ", and this machine's clock says " +
                                     to_rfc3339(now));
  auto const begin = std::max(now - limits::kIssuerBackdate, root.not_before());
  auto const what = template_of(wanted, root, begin, root.not_after());
  CHECK_OK(check_subject(what.subject_name, {root}));
  return sign_ca_certificate(what, lint_context(wanted, {root}, now), root_key);
}

namespace {

Result<> check_room(InstalledChain const& parent) {
  auto const* full = who_leaves_no_room(parent.issuing, parent.above);
  if (full == nullptr) return {};
  return Error(Errc::conflict, "the path length of the certificate of " + full->subject() + ", " +
                                   std::to_string(X509_get_pathlen(full->native())) +
                                   ", leaves no room for another CA below " + parent.issuing.subject() +
                                   ": ask the parent for a certificate with a longer one, or make one more CA with "
                                   "lenscap-ca init --intermediate");
}

Result<> check_usages(InstalledChain const& parent, std::vector<ExtendedKeyUsage> const& usages) {
  for (auto const usage : usages)
    if (auto const* forbids = who_forbids(parent.issuing, parent.above, usage))
      return Error(Errc::usage, "the extended key usage of the certificate of " + forbids->subject() +
                                    " does not allow " + std::string(to_string(usage)) + ": give another --usage");
  return {};
}

struct Validity {
  Time begins, ends;
};

Result<Validity> validity_of(InstalledChain const& chain, Time now) {
  Validity all{chain.issuing.not_before(), chain.issuing.not_after()};
  for (auto const& each : chain.above) {
    all.begins = std::max(all.begins, each.not_before());
    all.ends = std::min(all.ends, each.not_after());
  }
  if (now >= all.begins && now < all.ends) return all;
  return Error(Errc::settings, "the chain of this CA is valid from " + to_rfc3339(all.begins) + " to " +
                                   to_rfc3339(all.ends) + ", and this machine's clock says " + to_rfc3339(now));
}

}  // namespace

Result<x509::Certificate> certify_issuer(InstalledChain const& parent, KeyHolder& issuing_key,
                                         FurtherIssuer const& wanted, Time now) {
  if (!(issuing_key.public_key() == parent.issuing.key()))
    return Error(Errc::conflict, "this is not the key of the issuing certificate " + parent.issuing.subject());
  CHECK_OK(check_common_name(wanted.common_name));
  CHECK_OK(check_room(parent));
  CHECK_OK(check_usages(parent, wanted.usages));
  for (auto const& limit : limits_of(parent.issuing, parent.above))
    if (!is_narrower_or_equal(wanted.constraints, limit.constraints)) return wider(wanted.constraints, limit);
  TRY(auto const validity, validity_of(parent, now));
  auto const begin = std::max(now - limits::kIssuerBackdate, validity.begins);
  auto const what = template_of(wanted, parent.issuing, begin, validity.ends);
  std::vector<x509::Certificate> above{parent.issuing};
  above.insert(above.end(), parent.above.begin(), parent.above.end());
  CHECK_OK(check_subject(what.subject_name, above));
  return sign_ca_certificate(what, lint_context(wanted, std::move(above), now), issuing_key);
}

}  // namespace lenscap::ca
