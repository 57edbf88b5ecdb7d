#include "ca/audit.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json.h"

namespace lenscap::ca {
namespace {

// number, as hex of fixed width -> the chain's hash up to and with the entry, then the entry as JSON
constexpr store::Table kAudit{"ca_audit"};

constexpr std::size_t kNumberDigits = 16;
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;  // so that whatever follows on a number is one, too
constexpr std::size_t kEntryBytesMax = 16 * 1024;             // what is cut off is detail

struct Word {
  AuditEvent event;
  std::string_view word;
};
constexpr Word kWords[] = {
    {AuditEvent::certificate_issued, "certificate_issued"},
    {AuditEvent::certificate_revoked, "certificate_revoked"},
    {AuditEvent::request_refused, "request_refused"},
    {AuditEvent::account_created, "account_created"},
    {AuditEvent::account_changed, "account_changed"},
    {AuditEvent::eab_created, "eab_created"},
    {AuditEvent::eab_revoked, "eab_revoked"},
    {AuditEvent::service_started, "service_started"},
    {AuditEvent::clock_accepted, "clock_accepted"},
    {AuditEvent::restored, "restored"},
    {AuditEvent::audit_break_accepted, "audit_break_accepted"},
    {AuditEvent::issuer_changed, "issuer_changed"},
    {AuditEvent::root_changed, "root_changed"},
    {AuditEvent::key_moved, "key_moved"},
    {AuditEvent::backup_made, "backup_made"},
    {AuditEvent::policy_changed, "policy_changed"},
};

std::string key_of(std::uint64_t number) {
  std::string text(kNumberDigits, '0');
  for (std::size_t i = kNumberDigits; i > 0; --i, number >>= 4) text[i - 1] = "0123456789abcdef"[number & 15];
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view key) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(key.data(), key.data() + key.size(), number, 16);
  if (error != std::errc{} || end != key.data() + key.size() || key.size() != kNumberDigits) return std::nullopt;
  return number <= kNumberMax && key == key_of(number) ? std::optional(number) : std::nullopt;
}

struct Stored {
  Sha256 hash;
  std::string_view text;
};
std::optional<Stored> split(std::string_view value) {
  Stored stored;
  if (value.size() <= stored.hash.size()) return std::nullopt;
  std::copy_n(value.begin(), stored.hash.size(), reinterpret_cast<char*>(stored.hash.data()));
  stored.text = value.substr(stored.hash.size());
  return stored;
}

std::string to_json(std::uint64_t number, AuditEntry const& entry) {
  return json::write(json::Object{{"number", static_cast<std::int64_t>(number)},
                                  {"at", to_unix(entry.at)},
                                  {"event", to_string(entry.event)},
                                  {"actor", entry.actor},
                                  {"subject", entry.subject},
                                  {"rule", entry.rule},
                                  {"detail", entry.detail}});
}

}  // namespace

std::string_view to_string(AuditEvent event) {
  auto const found = std::ranges::find(kWords, event, &Word::event);
  if (found == std::end(kWords)) bug("unknown AuditEvent");
  return found->word;
}

std::optional<AuditEvent> audit_event_of(std::string_view word) {
  auto const found = std::ranges::find(kWords, word, &Word::word);
  if (found == std::end(kWords)) return std::nullopt;
  return found->event;
}

Sha256 chain_audit(Sha256 const& before, std::string_view text) {
  Bytes octets(before.begin(), before.end());
  octets.insert(octets.end(), text.begin(), text.end());
  return sha256(octets);
}

Result<NumberedEntry> read_audit_entry(std::string_view text) {
  TRY(auto const object, json::parse_object(text, {.bytes = kAuditTextMax, .depth = 1, .members = 16}));
  TRY(auto const number, json::need_int(object, "number"));
  TRY(auto const at, json::need_int(object, "at"));
  TRY(auto const word, json::need_string(object, "event"));
  auto const event = audit_event_of(word);
  if (!event) return Error(Errc::malformed, "the event \"" + word + "\" is not known");
  NumberedEntry read{static_cast<std::uint64_t>(number), {}, std::string(text)};
  read.entry.at = from_unix(at);
  read.entry.event = *event;
  TRY(read.entry.actor, json::need_string(object, "actor"));
  TRY(read.entry.subject, json::need_string(object, "subject"));
  TRY(read.entry.rule, json::need_string(object, "rule"));
  TRY(read.entry.detail, json::need_string(object, "detail"));
  return read;
}

std::optional<AuditHead> find_audit_head(store::ReadTxn& txn) {
  std::optional<AuditHead> head;
  txn.scan_down(kAudit, "", [&](std::string_view key, std::string_view value) {
    auto const number = number_of(key);
    if (!number) return true;
    auto const stored = split(value);
    head = AuditHead{*number, stored ? stored->hash : Sha256{}};
    return false;
  });
  return head;
}

std::optional<Sha256> find_audit_hash(store::ReadTxn& txn, std::uint64_t number) {
  auto const row = txn.get(kAudit, key_of(number));
  auto const stored = row ? split(*row) : std::nullopt;
  return stored ? std::optional(stored->hash) : std::nullopt;
}

