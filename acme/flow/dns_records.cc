#include "acme/flow/dns_records.h"

namespace lenscap::acme {
namespace {

Error malformed(std::string_view type) { return {Errc::dns, "DNS: a " + std::string(type) + " record is malformed"}; }

}  // namespace

Result<std::string> parse_txt(ByteView data) {
  if (data.empty()) return malformed("TXT");
  std::string joined;
  while (!data.empty()) {
    std::size_t const length = data[0];
    if (length > data.size() - 1) return malformed("TXT");
    joined += as_text(data.subspan(1, length));
    data = data.subspan(1 + length);
  }
  return joined;
}

Result<CaaRecord> parse_caa(ByteView data) {
  constexpr std::uint8_t kIssuerCritical = 0x80;
  if (data.size() < 2) return malformed("CAA");
  std::size_t const length = data[1];
  if (length == 0 || length > data.size() - 2) return malformed("CAA");
  CaaRecord record;
  record.critical = (data[0] & kIssuerCritical) != 0;
  for (auto const octet : data.subspan(2, length)) {
    auto c = static_cast<char>(octet);
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return malformed("CAA");
    record.tag += c;
  }
  record.value = as_text(data.subspan(2 + length));
  return record;
}

}  // namespace lenscap::acme
