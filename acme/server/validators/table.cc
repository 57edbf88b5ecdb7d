#include "acme/server/validator.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// In the order in which an authorization lists them.
constexpr Validator kValidators[] = {
    // type           dns   ip    *.     validate
    {names::kHttp01, true, true, false, validate_http_01},         // RFC 8555 8.3, RFC 8738
    {names::kDns01, true, false, true, validate_dns_01},           // RFC 8555 8.4
    {names::kTlsAlpn01, true, true, false, validate_tls_alpn_01},  // RFC 8737, RFC 8738
};

}  // namespace

std::span<Validator const> validators() { return kValidators; }

std::vector<std::string> validator_types() {
  std::vector<std::string> types;
  for (auto const& row : kValidators) types.emplace_back(row.type);
  return types;
}

Validator const* find_validator(std::string_view type) {
  for (auto const& row : kValidators)
    if (row.type == type) return &row;
  return nullptr;
}

}  // namespace lenscap::acme
