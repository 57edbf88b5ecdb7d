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

struct Part {
  unsigned parts = 1;
  unsigned part = 0;
};

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

constexpr char const* kWhat = "revocation list";

Error refuse(std::string_view why) { return {Errc::malformed, std::string(kWhat) + ": " + std::string(why)}; }
Error refuse_entry(std::string_view why) { return {Errc::malformed, "entry: " + std::string(why)}; }

// The largest that ours can be: a key id of 20 octets, a URL.
constexpr std::size_t kExtensionsMax = 4096;
// Version, algorithm, two times, and the headers around and behind them; the issuer's name comes on top.
constexpr std::size_t kHeadingWithoutName = 256;

// At most so many octets of `from` into `to`.
void move_octets(ByteView& from, std::size_t most, Bytes& to) {
  auto const now = from.first(std::min(most, from.size()));
  to.insert(to.end(), now.begin(), now.end());
  from = from.subspan(now.size());
}

}  // namespace

CrlJudge::CrlJudge(x509::Certificate const& issuer, CrlPlaces const& places)
    : issuer_(issuer), places_(places), heading_most_(issuer.subject_der().size() + kHeadingWithoutName) {}

Result<> CrlJudge::add(ByteView octets) {
  if (has_heading_) return read_on(octets);
  move_octets(octets, heading_most_ - heading_.size(), heading_);
  if (heading_.size() < heading_most_) return {};
  CHECK_OK(read_heading());
  return read_on(octets);
}

// Version, algorithm and issuer are compared at the end; here is found out where they end.
Result<> CrlJudge::read_heading() {
  has_heading_ = true;
  Reader reader(heading_, Errc::malformed, kWhat);
  TRY(auto const outer, reader.header());
  if (outer.tag != der::kSequence) return refuse("has something else where its TBSCertList should be");
  for (char const* name : {"version", "algorithm", "issuer"})
    if (auto const skipped = reader.next(); !skipped) return refuse("has no " + std::string(name) + " as ours have");
  TRY(this_update_, need_time(reader, "thisUpdate"));
  TRY(next_update_, need_time(reader, "nextUpdate"));
  auto const end = heading_.size() - reader.rest().size();
  auto content = end - outer.octets;
  if (reader.next_is(der::kSequence)) {
    TRY(auto const entries, reader.header());
    if (entries.length == 0) return refuse("a list without entries has no list of them");
    content += entries.octets + entries.length;
    entries_left_ = entries.length;
  }
  if (content > outer.length) return refuse("ends inside an element");
  extensions_left_ = outer.length - content;
  if (extensions_left_ > kExtensionsMax) return refuse("has more behind its entries than ours have");
  auto const rest = to_bytes(reader.rest());
  heading_ = to_bytes(ByteView(heading_).first(end).subspan(outer.octets));
  return read_on(rest);
}

Result<> CrlJudge::read_on(ByteView octets) {
  if (entries_left_ > 0) {
    auto const entries = octets.first(std::min(entries_left_, octets.size()));
    entries_left_ -= entries.size();
    CHECK_OK(read_entries(entries));
    octets = octets.subspan(entries.size());
  }
  if (octets.size() > extensions_left_) return refuse("has octets after its end");
  extensions_left_ -= octets.size();
  extensions_.insert(extensions_.end(), octets.begin(), octets.end());
  return {};
}

// --- entries ---

namespace {

constexpr std::size_t kEntryHeader = 2;  // tag and a length in one octet
// Serial with a sign octet, GeneralizedTime, reason.
constexpr std::size_t kEntryMax = (2 + 21) + (2 + 15) + 14;

// Octets of the entry that begins so; 0: that cannot be told yet.
Result<std::size_t> entry_size(ByteView begin) {
  if (!begin.empty() && begin[0] != der::kSequence) return refuse_entry("something else than an entry");
  if (begin.size() < kEntryHeader) return std::size_t{0};
  if (begin[1] > kEntryMax) return refuse_entry("it is longer than ours can be");
  return kEntryHeader + begin[1];
}

}  // namespace

Result<> CrlJudge::read_entries(ByteView octets) {
  while (!octets.empty()) {
    if (entry_.empty()) {  // the common way: nothing is copied
      TRY(auto const size, entry_size(octets));
      if (size != 0 && size <= octets.size()) {
        CHECK_OK(judge_entry(octets.subspan(kEntryHeader, size - kEntryHeader)));
        octets = octets.subspan(size);
        continue;
      }
    }
    TRY(auto const size, entry_size(entry_));
    move_octets(octets, (size == 0 ? kEntryHeader : size) - entry_.size(), entry_);
    TRY(auto const known, entry_size(entry_));
    if (known == 0 || entry_.size() < known) continue;
    CHECK_OK(judge_entry(ByteView(entry_).subspan(kEntryHeader)));
    entry_.clear();
  }
  if (entries_left_ == 0 && !entry_.empty()) return refuse_entry("ends behind the list of entries");
  return {};
}

