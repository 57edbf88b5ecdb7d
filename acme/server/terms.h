// Terms of service that changed (RFC 8555 7.3.3): the refusal that an account gets until somebody agrees for it, and
// the link to the page where a person does so. The link is sealed under the store's key and names the account and the
// terms: only who can sign for the account is told it, it cannot be made up, and it agrees to nothing but these terms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "acme/flow/account_rules.h"
#include "base/net/http.h"
#include "base/seal.h"

namespace lenscap::acme {

class Urls;

// The problem document for `error` (Errc::user_action_required with the URL of the terms): Link to the terms, and
// `instance` for a person (8555-7.3.3-1). Who has no account yet (nullptr) is sent to the terms themselves.
net::Response terms_refusal(Error error, std::string_view request_id, Account const* account, Urls const& urls,
                            Sealer const& sealer);

struct TermsLink {
  std::string account;  // id
  std::string terms;    // URL
};
std::string make_terms_token(Sealer const& sealer, TermsLink const& link);
std::optional<TermsLink> read_terms_token(Sealer const& sealer, std::string_view token);  // nothing: not one of ours

}  // namespace lenscap::acme
