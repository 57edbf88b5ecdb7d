// The requests of an ACME client (RFC 8555), one method each. It keeps nonces, signs, retries on badNonce, and turns
// problem documents back into Errors. It DOES NOT decide what to ask for next (see obtain.h) and stores nothing.
//
// The server is treated as hostile: https only, every URL it hands out must have the directory's origin, answers are
// bounded in size, and nothing it says is used as a path or a command.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "acme/wire/account.h"
#include "acme/wire/authorization.h"
#include "acme/wire/directory.h"
#include "acme/wire/order.h"
#include "acme/wire/renewal_info.h"
#include "acme/wire/roots.h"
#include "agent/client/nonce_pool.h"
#include "base/net/http_client.h"

namespace lenscap::agent {

// How a request reaches the network: HttpClient::fetch, or a test's own.
using Fetch = std::function<net::Awaitable<Result<net::ClientResponse>>(net::ClientRequest)>;

struct AcmeServer {
  std::string directory_url;  // https
  // Under which the server's own TLS certificate must chain; not the devices' roots.
  std::vector<x509::Certificate> roots;
};

template <class Object>
struct Fetched {
  std::string url;
  Object object;
  std::optional<Seconds> retry_after;
};

constexpr std::size_t kRootsKept = 8;  // of a CA whose roots live for twenty years
// What a server may answer for its roots: so many, and between each of them and the next the two certificates by which
// these vouch for each other. More than a chain may have.
constexpr std::size_t kRootCertificatesMax = kRootsKept + 2 * (kRootsKept - 1);

// One account at one server. Not for two threads; many coroutines of one thread are fine.
// Refusals: those of the server (Errc by its problem document), unreachable, tls, and incorrect_response for whatever
// is no answer of an ACME server: a proxy's page, a URL elsewhere, another media type, an object that does not parse.
class AcmeClient {
 public:
  // `key` must outlive the client. `account_url` is empty until the account exists.
  AcmeClient(Fetch fetch, AcmeServer server, x509::PrivateKey const& key, std::string account_url);

  net::Awaitable<Result<acme::Directory>> directory();
  // Makes the account, or finds the one of this key. `eab_kid` empty: no external account binding.
  net::Awaitable<Result<Fetched<acme::AccountObject>>> new_account(std::string eab_kid, SecretBytes eab_mac_key);
  net::Awaitable<Result<Fetched<acme::OrderObject>>> new_order(acme::NewOrderRequest request);
  net::Awaitable<Result<Fetched<acme::OrderObject>>> order(std::string url);
  net::Awaitable<Result<Fetched<acme::AuthorizationObject>>> authorization(std::string url);
  // Tells the server to look at what the challenge at this URL wants (7.5.1). Its own state comes back.
  net::Awaitable<Result<acme::ChallengeObject>> respond(std::string challenge_url);
  net::Awaitable<Result<Fetched<acme::OrderObject>>> finalize(acme::OrderObject order, std::string order_url,
                                                              Bytes csr_der);
  net::Awaitable<Result<std::vector<x509::Certificate>>> certificate(std::string url);
  // When to renew the certificate of this identifier (RFC 9773); unsigned. Nothing when the server has no renewal
  // information. `retry_after` may be as long as a day.
  net::Awaitable<Result<std::optional<Fetched<acme::RenewalInfoObject>>>> renewal_info(std::string certificate_id);

  // Tells which roots this agent trusts, and gets the server's, with what they say of each other (acme/wire/roots.h).
  // Nothing where no root of the server follows another.
  net::Awaitable<Result<std::vector<x509::Certificate>>> roots(acme::TrustReport report);

  std::string const& account_url() const { return account_url_; }
  x509::PrivateKey const& key() const { return key_; }

 private:
  struct Answer {
    std::string body;
    std::string location;
    std::string content_type;
    std::optional<Seconds> retry_after;
  };

  enum class Signer { account, key };  // who signs is told by `kid`, or by the key itself

  // `what` names the URL in refusals: "order".
  net::Awaitable<Result<net::ClientResponse>> send(net::ClientRequest request, std::string what);
  net::Awaitable<Result<std::string>> fresh_nonce();
  net::Awaitable<Result<Answer>> post(std::string what, std::string url, std::string payload, Signer signer);
  Result<> check_url(std::string_view what, std::string_view url) const;
  // The body of an answer that has to be JSON.
  static Result<std::string_view> json_of(std::string_view what, Answer const& answer);
  static Result<Fetched<acme::OrderObject>> read_order(std::string url, Answer const& answer);

  Fetch fetch_;
  AcmeServer server_;
  x509::PrivateKey const& key_;
  std::string account_url_;
  std::optional<acme::Directory> directory_;
  NoncePool nonces_;
};

// "https://host:port" of a URL, in lower case and without the port 443; empty when it is no https URL of printable
// ASCII, too long, or has user information in it.
std::string https_origin(std::string_view url);

}  // namespace lenscap::agent