namespace {

// SEQUENCE { SEQUENCE { OID 2.5.29.21, OCTET STRING { ENUMERATED } } }, with a reason that a full list may have.
bool is_reason(ByteView octets) {
  static constexpr std::uint8_t kFront[] = {0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1};
  if (octets.size() != std::size(kFront) + 1 || !std::ranges::equal(octets.first(std::size(kFront)), kFront))
    return false;
  auto const code = octets.back();
  return code >= 1 && code <= 10 && code != 7 && code != 8;
}

// An element with a length in one octet, which all of an entry's have; it goes from the front of `rest`. No content is
// no element. A Reader would do the same, with its texts, in three times the time, and there are millions of them.
std::optional<Element> next_short(ByteView& rest) {
  if (rest.size() < 2 || rest[1] == 0 || rest[1] > rest.size() - 2) return std::nullopt;
  std::size_t const size = 2 + std::size_t{rest[1]};
  Element const found{rest[0], rest.subspan(2, size - 2), rest.first(size)};
  rest = rest.subspan(size);
  return found;
}

// The octets of a positive INTEGER without a sign octet; empty when it is none as DER writes it.
ByteView serial_of(Element const& element) {
  auto const content = element.content;
  if (element.tag != x509::der::kInteger || (content[0] & 0x80) != 0) return {};
  if (content[0] != 0) return content;
  bool const needs_sign = content.size() > 1 && (content[1] & 0x80) != 0;
  return needs_sign ? content.subspan(1) : ByteView();
}

}  // namespace

Result<> CrlJudge::judge_entry(ByteView entry) {
  constexpr std::size_t kSerialMax = 20;
  auto const number = next_short(entry);
  auto const serial = number ? serial_of(*number) : ByteView();
  if (serial.empty() || serial.size() > kSerialMax) return refuse_entry("a serial that no certificate has");
  parts_.add(serial);
  auto const date = next_short(entry);
  auto const at = date ? read_time(*date) : std::nullopt;
  if (!at) return refuse_entry("revocation date is not a time as DER writes it");
  if (*at > this_update_ + kClockStepBack) return refuse_entry("revoked after the list was made");
  if (!entry.empty() && !is_reason(entry)) return refuse_entry("something else than a reason");
  return {};
}

// --- the end ---

Result<SeenCrl> CrlJudge::finish(Time now) && {
  if (!places_.is_served()) return Error(Errc::malformed, "a revocation list where none is served");
  if (!has_heading_) CHECK_OK(read_heading());
  if (entries_left_ > 0 || extensions_left_ > 0) return refuse("ends too early");
  Reader whole(extensions_, Errc::malformed, kWhat);
  TRY(auto extensions, whole.enter(der::context_constructed(0), "extensions"));
  CHECK_OK(whole.end());
  TRY(auto choices, read_extensions(extensions));
  CrlHeading heading{.number = choices.number,
                     .this_update = this_update_,
                     .next_update = next_update_,
                     .part_url = std::move(choices.part_url)};
  if (heading.this_update < now - kOldest || heading.this_update > now + kClockStepBack)
    return refuse("it is of " + to_rfc3339(heading.this_update) + ", and now is " + to_rfc3339(now));
  if (heading.next_update <= heading.this_update || heading.next_update > heading.this_update + kLifetimeMax)
    return refuse("it would be in force until " + to_rfc3339(heading.next_update));
  Part where;
  if (!heading.part_url.empty()) {
    auto const part = part_of_url(heading.part_url, places_);
    if (!part) return refuse("it is to be served at " + heading.part_url);
    where = *part;
    if (!parts_.all_in(where.parts, where.part)) return refuse_entry("a serial that belongs into another part");
  }
  auto const number = heading.number;
  auto const this_update = heading.this_update;
  // All but the entries, made anew and compared: nothing is left that could say something else.
  auto const expected = CrlBuilder(issuer_, std::move(heading), 0).finish();
  TRY(auto const own, Reader(expected.tbs(), Errc::malformed, kWhat).next());
  if (!std::ranges::equal(der::join({heading_, extensions_}), own.content))
    return refuse("its heading or its extensions are not those of this issuer's lists");
  return SeenCrl{crl_scope(where.parts, where.part), number, this_update};
}

}  // namespace lenscap::ca
