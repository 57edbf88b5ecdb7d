#include "ca/crl.h"

#include <algorithm>
#include <array>

#include "ca/der.h"

namespace lenscap::ca {
namespace {

constexpr std::uint8_t kUtcTime = 0x17;
constexpr std::uint8_t kGeneralizedTime = 0x18;
constexpr std::uint8_t kEnumerated = 0x0a;

// Of a serial with a sign octet and as many octets as there may be, a GeneralizedTime and a reason.
constexpr std::size_t kEntryOctetsMax = 2 + (2 + 21) + (2 + 15) + 14;
constexpr std::size_t kAfterEntries = 2048;  // extensions, algorithm and signature: fewer in fact

void append(Bytes& out, ByteView octets) { out.insert(out.end(), octets.begin(), octets.end()); }

// Tag and length of an element with so much content.
Bytes header(std::uint8_t tag, std::size_t length) {
  if (length < 0x80) return {tag, static_cast<std::uint8_t>(length)};
  Bytes big_endian;
  for (std::size_t rest = length; rest > 0; rest >>= 8) big_endian.push_back(static_cast<std::uint8_t>(rest & 0xff));
  Bytes out{tag, static_cast<std::uint8_t>(0x80 | big_endian.size())};
  out.insert(out.end(), big_endian.rbegin(), big_endian.rend());
  return out;
}

// Puts the tag and the length of all that stands from `begin` on in front of it; gives the new beginning.
std::size_t wrap(Bytes& octets, std::size_t begin, std::uint8_t tag) {
  Bytes const front = header(tag, octets.size() - begin);
  if (front.size() > begin) bug("a CRL without room for its header");
  std::ranges::copy(front, octets.begin() + static_cast<std::ptrdiff_t>(begin - front.size()));
  return begin - front.size();
}

Bytes extension(std::string_view oid, bool critical, ByteView value) {
  return der::sequence({der::oid(oid), critical ? der::boolean_true() : Bytes{}, der::octet_string(value)});
}

Bytes integer(std::uint64_t value) {
  Bytes big_endian;
  for (int shift = 56; shift >= 0; shift -= 8) big_endian.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
  auto const first = std::ranges::find_if(big_endian, [](std::uint8_t octet) { return octet != 0; });
  return der::unsigned_integer(ByteView(big_endian).subspan(static_cast<std::size_t>(first - big_endian.begin())));
}

// 5.2.5. The issuing certificate has path length 0: what it signs are certificates of users alone.
Bytes issuing_distribution_point(std::string_view url) {
  Bytes const full_name = der::element(der::context_constructed(0), der::element(der::context(6), as_bytes(url)));
  Bytes const only_user_certificates{der::context(1), 1, 0xff};
  return der::sequence({der::element(der::context_constructed(0), full_name), only_user_certificates});
}

Bytes encode_extensions(CrlHeading const& heading, ByteView issuer_key_id) {
  Bytes all = der::join({
      extension("2.5.29.35", false, der::sequence({der::element(der::context(0), issuer_key_id)})),  // 5.2.1
      extension("2.5.29.20", false, integer(heading.number)),                                        // 5.2.3
  });
  if (!heading.part_url.empty())
    append(all, extension("2.5.29.28", true, issuing_distribution_point(heading.part_url)));
  return der::element(der::context_constructed(0), der::element(der::kSequence, all));
}

// Is there a code to be written? Not for `unspecified` (5.3.1 asks to leave it out), and removeFromCRL belongs into
// delta lists alone: the certificate stays revoked here.
bool has_code(std::optional<x509::RevocationReason> reason) {
  return reason && *reason != x509::RevocationReason::unspecified && *reason != x509::RevocationReason::remove_from_crl;
}

}  // namespace

CrlBuilder::CrlBuilder(x509::Certificate const& issuer, CrlHeading heading, std::size_t expected)
    : heading_(std::move(heading)),
      issuer_key_id_(issuer.subject_key_id()),
      before_entries_(der::join({
          der::small_integer(1),  // version 2
          signature_algorithm(issuer.key()).der,
          issuer.subject_der(),
          der::time(heading_.this_update),
          der::time(heading_.next_update),
      })),
      room_(before_entries_.size() + 3 * kCrlFrontRoom) {
  if (heading_.next_update <= heading_.this_update) bug("a CRL that ends before it begins");
  octets_.reserve(room_ + expected * kEntryOctetsMax + kAfterEntries);
  octets_.resize(room_);
}

namespace {

constexpr std::size_t kSerialOctetsMax = 20;

// One entry, put together where it costs least: a million of them count.
class Entry {
 public:
  void put(std::uint8_t octet) { octets_[size_++] = octet; }
  void put(ByteView octets) {
    std::ranges::copy(octets, octets_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += octets.size();
  }
  // As der::time, but without memory of its own.
  void put_time(Time when);
  // A SEQUENCE of all that was put: less than 128 octets for every entry.
  ByteView finish() {
    octets_[1] = static_cast<std::uint8_t>(size_ - kHeader);
    return ByteView(octets_).first(size_);
  }

 private:
  static constexpr std::size_t kHeader = 2;
  std::array<std::uint8_t, kEntryOctetsMax> octets_{der::kSequence};
  std::size_t size_ = kHeader;
};

void Entry::put_time(Time when) {
  auto const day = std::chrono::floor<std::chrono::days>(when);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const clock(when - day);
  auto const year = static_cast<unsigned>(static_cast<int>(date.year()));
  auto const two_digits = [&](unsigned value) {
    put(static_cast<std::uint8_t>('0' + value / 10 % 10));
    put(static_cast<std::uint8_t>('0' + value % 10));
  };
  bool const utc = year >= 1950 && year < 2050;
  put(utc ? kUtcTime : kGeneralizedTime);
  put(utc ? 13 : 15);
  if (!utc) two_digits(year / 100);
  two_digits(year % 100);
  two_digits(static_cast<unsigned>(date.month()));
  two_digits(static_cast<unsigned>(date.day()));
  two_digits(static_cast<unsigned>(clock.hours().count()));
  two_digits(static_cast<unsigned>(clock.minutes().count()));
  two_digits(static_cast<unsigned>(clock.seconds().count()));
  put('Z');
}

// By a table, since what serials have in common no branch can foresee. 16 and more: no digit.
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(0x80);
  for (unsigned i = 0; i < 16; ++i)
    digits[static_cast<std::uint8_t>("0123456789abcdef"[i])] = static_cast<std::uint8_t>(i);
  return digits;
}();

// As from_hex, but without memory of its own: of how many octets the serial is, 0 when it is none.
std::size_t read_serial(std::string_view hex, std::array<std::uint8_t, kSerialOctetsMax>& serial) {
  if (hex.size() % 2 != 0 || hex.size() > 2 * kSerialOctetsMax) return 0;
  unsigned seen = 0;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned const high = kDigits[static_cast<std::uint8_t>(hex[i])];
    unsigned const low = kDigits[static_cast<std::uint8_t>(hex[i + 1])];
    seen |= high | low;
    serial[i / 2] = static_cast<std::uint8_t>((high << 4 | low) & 0xff);
  }
  return seen < 16 ? hex.size() / 2 : 0;
}

}  // namespace

