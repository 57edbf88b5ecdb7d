// The certificate of a further issuer below the own root: for a site, for profiles, or to take another's place. Pure:
// the root's key, the new key and the time are parameters. It does NOT keep anything: installed_issuers.h does.
#pragma once

#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "ca/profile.h"

namespace lenscap::ca {

struct FurtherIssuer {
  std::string organization;  // of the CA, as in the ceremony
  std::string common_name;   // of the issuer: no other one below this root may have it
  x509::PublicKey key;
  x509::NameConstraints constraints;
  std::vector<ExtendedKeyUsage> usages;
};

// "Example Cameras plant4 Issuing CA"; of the default issuer, which has no `site`, without it. `generation`: 1, and one
// more at each roll-over, which then stands at the end.
std::string issuer_common_name(std::string const& organization, std::string const& site, int generation);

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

}  // namespace lenscap::ca
