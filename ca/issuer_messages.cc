#include "ca/issuer_messages.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <span>

#include "base/limits.h"
#include "ca/message_parts.h"

namespace lenscap::ca {
namespace {

using parts::kLengthOctets;
using parts::Reader;
using parts::Writer;

enum Type : std::uint8_t {
  opening = 1,
  certificate = 2,
  crl = 3,
  recent_wanted = 4,
  ready = 0x81,
  signature = 0x82,
  refused = 0x83,
  recent = 0x84,
};

constexpr std::size_t kTextMax = 4096;
constexpr std::size_t kKeyIdMax = 64;  // ours have 20 octets, a parent's may have more
static_assert(kCrlFrontOctetsMax == 1 + 8 + 4 + kKeyIdMax);
constexpr std::size_t kIssuersMax = 1000;
constexpr std::size_t kSecretMax = 64 * 1024;
// Names in the one order and the one spelling that a set of them has.
x509::NameSet read_names(Reader& reader) {
  constexpr std::size_t kDnsNameMax = 253;
  x509::NameSet names;
  auto const dns = reader.number(2);
  for (std::uint64_t i = 0; i < dns && reader.good(); ++i) {
    auto const text = reader.text(kDnsNameMax);
    auto name = x509::DnsName::parse(text);
    if (!name || name->text() != text || (!names.dns.empty() && *name <= *names.dns.rbegin()))
      reader.fail("a DNS name that is none, or out of order");
    else
      names.dns.insert(names.dns.end(), *std::move(name));
  }
  auto const ip = reader.number(2);
  for (std::uint64_t i = 0; i < ip && reader.good(); ++i) {
    auto address = x509::IpAddress::from_octets(reader.counted(16));
    if (!address || (!names.ip.empty() && *address <= *names.ip.rbegin()))
      reader.fail("an address that is none, or out of order");
    else
      names.ip.insert(names.ip.end(), *std::move(address));
  }
  if (names.size() > limits::kNamesPerOrder) reader.fail("too many names");
  return names;
}

Result<Wanted> decode_certificate(ByteView message) {
  constexpr std::size_t kSerialMax = 20;
  constexpr std::size_t kProfileNameMax = 64;
  Reader reader(message, certificate);
  auto const id = reader.number();
  auto issuer = to_bytes(reader.counted(kKeyIdMax));
  auto profile = reader.text(kProfileNameMax);
  auto const profile_hash = reader.hash();
  auto serial = to_bytes(reader.counted(kSerialMax));
  auto const prepared_at = reader.time();
  auto const not_before = reader.optional_time();
  auto const not_after = reader.optional_time();
  auto common_name = reader.text(kTextMax);
  auto const spki = reader.counted(limits::kCsrBytes);
  auto names = read_names(reader);
  auto const tbs_hash = reader.hash();
  CHECK_OK(reader.end());
  TRY(auto key, x509::PublicKey::from_spki(spki));
  if (!std::ranges::equal(key.spki(), spki)) return Error(Errc::malformed, "a key in another spelling");
  return Wanted(CertificateWanted{.id = id,
                                  .issuer = std::move(issuer),
                                  .request = {.profile = std::move(profile),
                                              .key = std::move(key),
                                              .names = std::move(names),
                                              .common_name = std::move(common_name),
                                              .not_before = not_before,
                                              .not_after = not_after},
                                  .profile_hash = profile_hash,
                                  .serial = std::move(serial),
                                  .prepared_at = prepared_at,
                                  .tbs_hash = tbs_hash});
}

Result<Wanted> decode_crl(ByteView message) {
  Reader reader(message, crl);
  auto const id = reader.number();
  auto issuer = to_bytes(reader.counted(kKeyIdMax));
  auto const tbs = reader.rest();
  CHECK_OK(reader.end());
  return Wanted(CrlWanted{id, std::move(issuer), tbs});
}

Result<Wanted> decode_recent_wanted(ByteView message) {
  Reader reader(message, recent_wanted);
  RecentWanted const wanted{reader.number()};
  CHECK_OK(reader.end());
  return Wanted(wanted);
}

}  // namespace

Bytes encode(Opening const& opening) {
  Writer writer(Type::opening);
  writer.counted(opening.passphrase.view());
  return std::move(writer).frame();
}

Bytes encode(CertificateWanted const& wanted) {
  Writer writer(certificate);
  writer.number(wanted.id);
  writer.counted(wanted.issuer);
  writer.text(wanted.request.profile);
  writer.fixed(wanted.profile_hash);
  writer.counted(wanted.serial);
  writer.time(wanted.prepared_at);
  writer.optional_time(wanted.request.not_before);
  writer.optional_time(wanted.request.not_after);
  writer.text(wanted.request.common_name);
  writer.counted(wanted.request.key.spki());
  writer.number(wanted.request.names.dns.size(), 2);
  for (auto const& name : wanted.request.names.dns) writer.text(name.text());
  writer.number(wanted.request.names.ip.size(), 2);
  for (auto const& address : wanted.request.names.ip) writer.counted(address.octets());
  writer.fixed(wanted.tbs_hash);
  return std::move(writer).frame();
}

Bytes encode_crl_front(std::uint64_t id, ByteView issuer, std::size_t tbs_octets) {
  Writer writer(crl, kCrlFrontOctetsMax);
  writer.number(id);
  writer.counted(issuer);
  return std::move(writer).frame(tbs_octets);
}

bool has_room_for_crl(std::size_t tbs_octets) { return tbs_octets <= kCrlMessageBytesMax - kCrlFrontOctetsMax; }

Bytes encode(RecentWanted const& wanted) {
  Writer writer(recent_wanted);
  writer.number(wanted.id);
  return std::move(writer).frame();
}

std::uint64_t message_id(ByteView message) {
  std::uint64_t id = 0;
  if (message.size() < 1 + sizeof id) return id;
  for (std::uint8_t const octet : message.subspan(1, sizeof id)) id = id << 8 | octet;
  return id;
}

Result<Opening> decode_opening(ByteView message) {
  Reader reader(message, Type::opening);
  Opening opening{SecretBytes(to_bytes(reader.counted(kSecretMax)))};
  CHECK_OK(reader.end());
  return opening;
}

Result<Wanted> decode_wanted(ByteView message) {
  if (message.empty()) return Error(Errc::malformed, "an empty message");
  if (message.front() == crl) return decode_crl(message);
  if (message.front() == recent_wanted) return decode_recent_wanted(message);
  return decode_certificate(message);
}

namespace {

void write(Ready const& answer, Bytes& out) {
  Writer writer(ready);
  writer.number(answer.spkis.size(), 2);
  for (auto const& spki : answer.spkis) writer.counted(spki);
  writer.number(answer.calls_filtered ? 1 : 0, 1);
  writer.number(answer.files_walled ? 1 : 0, 1);
  writer.text(answer.why.substr(0, kTextMax));
  out = std::move(writer).frame();
}
void write(Signature const& answer, Bytes& out) {
  Writer writer(signature);
  writer.number(answer.id);
  writer.counted(answer.octets);
  writer.number(static_cast<std::uint64_t>(answer.wait.count()), 4);
  out = std::move(writer).frame();
}
void write(Refused const& answer, Bytes& out) {
  Writer writer(refused);
  writer.number(answer.id);
  writer.text(to_string(answer.error.code()));
  writer.text(std::string_view(answer.error.detail()).substr(0, kTextMax));
  writer.number(static_cast<std::uint64_t>(answer.error.retry_after.value_or(Seconds(0)).count()), 4);
  out = std::move(writer).frame();
}

// Hexadecimal in memory, octets on the way.
void write_hex(Writer& writer, std::string const& hex) {
  auto const octets = from_hex(hex);
  writer.counted(octets ? ByteView(*octets) : ByteView());
}

void write(SignedEntry const& entry, Writer& writer) {
  write_hex(writer, entry.issuer);
  writer.time(entry.at);
  write_hex(writer, entry.serial_hex);
  writer.text(entry.scope);
  writer.number(entry.number);
  write_hex(writer, entry.tbs_hash);
}

void write(Recent const& answer, Bytes& out) {
  Writer writer(recent);
  writer.number(answer.id);
  writer.number(answer.entries.certificates.size(), 4);
  for (auto const& entry : answer.entries.certificates) write(entry, writer);
  writer.number(answer.entries.lists.size(), 4);
  for (auto const& [place, entry] : answer.entries.lists) write(entry, writer);
  out = std::move(writer).frame();
}

SignedEntry read_entry(Reader& reader, SignedEntry::Kind kind) {
  constexpr std::size_t kShort = 64;
  SignedEntry entry{.kind = kind};
  entry.issuer = to_hex(reader.counted(kShort));
  entry.at = reader.time();
  entry.serial_hex = to_hex(reader.counted(kShort));
  entry.scope = reader.text(kTextMax);
  entry.number = reader.number();
  entry.tbs_hash = to_hex(reader.counted(kShort));
  return entry;
}

Result<Answer> decode_recent(ByteView message) {
  Reader reader(message, recent);
  Recent answer;
  answer.id = reader.number();
  auto const certificates = reader.number(4);
  for (std::uint64_t i = 0; i < certificates && reader.good(); ++i)
    answer.entries.certificates.push_back(read_entry(reader, SignedEntry::Kind::certificate));
  auto const lists = reader.number(4);
  for (std::uint64_t i = 0; i < lists && reader.good(); ++i) {
    auto entry = read_entry(reader, SignedEntry::Kind::crl);
    auto place = std::pair(entry.issuer, entry.scope);
    answer.entries.lists.insert_or_assign(std::move(place), std::move(entry));
  }
  CHECK_OK(reader.end());
  return Answer(std::move(answer));
}

Result<Answer> decode_ready(ByteView message) {
  Reader reader(message, ready);
  Ready answer;
  auto const issuers = reader.number(2);
  if (issuers > kIssuersMax) reader.fail("too many issuers");
  for (std::uint64_t i = 0; i < issuers && reader.good(); ++i)
    answer.spkis.push_back(to_bytes(reader.counted(limits::kCsrBytes)));
  answer.calls_filtered = reader.flag();
  answer.files_walled = reader.flag();
  answer.why = reader.text(kTextMax);
  CHECK_OK(reader.end());
  return Answer(std::move(answer));
}

Result<Answer> decode_signature(ByteView message) {
  constexpr std::size_t kSignatureMax = 1024;  // RSA-8192
  Reader reader(message, signature);
  Signature answer;
  answer.id = reader.number();
  answer.octets = to_bytes(reader.counted(kSignatureMax));
  answer.wait = Seconds(reader.number(4));
  CHECK_OK(reader.end());
  return Answer(std::move(answer));
}

Result<Answer> decode_refused(ByteView message) {
  Reader reader(message, refused);
  auto const id = reader.number();
  auto const word = reader.text(kTextMax);
  auto detail = reader.text(kTextMax);
  auto const retry_after = Seconds(reader.number(4));
  CHECK_OK(reader.end());
  auto const codes = all_errcs();
  auto const code = std::ranges::find_if(codes, [&](Errc each) { return to_string(each) == word; });
  if (code == codes.end()) return Error(Errc::malformed, "a refusal with a code that is none");
  Error error(*code, std::move(detail));
  if (retry_after != Seconds(0)) error.retry_after = retry_after;
  return Answer(Refused{id, std::move(error)});
}

}  // namespace

Bytes encode(Answer const& answer) {
  Bytes out;
  std::visit([&](auto const& each) { write(each, out); }, answer);
  return out;
}

Result<Answer> decode_answer(ByteView message) {
  if (message.empty()) return Error(Errc::malformed, "an empty message");
  if (message.front() == ready) return decode_ready(message);
  if (message.front() == signature) return decode_signature(message);
  if (message.front() == recent) return decode_recent(message);
  return decode_refused(message);
}

namespace {

std::size_t most_of(std::uint8_t type) {
  if (type == crl) return kCrlMessageBytesMax;
  return type == recent ? kRecentMessageBytesMax : kMessageBytesMax;
}

}  // namespace

// Of the message that begins in the buffer; 0: as much has not come yet.
Result<std::size_t> Frames::next_length() const {
  auto const waiting = ByteView(buffer_).subspan(begin_);
  if (waiting.size() <= kLengthOctets) return std::size_t{0};
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthOctets; ++i) length = length << 8 | waiting[i];
  if (length == 0 || length > most_of(waiting[kLengthOctets]))
    return Error(Errc::payload_too_large, "a message of " + std::to_string(length) + " octets");
  return length;
}

