#include "acme/server/server_certificate.h"

namespace lenscap::acme {

struct ServerCertificate::Identity {
  std::vector<x509::Certificate> chain;
  x509::PrivateKey key;

  Time due() const {
    auto const& leaf = chain.front();
    return leaf.not_before() + (leaf.not_after() - leaf.not_before()) * 2 / 3;
  }
};

Result<ServerCertificate::Identity> ServerCertificate::issue(Time now) const {
  auto key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const common_name = names_.dns.empty() ? std::string() : names_.dns.begin()->text();
  TRY(auto leaf, authority_.issue({kProfile, key.public_key(), names_, common_name}, "server", now));
  auto const* by = authority_.issuer_of(leaf);
  if (by == nullptr) bug("a certificate of an issuer that is none");
  std::vector<x509::Certificate> chain{std::move(leaf), by->issuer->certificate()};
  auto const& above = by->issuer->above();
  chain.insert(chain.end(), above.begin(), above.end() - 1);  // whoever verifies has the root
  return Identity{std::move(chain), std::move(key)};
}

Result<std::unique_ptr<ServerCertificate>> ServerCertificate::make(ca::Authority const& authority, Urls const& urls,
                                                                   Front& front, Time now) {
  x509::NameSet names;
  if (urls.host_is_ip()) {
    TRY(auto address, x509::IpAddress::parse(urls.host()));
    names.ip.insert(std::move(address));
  } else {
    TRY(auto name, x509::DnsName::parse(urls.host()));
    names.dns.insert(std::move(name));
  }
  std::unique_ptr<ServerCertificate> certificate(new ServerCertificate(authority, std::move(names), front));
  if (auto issued = certificate->renew(now); !issued)
    return std::move(issued).error().with_context("the server's own certificate: ");
  return certificate;
}

Result<> ServerCertificate::renew(Time now) {
  TRY(auto identity, issue(now));
  CHECK_OK(front_.show(identity.chain, identity.key));
  due_ = identity.due();
  serial_hex_ = identity.chain.front().serial_hex();
  return {};
}

Result<bool> ServerCertificate::renew_if_due(Time now, bool is_revoked) {
  if (now < due_.load() && !is_revoked) return false;
  CHECK_OK(renew(now));
  return true;
}

}  // namespace lenscap::acme
