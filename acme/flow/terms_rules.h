// Agreement to the terms of service (RFC 8555 7.3, 7.3.3). An account keeps the URL that it agreed to, so new terms are
// those with another URL.
#pragma once

#include "acme/flow/account_rules.h"

namespace lenscap::acme {

// Has the account agreed to the terms in force? Where there are none, yes. Errc::user_action_required with their URL
// (8555-7.3.3-1): new orders and authorizations need it; reading, changing the key and leaving do not.
Result<> check_agreed(Account const& account, Policy const& policy);

// A person agrees for the account, on the page that `instance` names or by the operator's hand. A client cannot do it
// by itself: newAccount with a known key and updates pass such members over (8555-7.3.1-1, 8555-7.3.2-1).
Account agree(Account account, Policy const& policy);

}  // namespace lenscap::acme
