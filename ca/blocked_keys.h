// Keys that nobody may use any more because somebody said so: keys that leaked, and those that broken generators make
// again and again. Known by the SHA-256 of their SubjectPublicKeyInfo, as `openssl pkey -pubin -outform DER |
// sha256sum` prints it. Keys that were revoked as compromised here are known to the ledger instead: ledger.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/x509/key.h"
#include "store/store.h"

namespace lenscap::ca {

struct BlockedKey {
  std::string spki_hash;  // SHA-256 in lower-case hex
  std::string why;        // in the operator's words; may be empty
  Time at{};

  bool operator==(BlockedKey const&) const = default;
};

bool is_blocked(store::ReadTxn& txn, x509::PublicKey const& key);

// Of one that is blocked already nothing is changed: false.
bool block_key(store::WriteTxn& txn, BlockedKey const& blocked);
// False: it was not blocked.
bool unblock_key(store::WriteTxn& txn, std::string_view spki_hash);

// In the order of their hashes, those behind `after`; false stops. Throws store::Broken at one that cannot be read.
void visit_blocked_keys(store::ReadTxn& txn, std::string_view after,
                        std::function<bool(BlockedKey const&)> const& visit);

}  // namespace lenscap::ca
