#include "ca/crl_rules.h"

#include <algorithm>
#include <charconv>

#include "ca/clock_mark.h"
#include "ca/crl.h"
#include "ca/der.h"

namespace lenscap::ca {
namespace {

using Reader = x509::der::Reader;
using x509::der::Element;

constexpr Seconds kLifetimeMax = 366 * kDay;
// A list of a million entries takes a second to make and to carry over.
constexpr Seconds kOldest = 10 * kMinute;

int two_digits(ByteView digits, std::size_t at) {
  int const high = digits[at] - '0';
  int const low = digits[at + 1] - '0';
  return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}

// UTCTime until 2049, GeneralizedTime after it, both to the second and with a Z.
std::optional<Time> read_time(Element const& element) {
  constexpr std::uint8_t kUtcTime = 0x17;
  constexpr std::uint8_t kGeneralizedTime = 0x18;
  auto digits = element.content;
  int century = -1;
  if (element.tag == kGeneralizedTime && digits.size() == 15) {
    century = two_digits(digits, 0);
    digits = digits.subspan(2);
  }
  if ((element.tag != kUtcTime && century < 0) || digits.size() != 13 || digits.back() != 'Z') return std::nullopt;
  int part[6];
  for (std::size_t i = 0; i < 6; ++i)
    if (part[i] = two_digits(digits, 2 * i); part[i] < 0) return std::nullopt;
  int const year = century >= 0 ? century * 100 + part[0] : (part[0] < 50 ? 2000 : 1900) + part[0];
  if (century >= 0 && year >= 1950 && year < 2050) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(part[1])),
                                         std::chrono::day(static_cast<unsigned>(part[2]))};
  if (!date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 59) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + Seconds(part[3] * 3600 + part[4] * 60 + part[5]);
}

Result<Time> need_time(Reader& reader, std::string_view name) {
  TRY(auto const element, reader.next());
  auto const time = read_time(element);
  if (!time) return reader.refuse(std::string(name) + " is not a time as DER writes it");
  return *time;
}

// --- entries ---

struct Part {
  unsigned parts = 1;
  unsigned part = 0;
};

// SEQUENCE { SEQUENCE { OID 2.5.29.21, OCTET STRING { ENUMERATED } } }, with a reason that a full list may have.
bool is_reason(ByteView octets) {
  static constexpr std::uint8_t kFront[] = {0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1};
  if (octets.size() != std::size(kFront) + 1 || !std::ranges::equal(octets.first(std::size(kFront)), kFront))
    return false;
  auto const code = octets.back();
  return code >= 1 && code <= 10 && code != 7 && code != 8;
}

Result<> judge_entry(Reader& entries, Part const& where, Time this_update) {
  constexpr std::size_t kSerialMax = 20;
  TRY(auto const entry, entries.next(der::kSequence, "entry"));
  Reader fields(entry.content, Errc::malformed, "entry");
  TRY(auto const serial, fields.unsigned_integer("serial"));
  if (serial.empty() || serial.size() > kSerialMax) return fields.refuse("a serial that no certificate has");
  if (where.parts > 1 && crl_part_of(serial, where.parts) != where.part)
    return fields.refuse("a serial that belongs into another part");
  TRY(auto const at, need_time(fields, "revocation date"));
  if (at > this_update + kClockStepBack) return fields.refuse("revoked after the list was made");
  if (fields.at_end()) return {};
  TRY(auto const extensions, fields.next());
  if (!is_reason(extensions.whole)) return fields.refuse("something else than a reason");
  return fields.end();
}

Result<> judge_entries(ByteView list, Part const& where, Time this_update) {
  Reader entries(list, Errc::malformed, "entries");
  if (entries.at_end()) return entries.refuse("a list without entries has no list of them");
  while (!entries.at_end()) CHECK_OK(judge_entry(entries, where, this_update));
  return {};
}

// --- heading ---

// What can be chosen in the extensions; whether all else is right, the comparison shows.
struct Choices {
  std::uint64_t number = 0;
  std::string part_url;
};

