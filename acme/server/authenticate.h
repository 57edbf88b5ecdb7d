// Who signed this request, and is it meant for this URL? Everything of RFC 8555 6.2 to 6.5, in the order of Boulder:
// media type, form of the JWS, algorithm, key or account, signature, nonce, url. Nothing is written to the store, and a
// nonce is burnt only by a request whose signature is good.
#pragma once

#include <optional>

#include "acme/flow/account_rules.h"
#include "acme/server/refusals.h"
#include "base/net/awaitable.h"
#include "base/net/http.h"
#include "base/time.h"

namespace lenscap::acme {

struct App;

enum class Signer {
  key,      // `jwk`: newAccount (8555-6.2-14)
  account,  // `kid`: everything else (8555-6.2-15)
  either,   // revokeCert: an account, or the certificate's own key (8555-6.2-14)
};

// What a handler gets: from here on nothing looks at HTTP or JWS.
struct SignedRequest {
  std::optional<Account> signer;  // behind `kid`; valid
  x509::PublicKey key;            // that made the signature
  std::string url;
  std::string query;
  std::string payload;  // empty: POST-as-GET
  Time now{};
  net::PathParams params;  // of the path
  std::string id;          // request id, for the log
  std::string peer;
  std::string accept;  // media types that the client takes, as it wrote them; empty: it does not say

  Account const& account() const { return *signer; }  // only behind Signer::account
  bool is_post_as_get() const { return payload.empty(); }
};

// As whom the audit trail knows whoever signed, when he is refused: by the account, or, where no account is needed, by
// the key that the signature was good for. Nothing: by nothing yet, as at newAccount.
std::optional<Asker> asker_of(Signer signer, std::optional<Account> const& account, x509::PublicKey const& key);

net::Awaitable<Result<SignedRequest>> authenticate(App& app, Signer signer, net::Request request);

}  // namespace lenscap::acme
