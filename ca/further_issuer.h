// The certificate of a further issuer: for a site, for profiles, or to take another's place. The own root signs it, or,
// below a parent's root, the issuing certificate of this CA. Pure: keys and the time are parameters. It does NOT keep
// anything: installed_issuers.h does.
#pragma once

#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "ca/installed_chain.h"
#include "ca/key_holder.h"
#include "ca/name_limits.h"
#include "ca/profile.h"

namespace lenscap::ca {

struct FurtherIssuer {
  std::string organization;  // of the CA, as in the ceremony
  std::string common_name;   // of the issuer: no other one below this root may have it
  x509::PublicKey key;
  x509::NameConstraints constraints;
  std::vector<ExtendedKeyUsage> usages;
  std::string ca_issuers_url = {};  // where the certificate of its own issuer is served; empty: nowhere
  std::string crl_base = {};        // likewise the whole revocation list of its own issuer, as CrlPlaces::base
};

// "Example Cameras plant4 Issuing CA"; of the default issuer, which has no `site`, without it. `generation`: 1, and one
// more at each roll-over, which then stands at the end.
std::string issuer_common_name(std::string const& organization, std::string const& site, int generation);
// Errc::usage when it is too long.
Result<> check_common_name(std::string const& name);

// What permits these suffixes and networks alone, and keeps what the root excludes. Both empty: all that `root`
// permits. Errc::usage for a bad suffix or network, and for one that the root does not permit.
Result<x509::NameConstraints> constraints_below(x509::Certificate const& root,
                                                std::vector<std::string> const& permit_dns,
                                                std::vector<std::string> const& permit_ip);

// Begins a day back and lives as long as the first issuer does, but never outside the root. Errc::conflict when the key
// is not the root's; Errc::usage when the constraints are wider than the root's, or the name is too long;
// Errc::settings when the root has ended.
Result<x509::Certificate> certify_issuer(x509::Certificate const& root, x509::PrivateKey const& root_key,
                                         FurtherIssuer const& wanted, Time now);

// Below a parent. `own` is what the settings permit: what limits_of() the chain and they allow together is all that may
// be asked for, and with both lists empty everything that they permit is. Their exclusions are kept. Errc::usage,
// naming the certificate that forbids it.
Result<x509::NameConstraints> constraints_below(InstalledChain const& parent, NameLimit const& own,
                                                std::vector<std::string> const& permit_dns,
                                                std::vector<std::string> const& permit_ip, NameRules const& rules);

// Signed by the key of `parent.issuing`; never outside the validity of any certificate of the chain. Errc::conflict
// when the key is another one, or a path length leaves no room; Errc::usage when the constraints or the usages are
// wider than some certificate of the chain allows, or the name is too long; Errc::settings when the chain is not valid
// now, or does not permit the new one's name; and as KeyHolder::sign.
Result<x509::Certificate> certify_issuer(InstalledChain const& parent, KeyHolder& issuing_key,
                                         FurtherIssuer const& wanted, Time now);

}  // namespace lenscap::ca
