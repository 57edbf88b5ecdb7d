#include "acme/flow/tls_alpn_01_rules.h"

#include "base/x509/acme_certificate.h"

namespace lenscap::acme {
namespace {

std::string reverse_name(x509::IpAddress const& address) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto const octets = address.octets();
  std::string name;
  for (auto it = octets.rbegin(); it != octets.rend(); ++it) {
    if (address.is_v6()) {
      name += kDigits[*it & 0xf];
      name += '.';
      name += kDigits[*it >> 4];
    } else {
      name += std::to_string(*it);
    }
    name += '.';
  }
  return name + (address.is_v6() ? "ip6.arpa" : "in-addr.arpa");
}

bool equal_in_either_case(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    char const c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

bool names(x509::AcmeCertificate const& certificate, Identifier const& identifier) {
  if (auto const* name = identifier.dns()) {
    return certificate.dns_name && equal_in_either_case(*certificate.dns_name, name->text());
  }
  return certificate.ip_address && *certificate.ip_address == to_bytes(identifier.ip()->octets());
}

}  // namespace

std::string tls_alpn_01_server_name(Identifier const& identifier) {
  return identifier.ip() != nullptr ? reverse_name(*identifier.ip()) : identifier.value();
}

Result<> judge_tls_alpn_01(ByteView certificate, Identifier const& identifier, std::string_view key_authorization,
                           std::string const& where) {
  auto const parsed = x509::parse_acme_certificate(certificate);
  if (!parsed) return Error(parsed.error()).with_context(where + ": ");
  if (!names(*parsed, identifier)) {
    return Error(Errc::incorrect_response,
                 where + ": the certificate's subjectAltName is not the " +
                     (identifier.ip() != nullptr ? "address (as iPAddress)" : "name (as dNSName)"));
  }
  auto const wanted = sha256(as_bytes(key_authorization));
  if (!equal_constant_time(parsed->acme_identifier, wanted)) {
    return Error(Errc::incorrect_response,
                 where + ": the certificate's acmeIdentifier is not the digest of this account's key authorization");
  }
  return {};
}

}  // namespace lenscap::acme
