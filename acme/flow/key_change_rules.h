// May this account take this key? (RFC 8555 7.3.5)
#pragma once

#include <string_view>

#include "acme/flow/account_rules.h"
#include "acme/wire/key_change.h"

namespace lenscap::acme {

// The account with its new key; nothing else of it changes (8555-7.3.5-5). `account` is the one that signed the outer
// request, as it is in the store now; `account_url` is its URL as Location gave it, `url` that of the outer request.
// `holder_url` is the URL of the account that has the new key, whatever its status (this one too), or empty.
//   Errc::account_deactivated  the account is not valid
//   Errc::malformed            another url, another account, another old key (8555-7.3.5-2, -3)
//   Errc::key_in_use           with holder_url for Location (8555-7.3.5-4)
// Two changes at once onto one key: run it inside the transaction that saves (8555-7.3.5-6).
Result<Account> change_key(Account account, KeyChange const& change, std::string_view url, std::string_view account_url,
                           std::string_view holder_url);

}  // namespace lenscap::acme
