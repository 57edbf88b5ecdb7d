// Several issuers below one root, in memory: what STATE/issuers would hold.
#pragma once

#include "ca/further_issuer.h"
#include "ca/issuer_process.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {

struct Further {
  std::string name;
  std::vector<std::string> permit_dns = {}, permit_ip = {};  // both empty: all that the root permits
  IssuerNote note = {};
  std::vector<ExtendedKeyUsage> usages = {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
};

struct SeveralIssuers {
  Issuing issuing;  // the default first
  std::vector<std::shared_ptr<KeySigner>> signers;
  std::vector<x509::Certificate> certificates;
};

// `crl_parts`, `ocsp`: as AuthoritySettings has them.
inline SeveralIssuers several_issuers(GeneratedCa const& ca, std::vector<Further> const& more, Time now,
                                      std::vector<std::string> const& profiles = {"camera-https", "server"},
                                      unsigned crl_parts = 0, bool ocsp = false) {
  SeveralIssuers made;
  std::vector<InstalledIssuer> installed;
  auto const add = [&](std::string const& name, x509::Certificate const& issuing, IssuerNote const& note,
                       x509::PrivateKey const& key) {
    installed.push_back({name, {issuing, {ca.root}, false}, "", note});
    made.signers.push_back(std::make_shared<KeySigner>(std::make_unique<MemoryKey>(key)));
    made.certificates.push_back(issuing);
  };
  add(kDefaultIssuer, ca.issuing, {}, ca.issuing_key);
  for (auto const& each : more) {
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto issuing =
        certify_issuer(ca.root, ca.root_key,
                       {"Example Cameras", issuer_common_name("Example Cameras", each.name, 1), key.public_key(),
                        constraints_below(ca.root, each.permit_dns, each.permit_ip).value(), each.usages},
                       now)
            .value();
    add(each.name, issuing, each.note, key);
  }
  auto rules = rules_of(installed, {});
  for (std::size_t i = 0; i < installed.size(); ++i) {
    auto const& issuing = made.certificates[i];
    CrlPlaces crl;
    if (crl_parts != 0) crl = {.base = kHttpUrl + crl_path(issuing), .parts = crl_parts};
    auto issuer =
        Issuer::make(issuing, {ca.root}, std::shared_ptr<Signer>(made.signers[i]), kHttpUrl + aia_path(issuing),
                     std::move(crl), {}, ocsp ? kHttpUrl + std::string(kOcspPath) : std::string())
            .value();
    made.issuing.issuers.push_back({std::move(issuer), std::move(rules[i])});
  }
  for (auto const& name : profiles) made.issuing.profiles.push_back(profile(name));
  if (ocsp) made.issuing.profiles.push_back(ocsp_signer_profile());
  return made;
}

}  // namespace lenscap::ca::test
