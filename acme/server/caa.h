// Looks CAA records up and has acme/flow/caa_rules.h judge them: after each validation, and again at issuance for what
// was validated long ago. Does nothing when the settings say `caa = "off"`.
#pragma once

#include <string>
#include <vector>

#include "acme/flow/caa_rules.h"
#include "base/net/awaitable.h"

namespace lenscap::acme {

struct App;

// Errc::caa, with a sub-error for each name that is refused; a look-up that fails refuses its name when the mode is
// strict, and leaves a warning in the log when it is lenient. All names together have one deadline.
net::Awaitable<Result<>> check_caa(App& app, std::vector<CaaQuestion> questions);

// Every authorization of an order whose look-up is due (8659-3-1). The order must be the account's own.
net::Awaitable<Result<>> recheck_caa(App& app, std::string order_id, std::string account_id, Time now);

}  // namespace lenscap::acme
