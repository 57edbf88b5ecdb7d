#include "ca/audit_head.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <algorithm>

namespace lenscap::ca {
namespace {

constexpr HashAlgorithm kHash = HashAlgorithm::sha256;

constexpr std::uint64_t kEntriesPerHead = 1000;
constexpr Seconds kHeadEvery = 10 * kMinute;
constexpr std::size_t kHeadsKept = 1000;  // 600 KB; of a CA that is busy day and night, those of a week

constexpr store::Table kHeads{"ca_audit_heads"};  // number, in 16 hex digits -> the head as JSON

}  // namespace

std::string signed_text(AuditHead const& head, Time at) {
  return "lenscap audit head\n" + std::to_string(head.number) + "\n" + to_hex(head.hash) + "\n" +
         std::to_string(to_unix(at)) + "\n";
}

SignedAuditHead sign_audit_head(x509::PrivateKey const& key, AuditHead const& head, Time now) {
  return {head, now, key.public_key(), key.sign(kHash, to_bytes(signed_text(head, now)))};
}

json::Object to_json(SignedAuditHead const& head) {
  return {{"number", static_cast<std::int64_t>(head.head.number)},
          {"hash", to_hex(head.head.hash)},
          {"at", to_unix(head.at)},
          {"signed", signed_text(head.head, head.at)},
          {"signature", to_base64(head.signature)},
          {"key", to_base64(head.key.spki())}};
}

Result<SignedAuditHead> read_audit_head(std::string_view text) {
  TRY(auto const object, json::parse_object(text, {.bytes = 16 * 1024, .depth = 1, .members = 16}));
  TRY(auto const number, json::need_int(object, "number"));
  TRY(auto const hash_text, json::need_string(object, "hash"));
  TRY(auto const at, json::need_int(object, "at"));
  TRY(auto const signature_text, json::need_string(object, "signature"));
  TRY(auto const key_text, json::need_string(object, "key"));
  TRY(auto const hash, from_hex(hash_text));
  TRY(auto signature, from_base64(signature_text));
  TRY(auto const spki, from_base64(key_text));
  AuditHead head{static_cast<std::uint64_t>(number), {}};
  if (number < 0 || hash.size() != head.hash.size())
    return Error(Errc::malformed, "the head of the audit trail has no number from 0 on, or no hash of 32 octets");
  std::ranges::copy(hash, head.hash.begin());
  TRY(auto key, x509::PublicKey::from_spki(spki));
  if (!key.verify(kHash, to_bytes(signed_text(head, from_unix(at))), signature))
    return Error(Errc::unauthorized, "the head of the audit trail was not signed by the key that stands in it");
  return SignedAuditHead{head, from_unix(at), std::move(key), std::move(signature)};
}

// --- heads that the CA signs by itself ---

bool is_audit_head_due(std::optional<SignedAuditHead> const& last, std::uint64_t number, Time now) {
  if (!last) return number != 0;
  if (number == last->head.number) return false;
  // A trail that is shorter than its head was cut, and a head of the future is of a clock that ran ahead.
  if (number < last->head.number || now < last->at) return true;
  return number - last->head.number >= kEntriesPerHead || now - last->at >= kHeadEvery;
}

namespace {

std::string key_of(std::uint64_t number) {
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number >>= 4)
    *digit = "0123456789abcdef"[number & 15];
  return text;
}

SignedAuditHead read_kept(std::string_view key, std::string_view value) {
  auto head = read_audit_head(value);
  if (!head.ok())
    throw store::Broken("the head " + std::string(key) +
                        " of the audit trail cannot be read: " + head.error().detail());
  return *std::move(head);
}

}  // namespace

void keep_audit_head(store::WriteTxn& txn, SignedAuditHead const& head) {
  txn.put(kHeads, key_of(head.head.number), json::write(to_json(head)));
  std::vector<std::string> old;
  std::size_t seen = 0;
  txn.scan_down(kHeads, "", [&](std::string_view key, std::string_view) {
    if (++seen > kHeadsKept) old.emplace_back(key);
    return true;
  });
  for (auto const& key : old) txn.erase(kHeads, key);
}

std::uint64_t forget_unreadable_heads(store::WriteTxn& txn) {
  std::uint64_t highest = 0;
  std::vector<std::string> unreadable;
  txn.scan(kHeads, "", [&](std::string_view key, std::string_view value) {
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(key.data(), key.data() + key.size(), number, 16);
    bool const is_number = error == std::errc() && end == key.data() + key.size() && key == key_of(number);
    // Numbers go on as far as a signed one can tell of them (JSON); the rest is no number of ours.
    constexpr std::uint64_t kNumberMax = std::numeric_limits<std::int64_t>::max() / 2;
    if (is_number && number <= kNumberMax) highest = std::max(highest, number);
    if (!is_number || number > kNumberMax || !read_audit_head(value).ok()) unreadable.emplace_back(key);
    return true;
  });
  for (auto const& key : unreadable) txn.erase(kHeads, key);
  return highest;
}

std::optional<SignedAuditHead> last_audit_head(store::ReadTxn& txn) {
  std::optional<SignedAuditHead> last;
  txn.scan_down(kHeads, "", [&](std::string_view key, std::string_view value) {
    last = read_kept(key, value);
    return false;
  });
  return last;
}

void visit_audit_heads(store::ReadTxn& txn, std::uint64_t from,
                       std::function<void(SignedAuditHead const&)> const& visit) {
  txn.scan(kHeads, key_of(from), [&](std::string_view key, std::string_view value) {
    visit(read_kept(key, value));
    return true;
  });
}

}  // namespace lenscap::ca
