#include "ca/further_issuer.h"

#include <algorithm>

#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/ceremony.h"
#include "ca/issuer_choice.h"

namespace lenscap::ca {

std::string issuer_common_name(std::string const& organization, std::string const& site, int generation) {
  return organization + (site.empty() ? "" : " " + site) + " Issuing CA" +
         (generation > 1 ? " " + std::to_string(generation) : "");
}

namespace {

Error wider(x509::NameConstraints const& constraints, x509::Certificate const& root) {
  auto const permitted = root.name_constraints();
  return {Errc::usage, "the root does not permit all of this: it permits " +
                           (permitted ? permitted->text() : std::string("everything")) + ", and asked for is " +
                           constraints.text() + ". An issuer can only be narrower than its root"};
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
  for (auto const& name : of_root->excluded_dns) constraints.excluded_dns.push_back(name);
  for (auto const& block : of_root->excluded_ip)
    if (std::ranges::find(constraints.excluded_ip, block) == constraints.excluded_ip.end())
      constraints.excluded_ip.push_back(block);
  if (!is_narrower_or_equal(constraints, of_root)) return wider(constraints, root);
  return constraints;
}

Result<x509::Certificate> certify_issuer(x509::Certificate const& root, x509::PrivateKey const& root_key,
                                         FurtherIssuer const& wanted, Time now) {
  constexpr std::size_t kCommonNameMax = 64;  // RFC 5280 appendix A
  if (!(root_key.public_key() == root.key()))
    return Error(Errc::conflict, "this is not the key of the root certificate " + root.subject());
  if (wanted.common_name.size() > kCommonNameMax)
    return Error(Errc::usage, "\"" + wanted.common_name +
                                  "\" is longer than the 64 characters that a name may have: "
                                  "choose a shorter one for the site");
  if (!is_narrower_or_equal(wanted.constraints, root.name_constraints())) return wider(wanted.constraints, root);
  if (now >= root.not_after() || now < root.not_before())
    return Error(Errc::settings, "the root is valid from " + to_rfc3339(root.not_before()) + " to " +
                                     to_rfc3339(root.not_after()) + ", and this machine's clock says " +
                                     to_rfc3339(now));
  auto const begin = std::max(now - limits::kIssuerBackdate, root.not_before());
  auto what =
      issuer_template(wanted.organization, wanted.key, root, begin, kIssuerLifetime, wanted.constraints, wanted.usages);
  what.common_name = wanted.common_name;
  what.subject_name = encode_name(wanted.organization, wanted.common_name);
  what.not_after = std::min(what.not_after, root.not_after());
  return sign_ca_certificate(what, root_key);
}

}  // namespace lenscap::ca