void CrlBuilder::add(RevokedCertificate const& revoked) {
  std::array<std::uint8_t, kSerialOctetsMax> octets{};
  ByteView const serial = ByteView(octets).first(read_serial(revoked.serial_hex, octets));
  if (serial.empty() || serial.front() == 0) bug("a serial that no certificate of ours has");
  ++entries_;

  Entry entry;
  bool const sign_octet = (serial.front() & 0x80) != 0;
  entry.put(x509::der::kInteger);
  entry.put(static_cast<std::uint8_t>(serial.size() + (sign_octet ? 1 : 0)));
  if (sign_octet) entry.put(0);
  entry.put(serial);
  entry.put_time(revoked.revoked_at);
  if (has_code(revoked.reason)) {
    std::uint8_t const extensions[] = {
        der::kSequence,
        12,
        der::kSequence,
        10,
        x509::der::kOid,
        3,
        0x55,
        0x1d,
        0x15,  // 2.5.29.21, 5.3.1
        x509::der::kOctetString,
        3,
        kEnumerated,
        1,
        static_cast<std::uint8_t>(*revoked.reason),
    };
    entry.put(ByteView(extensions));
  }
  append(octets_, entry.finish());
}

CrlDraft CrlBuilder::finish() && {
  std::size_t begin = room_;
  // 5.1.2.6: a list without entries has no list of entries.
  if (entries_ > 0) begin = wrap(octets_, begin, der::kSequence);
  append(octets_, encode_extensions(heading_, issuer_key_id_));
  begin -= before_entries_.size();
  std::ranges::copy(before_entries_, octets_.begin() + static_cast<std::ptrdiff_t>(begin));
  begin = wrap(octets_, begin, der::kSequence);
  return {std::move(octets_), begin, std::move(issuer_key_id_)};
}

Bytes assemble_crl(Bytes octets, std::size_t tbs_begin, SignatureAlgorithm const& algorithm, ByteView signature) {
  append(octets, algorithm.der);
  append(octets, der::bit_string(signature));
  std::size_t const begin = wrap(octets, tbs_begin, der::kSequence);
  octets.erase(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(begin));
  return octets;
}

}  // namespace lenscap::ca