Result<Choices> read_extensions(Reader& extensions) {
  Choices choices;
  TRY(auto list, extensions.enter(der::kSequence, "list of extensions"));
  (void)list.next();  // authority key identifier
  TRY(auto number, list.enter(der::kSequence, "CRL number"));
  CHECK_OK(number.next(x509::der::kOid, "identifier"));
  TRY(auto value, number.enter(x509::der::kOctetString, "value"));
  TRY(auto const octets, value.unsigned_integer("number"));
  if (octets.size() > sizeof choices.number) return value.refuse("is longer than ours are");
  for (std::uint8_t const octet : octets) choices.number = choices.number << 8 | octet;
  if (list.at_end()) return choices;
  TRY(auto part, list.enter(der::kSequence, "distribution point"));
  CHECK_OK(part.next(x509::der::kOid, "identifier"));
  CHECK_OK(part.boolean("critical"));
  TRY(auto wrapped, part.enter(x509::der::kOctetString, "value"));
  TRY(auto point, wrapped.enter(der::kSequence, "point"));
  TRY(auto name, point.enter(der::context_constructed(0), "name"));
  TRY(auto full, name.enter(der::context_constructed(0), "full name"));
  TRY(auto const url, full.next(der::context(6), "URL"));
  choices.part_url = as_text(url.content);
  return choices;
}

// "16-5" of ".../16-5.crl", if that is a part that there can be.
std::optional<Part> part_of_url(std::string const& url, CrlPlaces const& places) {
  if (!url.starts_with(places.base + "/")) return std::nullopt;
  char const* const end = url.data() + url.size();
  Part part;
  auto const parts = std::from_chars(url.data() + places.base.size() + 1, end, part.parts);
  if (parts.ec != std::errc() || parts.ptr == end) return std::nullopt;
  if (std::from_chars(parts.ptr + 1, end, part.part).ec != std::errc()) return std::nullopt;
  if (part.parts < 2 || part.parts > kCrlPartsMax || part.part >= part.parts) return std::nullopt;
  return places.url(crl_scope(part.parts, part.part)) == url ? std::optional(part) : std::nullopt;
}

}  // namespace

Result<SeenCrl> judge_crl(ByteView tbs, x509::Certificate const& issuer, CrlPlaces const& places, Time now) {
  if (!places.is_served()) return Error(Errc::malformed, "a revocation list where none is served");
  Reader whole(tbs, Errc::malformed, "revocation list");
  TRY(auto fields, whole.enter(der::kSequence, "TBSCertList"));
  CHECK_OK(whole.end());
  (void)fields.next();  // version, algorithm and issuer are compared below
  (void)fields.next();
  (void)fields.next();
  CrlHeading heading;
  TRY(heading.this_update, need_time(fields, "thisUpdate"));
  TRY(heading.next_update, need_time(fields, "nextUpdate"));
  std::optional<Element> entries;
  if (fields.next_is(der::kSequence)) {
    TRY(auto const found, fields.next());
    entries = found;
  }
  TRY(auto extensions, fields.enter(der::context_constructed(0), "extensions"));
  CHECK_OK(fields.end());
  TRY(auto choices, read_extensions(extensions));
  heading.number = choices.number;
  heading.part_url = std::move(choices.part_url);

  if (heading.this_update < now - kOldest || heading.this_update > now + kClockStepBack)
    return whole.refuse("it is of " + to_rfc3339(heading.this_update) + ", and now is " + to_rfc3339(now));
  if (heading.next_update <= heading.this_update || heading.next_update > heading.this_update + kLifetimeMax)
    return whole.refuse("it would be in force until " + to_rfc3339(heading.next_update));
  Part where;
  if (!heading.part_url.empty()) {
    auto const part = part_of_url(heading.part_url, places);
    if (!part) return whole.refuse("it is to be served at " + heading.part_url);
    where = *part;
  }
  // All but the entries, made anew and compared: nothing is left that could say something else.
  auto const expected = CrlBuilder(issuer, heading, 0).finish();
  Reader rebuilt(expected.tbs(), Errc::malformed, "revocation list");
  TRY(auto const own, rebuilt.next());
  TRY(auto const given, Reader(tbs, Errc::malformed, "revocation list").next());
  Bytes without_entries;
  if (entries) {
    auto const begin = static_cast<std::size_t>(entries->whole.data() - given.content.data());
    without_entries = der::join({given.content.first(begin), given.content.subspan(begin + entries->whole.size())});
    CHECK_OK(judge_entries(entries->content, where, heading.this_update));
  } else {
    without_entries = to_bytes(given.content);
  }
  if (!std::ranges::equal(without_entries, own.content))
    return whole.refuse("its heading or its extensions are not those of this issuer's lists");
  return SeenCrl{crl_scope(where.parts, where.part), heading.number, heading.this_update};
}

}  // namespace lenscap::ca
