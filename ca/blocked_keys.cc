#include "ca/blocked_keys.h"

#include "base/json.h"
#include "store/table.h"

namespace lenscap::ca {
namespace {

constexpr store::Table kBlockedKeys{"ca_blocked_keys"};  // SPKI hash -> when and why, as JSON

Result<BlockedKey> parse_blocked_key(std::string_view spki_hash, std::string_view text) {
  TRY(auto const object, json::parse_object(text));
  TRY(auto const at, json::need_int(object, "at"));
  TRY(auto why, json::need_string(object, "why"));
  return BlockedKey{std::string(spki_hash), std::move(why), from_unix(at)};
}

}  // namespace

bool is_blocked(store::ReadTxn& txn, x509::PublicKey const& key) {
  return txn.get(kBlockedKeys, to_hex(key.spki_hash())).has_value();
}

bool block_key(store::WriteTxn& txn, BlockedKey const& blocked) {
  if (txn.get(kBlockedKeys, blocked.spki_hash)) return false;
  txn.put(kBlockedKeys, blocked.spki_hash,
          json::write(json::Object{{"at", to_unix(blocked.at)}, {"why", blocked.why}}));
  return true;
}

bool unblock_key(store::WriteTxn& txn, std::string_view spki_hash) {
  if (!txn.get(kBlockedKeys, spki_hash)) return false;
  txn.erase(kBlockedKeys, spki_hash);
  return true;
}

void visit_blocked_keys(store::ReadTxn& txn, std::string_view after,
                        std::function<bool(BlockedKey const&)> const& visit) {
  txn.scan(kBlockedKeys, after, [&](std::string_view spki_hash, std::string_view text) {
    if (spki_hash == after) return true;
    auto const blocked = parse_blocked_key(spki_hash, text);
    if (!blocked)
      throw store::Broken("the blocked key " + std::string(spki_hash) + " cannot be read: " + blocked.error().detail());
    return visit(*blocked);
  });
}

}  // namespace lenscap::ca
