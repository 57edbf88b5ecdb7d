#include "acme/flow/dns_01_rules.h"

#include <algorithm>

#include "acme/flow/dns_records.h"
#include "base/digest.h"

namespace lenscap::acme {

std::string dns_01_name(x509::DnsName const& name) { return "_acme-challenge." + name.base().text(); }

std::string dns_01_value(std::string_view key_authorization) {
  return to_base64url(sha256(as_bytes(key_authorization)));
}

Result<> judge_dns_01(std::span<Bytes const> txt_records, std::string const& at, std::string_view key_authorization) {
  if (txt_records.empty()) {
    return Error(Errc::incorrect_response,
                 "there is no TXT record at " + at + "; was it published, and on every server of the zone?");
  }
  auto const wanted = dns_01_value(key_authorization);
  auto const is_it = [&](Bytes const& record) {
    auto const text = parse_txt(record);
    return text.ok() && equal_constant_time(as_bytes(*text), as_bytes(wanted));
  };
  if (std::any_of(txt_records.begin(), txt_records.end(), is_it)) return {};
  return Error(Errc::incorrect_response, "none of the " + std::to_string(txt_records.size()) + " TXT records at " + at +
                                             " is the digest of this account's key authorization");
}

}  // namespace lenscap::acme
