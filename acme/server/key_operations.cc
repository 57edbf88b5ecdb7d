#include "acme/server/key_operations.h"

#include "acme/server/db.h"
#include "ca/blocked_keys.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {

using json::Object;

namespace {

constexpr std::size_t kListedAtOnce = 1'000;
constexpr std::size_t kWhyMost = 200;

Error usage(std::string text) { return Error(Errc::usage, std::move(text)); }

Result<std::string> read_hash(std::string_view text) {
  auto const hash = from_hex(text);
  if (!hash || hash->size() != std::tuple_size_v<Sha256>)
    return usage("\"" + std::string(text.substr(0, 100)) +
                 "\" is not the SHA-256 of a public key: 64 digits, as `cert show` prints them (key_sha256)");
  return to_hex(*hash);
}

bool has_certificates(store::ReadTxn& txn, std::string_view spki_hash) {
  bool found = false;
  ca::visit_by_key(txn, spki_hash, "", [&](ca::CertificateRecord const&) {
    found = true;
    return false;
  });
  return found;
}

}  // namespace

Result<Object> block_keys(OperationContext const& context, Object const& arguments) {
  TRY(auto const texts, json::get_strings(arguments, "keys"));
  TRY(auto const why, json::get_string(arguments, "why"));
  if (!texts || texts->empty()) return usage("say which key");
  if (texts->size() > kBlockedAtOnce) return usage("at most " + std::to_string(kBlockedAtOnce) + " keys at a time");
  if (why && why->size() > kWhyMost)
    return usage("the note may have " + std::to_string(kWhyMost) + " characters at most");
  std::vector<std::string> hashes;
  for (auto const& text : *texts) {
    TRY(auto hash, read_hash(text));
    hashes.push_back(std::move(hash));
  }
  auto block = [&](store::WriteTxn& txn) -> Result<Object> {
    std::size_t blocked = 0;
    std::string last;
    json::Array certified;
    for (auto const& hash : hashes) {
      if (has_certificates(txn, hash)) certified.emplace_back(hash);
      if (!ca::block_key(txn, {hash, why.value_or(""), context.now})) continue;
      ++blocked;
      last = hash;
    }
    auto const others = blocked > 1 ? " and " + std::to_string(blocked - 1) + " more" : std::string();
    auto const note = why && !why->empty() ? ": " + *why : std::string();
    if (blocked > 0) note_operation(txn, context, ca::AuditEvent::policy_changed, last + others, "key blocked" + note);
    return Object{{"blocked", blocked}, {"known", hashes.size() - blocked}, {"certified", std::move(certified)}};
  };
  return Db(context.store).write_blocking(block);
}

Result<Object> unblock_key(OperationContext const& context, Object const& arguments) {
  TRY(auto const text, json::need_string(arguments, "key"));
  TRY(auto const hash, read_hash(text));
  auto unblock = [&](store::WriteTxn& txn) -> Result<Object> {
    if (!ca::unblock_key(txn, hash))
      return Error(Errc::not_found, "the key " + hash + " is not blocked; see `lenscap-ca key list`");
    note_operation(txn, context, ca::AuditEvent::policy_changed, hash, "key not blocked any more");
    return Object{{"key_sha256", hash}};
  };
  return Db(context.store).write_blocking(unblock);
}

Result<Object> list_blocked_keys(OperationContext const& context, Object const& arguments) {
  TRY(auto const after, json::get_string(arguments, "after"));
  Object page;
  context.store.read([&](store::ReadTxn& txn) {
    json::Array keys;
    std::optional<std::string> last, next;
    ca::visit_blocked_keys(txn, after.value_or(""), [&](ca::BlockedKey const& blocked) {
      if (keys.size() == kListedAtOnce) {
        next = last;
        return false;
      }
      keys.emplace_back(
          Object{{"key_sha256", blocked.spki_hash}, {"why", blocked.why}, {"since", to_rfc3339(blocked.at)}});
      last = blocked.spki_hash;
      return true;
    });
    page = Object{{"keys", std::move(keys)}};
    if (next) page.set("next", *next);
  });
  return page;
}

}  // namespace lenscap::acme
