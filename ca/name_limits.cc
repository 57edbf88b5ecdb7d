#include "ca/name_limits.h"

#include <utility>

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

namespace {

// Appends a sub-error when one of the limits forbids the name.
template <class Name>
void test_name(std::vector<NameLimit> const& limits, Name const& name, std::string_view type,
               std::vector<SubError>& refused) {
  for (NameLimit const& each : limits) {
    auto verdict = each.constraints.test(name);
    if (verdict.ok()) continue;
    refused.push_back({Errc::rejected_identifier, verdict.error().detail(), std::string(type), name.text()});
    return;
  }
}

}  // namespace

Result<> test_names(std::vector<NameLimit> const& limits, x509::NameSet const& names) {
  std::vector<SubError> refused;
  for (x509::DnsName const& name : names.dns) test_name(limits, name, "dns", refused);
  for (x509::IpAddress const& address : names.ip) test_name(limits, address, "ip", refused);
  if (refused.empty()) return {};
  Error error(Errc::rejected_identifier, refused.size() == 1 ? refused.front().detail
                                                             : std::to_string(refused.size()) + " of the " +
                                                                   std::to_string(names.size()) +
                                                                   " names lie outside what this CA may issue");
  error.sub = std::move(refused);
  return error;
}

namespace {

template <class Subtree>
struct Permitted {
  std::vector<Subtree> subtrees;
  bool is_limited = false;

  void narrow(std::vector<Subtree> const& by) {
    if (by.empty()) return;
    if (!std::exchange(is_limited, true)) {
      subtrees = by;
      return;
    }
    std::vector<Subtree> both;
    for (Subtree const& a : subtrees)
      for (Subtree const& b : by)
        if (b.contains(a))
          both.push_back(a);
        else if (a.contains(b))
          both.push_back(b);
    subtrees = std::move(both);
  }
  bool is_nothing() const { return is_limited && subtrees.empty(); }
};

template <class Subtree>
void append(std::vector<Subtree>& to, std::vector<Subtree> const& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

std::optional<x509::NameConstraints> narrowed(std::vector<NameLimit> const& limits) {
  if (limits.empty()) return std::nullopt;
  x509::NameConstraints left;
  Permitted<x509::DnsSubtree> dns;
  Permitted<x509::IpBlock> ip;
  for (NameLimit const& limit : limits) {
    dns.narrow(limit.constraints.permitted_dns);
    ip.narrow(limit.constraints.permitted_ip);
    append(left.excluded_dns, limit.constraints.excluded_dns);
    append(left.excluded_ip, limit.constraints.excluded_ip);
    left.excludes_all_dns = left.excludes_all_dns || limit.constraints.excludes_all_dns;
  }
  left.excludes_all_dns = left.excludes_all_dns || dns.is_nothing();
  if (ip.is_nothing()) append(left.excluded_ip, {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()});
  left.permitted_dns = std::move(dns.subtrees);
  left.permitted_ip = std::move(ip.subtrees);
  return left;
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

Result<> check_subject(Bytes const& subject, std::vector<x509::Certificate> const& above) {
  TRY(auto const name, x509::DirectoryName::from_der(subject));
  for (auto const& each : above) {
    auto const constraints = each.name_constraints();
    if (!constraints) continue;
    if (auto const verdict = constraints->test(name); !verdict.ok())
      return Error(Errc::settings, "the new certificate of " + name.text() + " has a name that the certificate of " +
                                       each.subject() + " above it does not permit: " + verdict.error().detail());
  }
  return {};
}

namespace {

bool allows(x509::Certificate const& certificate, ExtendedKeyUsage usage) {
  if ((X509_get_extension_flags(certificate.native()) & EXFLAG_XKUSAGE) == 0) return true;
  auto const has = [&](std::uint32_t wanted) {
    return (X509_get_extended_key_usage(certificate.native()) & wanted) != 0;
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