namespace {

// Whole characters of UTF-8.
std::string begin_of(std::string const& text, std::size_t octets_most) {
  auto end = std::min(text.size(), octets_most);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void put_entry(store::WriteTxn& txn, std::uint64_t number, Sha256 const& before, AuditEntry const& entry) {
  auto text = to_json(number, entry);
  if (text.size() > kEntryBytesMax) {
    // Its beginning says most of it. As JSON an octet takes up to six.
    auto shorter = entry;
    shorter.detail = begin_of(entry.detail, kEntryBytesMax / 8) + " ... (" + std::to_string(entry.detail.size()) +
                     " octets, of which this is the beginning)";
    text = to_json(number, shorter);
  }
  auto const hash = chain_audit(before, text);
  txn.put(kAudit, key_of(number), std::string(as_text(hash)) + text);
}

}  // namespace

std::uint64_t append_audit(store::WriteTxn& txn, AuditEntry const& entry) {
  auto const head = find_audit_head(txn).value_or(AuditHead{});
  auto const number = head.number + 1;
  put_entry(txn, number, head.hash, entry);
  return number;
}

void begin_audit_anew(store::WriteTxn& txn, std::uint64_t number, AuditEntry const& entry) {
  constexpr std::size_t kTold = 8;
  std::vector<std::string> strays;
  txn.scan(kAudit, key_of(number), [&](std::string_view key, std::string_view) {
    strays.emplace_back(key);
    return true;
  });
  auto whole = entry;
  if (!strays.empty()) whole.detail += "; taken away: " + std::to_string(strays.size()) + " rows that were no entries";
  for (std::size_t i = 0; i < strays.size(); ++i) {
    if (i < kTold) whole.detail += (i == 0 ? ", of the keys (in hex) " : ", ") + to_hex(as_bytes(strays[i]));
    txn.erase(kAudit, strays[i]);
  }
  put_entry(txn, number, Sha256{}, whole);
}

void visit_audit_rows(store::ReadTxn& txn, std::uint64_t from,
                      std::function<bool(std::string_view key, Result<NumberedEntry> const&)> const& visit) {
  txn.scan(kAudit, key_of(from), [&](std::string_view key, std::string_view value) {
    auto const stored = split(value);
    if (!stored) return visit(key, Error(Errc::malformed, "it is too short"));
    auto read = read_audit_entry(stored->text);
    if (read) read->hash = stored->hash;
    return visit(key, read);
  });
}

void visit_audit(store::ReadTxn& txn, std::uint64_t from,
                 std::function<bool(std::uint64_t number, AuditEntry const&)> const& visit) {
  visit_audit_rows(txn, from, [&](std::string_view key, Result<NumberedEntry> const& read) {
    if (!read.ok())
      throw store::Broken("the entry " + std::string(key) +
                          " of the audit trail cannot be read: " + read.error().detail());
    return visit(read->number, read->entry);
  });
}

namespace {

// What became of an entry that was good.
std::string fault_of(store::ReadTxn& txn, AuditHead const& good) {
  auto const found = find_audit_hash(txn, good.number);
  auto const name = "entry " + std::to_string(good.number);
  if (!found) return name + " is missing: it was there, and good";
  if (*found != good.hash) return name + " is not what it was: it, or one before it, was written anew";
  return {};
}

}  // namespace

AuditVerdict verify_audit(store::ReadTxn& txn, std::vector<AuditHead> kept, AuditPart const& part) {
  // Those before it tell nothing of this part, as that of an empty trail tells nothing at all.
  std::erase_if(kept, [&](AuditHead const& head) { return head.number <= part.after.number; });
  std::ranges::sort(kept, {}, &AuditHead::number);
  auto next_kept = kept.begin();
  AuditVerdict verdict;
  verdict.last = part.after;
  if (part.after.hash != Sha256{}) verdict.fault = fault_of(txn, part.after);
  if (!verdict.fault.empty()) return verdict;
  auto const fault = [&](std::string text) {
    verdict.fault = std::move(text);
    return false;
  };
  std::size_t seen = 0;
  auto const from = part.after.number == 0 ? std::string() : key_of(part.after.number + 1);
  txn.scan(kAudit, from, [&](std::string_view key, std::string_view value) {
    if (seen == part.entries_most) return false;
    ++seen;
    auto const expected = verdict.last.number + 1;
    auto const name = "entry " + std::to_string(expected);
    auto const number = number_of(key);
    if (!number || *number < expected) return fault(name + ": there is a row before it that is no entry");
    if (*number > expected) return fault(name + " is missing; the next one is " + std::to_string(*number));
    auto const stored = split(value);
    if (!stored) return fault(name + " cannot be read: it is too short");
    auto const hash = chain_audit(verdict.last.hash, stored->text);
    if (hash != stored->hash) return fault(name + " was changed, or stands where another one was");
    auto const read = read_audit_entry(stored->text);
    if (!read.ok()) return fault(name + " cannot be read: " + read.error().detail());
    if (read->number != expected)
      return fault(name + " says of itself that it is entry " + std::to_string(read->number));
    for (; next_kept != kept.end() && next_kept->number == expected; ++next_kept)
      if (next_kept->hash != hash)
        return fault(name + " is not what it was when the head was kept: it, or one before it, was written anew");
    verdict.last = {expected, hash};
    return true;
  });
  if (verdict.fault.empty() && seen < part.entries_most && next_kept != kept.end())
    fault("entry " + std::to_string(verdict.last.number + 1) +
          " is missing: the trail ends before it, and a head that was kept tells of " +
          std::to_string(kept.back().number));
  return verdict;
}

}  // namespace lenscap::ca
