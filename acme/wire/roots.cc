#include "acme/wire/roots.h"

#include <algorithm>

#include "base/bytes.h"

namespace lenscap::acme {

json::Object to_json(TrustReport const& report) {
  std::vector<std::string> hashes;
  for (auto const& hash : report.trusts) hashes.push_back(to_hex(hash));
  json::Object object;
  object.set("trusts", json::Value::strings(hashes));
  return object;
}

Result<TrustReport> parse_trust_report(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto const hashes, json::get_strings(object, "trusts"));
  if (!hashes || hashes->empty() || hashes->size() > kTrustedRootsMax)
    return Error(Errc::malformed, "trusts: must be the SHA-256 of 1 to 16 roots");
  TrustReport report;
  for (auto const& text : *hashes) {
    auto const octets = from_hex(text);
    Sha256 hash{};
    if (!octets.ok() || octets->size() != hash.size() || to_hex(*octets) != text)
      return Error(Errc::malformed, "trusts: each must be a SHA-256 in lower-case hex");
    std::ranges::copy(*octets, hash.begin());
    report.trusts.push_back(hash);
  }
  return report;
}

}  // namespace lenscap::acme
