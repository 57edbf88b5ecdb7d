#include "ca/name_limits.h"

#include "base/x509/certificate_names.h"

namespace lenscap::ca {

std::vector<NameLimit> limits_of(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
  std::vector<NameLimit> limits;
  auto const add = [&](x509::Certificate const& certificate) {
    if (auto constraints = certificate.name_constraints())
      limits.push_back({"the certificate of " + certificate.subject(), *std::move(constraints)});
  };
  add(issuing);
  for (x509::Certificate const& each : above) add(each);
  return limits;
}

Result<> check_chain_names(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
  std::vector<x509::Certificate const*> chain{&issuing};
  for (x509::Certificate const& each : above) chain.push_back(&each);
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (chain[i]->is_self_issued()) continue;
    auto const names = x509::names_of(*chain[i]);
    if (!names.ok())
      return Error(Errc::settings, "the certificate of " + chain[i]->subject() +
                                       " has names that cannot be read: " + names.error().detail());
    for (std::size_t j = i + 1; j < chain.size(); ++j) {
      auto const constraints = chain[j]->name_constraints();
      if (!constraints) continue;
      if (auto const verdict = constraints->test(*names); !verdict.ok())
        return Error(Errc::settings, "the certificate of " + chain[i]->subject() +
                                         " has a name that the certificate of " + chain[j]->subject() +
                                         " above it does not permit: " + verdict.error().detail());
    }
  }
  return {};
}

namespace {

bool allows(x509::Certificate const& certificate, ExtendedKeyUsage usage) {
  if ((X509_get_extension_flags(certificate.native()) & EXFLAG_XKUSAGE) == 0) return true;
  auto const has = [&](std::uint32_t wanted) {
    return (X509_get_extended_key_usage(certificate.native()) & (wanted | XKU_ANYEKU)) != 0;
  };
  if (usage == ExtendedKeyUsage::server_auth) return has(XKU_SSL_SERVER);
  if (usage == ExtendedKeyUsage::client_auth) return has(XKU_SSL_CLIENT);
  return true;  // OCSP signers are held against the issuer itself (RFC 6960 4.2.2.2)
}

}  // namespace

x509::Certificate const* who_forbids(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above,
                                     ExtendedKeyUsage usage) {
  if (!allows(issuing, usage)) return &issuing;
  for (x509::Certificate const& each : above)
    if (!allows(each, usage)) return &each;
  return nullptr;
}

namespace {

template <class Name>
std::vector<Forbidden> test_all(std::vector<NameLimit> const& limits, Name const& name) {
  std::vector<Forbidden> found;
  for (NameLimit const& each : limits)
    if (auto const verdict = each.constraints.test(name); !verdict.ok())
      found.push_back({each.whose, verdict.error().detail()});
  return found;
}

}  // namespace

std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::DnsName const& name) {
  return test_all(limits, name);
}
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::IpAddress const& address) {
  return test_all(limits, address);
}

}  // namespace lenscap::ca