Result<std::optional<Bytes>> Frames::next() {
  if (list_left_ == 0) {
    TRY(auto const length, next_length());
    if (length != 0 && buffer_.size() - begin_ >= kLengthOctets + length) {
      begin_ += kLengthOctets + length;
      auto const message = std::span(buffer_).subspan(begin_ - length, length);
      auto taken = to_bytes(message);
      OPENSSL_cleanse(message.data(), message.size());  // it may have been the passphrase
      return std::optional(std::move(taken));
    }
  }
  drop_what_was_taken();
  return std::optional<Bytes>();
}

void Frames::drop_what_was_taken() {
  if (begin_ == 0) return;
  auto const rest = static_cast<std::ptrdiff_t>(begin_);
  std::copy(buffer_.begin() + rest, buffer_.end(), buffer_.begin());
  OPENSSL_cleanse(buffer_.data() + (buffer_.size() - begin_), begin_);
  buffer_.resize(buffer_.size() - begin_);
  begin_ = 0;
}

std::optional<Frames::ListPiece> Frames::next_of_list() {
  bool const is_first = list_left_ == 0;
  if (is_first) {
    auto const length = next_length();
    if (!length || *length == 0 || buffer_[begin_ + kLengthOctets] != crl) return std::nullopt;
    if (buffer_.size() - begin_ - kLengthOctets < std::min(*length, kCrlFrontOctetsMax)) return std::nullopt;
    begin_ += kLengthOctets;
    list_left_ = *length;
  }
  if (begin_ == buffer_.size()) return std::nullopt;
  auto const size = std::min(list_left_, buffer_.size() - begin_);
  ListPiece const piece{ByteView(buffer_).subspan(begin_, size), is_first, size == list_left_};
  begin_ += size;
  list_left_ -= size;
  return piece;
}

}  // namespace lenscap::ca
