// How an agent learns of a root that follows the one it trusts, and tells which roots it trusts: a resource of our own
// beside RFC 8555. The request is a signed one of the account; the answer is PEM: the server's roots, and the
// certificates by which they vouch for each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/json.h"

namespace lenscap::acme {

constexpr std::size_t kTrustedRootsMax = 16;  // in one report

struct TrustReport {
  std::vector<Sha256> trusts;  // SHA-256 of each root's DER

  bool operator==(TrustReport const&) const = default;
};
// {"trusts": ["<hex>", ...]}
json::Object to_json(TrustReport const& report);
// Unknown members are ignored. Errc::malformed: none or more than kTrustedRootsMax, or one that is no SHA-256 in
// lower-case hex.
Result<TrustReport> parse_trust_report(std::string_view payload);

}  // namespace lenscap::acme
