// Several issuers below one root, or below an issuing certificate of a parent, in memory: what STATE/issuers would
// hold.
#pragma once

#include "ca/ca_certificate.h"
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
  std::vector<MemoryKey*> keys;  // owned by the signers
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
    auto holder = std::make_unique<MemoryKey>(key);
    made.keys.push_back(holder.get());
    made.signers.push_back(std::make_shared<KeySigner>(std::move(holder)));
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

// The same issuers once more, for a signer that starts anew: the keys are shared.
inline Issuing once_more(SeveralIssuers const& made) {
  Issuing issuing{.issuers = {}, .profiles = made.issuing.profiles};
  for (auto const& each : made.issuing.issuers) {
    auto const& issuer = *each.issuer;
    auto const& signer = made.signers[issuing.issuers.size()];
    issuing.issuers.push_back({Issuer::make(issuer.certificate(), issuer.above(), std::shared_ptr<Signer>(signer),
                                            issuer.ca_issuers_url(), issuer.crl_places(), {}, issuer.ocsp_url())
                                   .value(),
                               each.rule});
  }
  return issuing;
}

// A corporate root without constraints, and our issuing certificate below it, likewise.
struct BelowAParent {
  x509::PrivateKey root_key, issuing_key;
  InstalledChain chain;
};
inline BelowAParent below_a_parent(Time now, std::optional<int> path_length = 1) {
  auto root_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto issuing_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto root_says = root_template("Example Corporation", root_key.public_key(), now - kDay, 3650 * kDay, {});
  root_says.name_constraints.reset();
  auto const root = forge(root_says, root_key);
  auto says = issuer_template("Example Corporation", issuing_key.public_key(), root, now - kDay, 1825 * kDay, {}, {});
  says.name_constraints.reset();
  says.path_length = path_length;
  auto issuing = forge(says, root_key);
  return {std::move(root_key), std::move(issuing_key), {std::move(issuing), {root}, true}};
}
// The same key and name by the same parent, as it comes back when it was renewed.
inline x509::Certificate renewed(BelowAParent const& ca, Time now, std::optional<int> path_length = 1) {
  auto says = issuer_template("Example Corporation", ca.issuing_key.public_key(), ca.chain.root(), now - kDay,
                              1825 * kDay, {}, {});
  says.name_constraints.reset();
  says.path_length = path_length;
  return forge(says, ca.root_key);
}
inline x509::Certificate certify_below(BelowAParent const& ca, std::string const& name, x509::PublicKey const& key,
                                       std::vector<std::string> const& permit_dns, Time now) {
  NameLimit const settings{"ca.toml", constraints_of(ceremony_settings()).value()};
  MemoryKey holder(ca.issuing_key);
  return certify_issuer(ca.chain, holder,
                        {"Example Cameras",
                         issuer_common_name("Example Cameras", name, 1),
                         key,
                         constraints_below(ca.chain, settings, permit_dns, {}, {}).value(),
                         {ExtendedKeyUsage::server_auth}},
                        now)
      .value();
}

}  // namespace lenscap::ca::test
