// Revokes many certificates at once: which, is said by a selection. In pages, each a durable transaction, so that the
// server's writer is free in between; what is revoked already is passed over, so that whoever was interrupted says the
// same again and goes on. Blocking.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// `cert.revoke_many`. Arguments: at most one of `name`, `account` (id or URL) and `key` (its SHA-256 in hex, as
// cert.show gives it); `where`, terms that must all be true (kWhereTerms); one of all these must be there; `reason`;
// `dry_run`; `after`, the former answer's `next`. Gives `certificates`, what was (or would be) revoked, and `next`
// unless this was the last page. Ended ones are not touched, nor revoked ones, unless keyCompromise takes the place of
// another reason. A `key` with that reason is blocked (ca/blocked_keys.h), whatever its certificates are.
Result<json::Object> revoke_many(OperationContext const& context, json::Object const& arguments);

inline constexpr std::string_view kWhereTerms =
    "profile=NAME, issuer=NAME, issued-before=TIME, issued-after=TIME (RFC 3339, or a day) and under=SUFFIX";

}  // namespace lenscap::acme
