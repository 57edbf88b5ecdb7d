// Keys that nobody may use any more (ca/blocked_keys.h), for the operator.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

constexpr std::size_t kBlockedAtOnce = 500;  // hashes in one operation

// `key.block` `keys` (SHA-256 of the SubjectPublicKeyInfo, hex), `why`: all of them or, where one is not a hash, none.
// "blocked" and "known" count the new ones and the others; "certified" are those of which there are certificates, which
// this does not revoke.
Result<json::Object> block_keys(OperationContext const& context, json::Object const& arguments);
// `key.unblock` `key`
Result<json::Object> unblock_key(OperationContext const& context, json::Object const& arguments);
// `key.list` `after`: a page; "next" is what `after` has to be for the one behind it, and absent on the last.
Result<json::Object> list_blocked_keys(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
