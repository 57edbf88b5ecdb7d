#include "acme/server/authenticate.h"

#include "acme/server/app.h"
#include "acme/server/media_type.h"
#include "acme/server/records.h"
#include "acme/wire/jws.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// Several fields are one list (RFC 9110 5.3).
std::string accept_of(net::Headers const& headers) {
  std::string list;
  for (auto const& [name, value] : headers.fields())
    if (reads(name, "accept")) list += (list.empty() ? "" : ", ") + value;
  return list;
}

Error no_such_account() {
  return Error(Errc::account_does_not_exist, "kid names no account of this server; make one with newAccount");
}

}  // namespace

std::optional<Asker> asker_of(Signer signer, std::optional<Account> const& account, x509::PublicKey const& key) {
  if (account) return Asker::account(account->id);
  if (signer == Signer::either) return Asker::key(key);
  return std::nullopt;
}

net::Awaitable<Result<SignedRequest>> authenticate(App& app, Signer signer, net::Request request) {
  if (!has_media_type(request.headers, names::kJoseJson))  // 8555-6.2-17
    co_return Error(Errc::unsupported_media_type, "the Content-Type of a request must be application/jose+json");
  CO_TRY(auto jws, parse_jws(request.body));  // 8555-6.2-1 .. -9, -12, -13, -18, -19

  std::optional<Account> account;
  if (signer == Signer::key && !jws.jwk)
    co_return Error(Errc::malformed, "this request is signed with \"jwk\", not with \"kid\"");
  if (signer == Signer::account && jws.jwk)
    co_return Error(Errc::malformed, "this request is signed with \"kid\", not with \"jwk\"");
  if (!jws.jwk) {
    CO_TRY(auto id, app.settings.urls.parse_account(jws.kid));  // 8555-6.2-16
    auto load = [&id](store::ReadTxn& txn) { return load_account(txn, id); };
    account = co_await app.db.read(load);
    if (!account) co_return no_such_account();
  }
  auto const& key = account ? account->key : *jws.jwk;
  CO_CHECK_OK(verify(jws, key));
  CO_CHECK_OK(app.nonces.redeem(jws.nonce));  // 8555-6.5-3 .. -5
  CO_CHECK_OK(app.chaos.judge_nonce(key, jws.url, jws.payload));
  auto const expected = app.settings.urls.of_target(request.target);
  auto const refuse = [&](Error error) {  // whoever signed is known by now
    if (auto asker = asker_of(signer, account, key))
      app.refusals.note(*std::move(asker), expected, error, app.clock.now());
    return error;
  };
  if (jws.url != expected)  // 8555-6.4-2, -3
    co_return refuse(Error(Errc::unauthorized, "the signed url is not the one of this request, which is " + expected));
  if (account)
    if (auto valid = check_valid(*account); !valid) co_return refuse(std::move(valid).error());  // 8555-7.3.6-2

  auto signing_key = key;
  co_return SignedRequest{.signer = std::move(account),
                          .key = std::move(signing_key),
                          .url = std::move(jws.url),
                          .query = std::move(request.query),
                          .payload = std::move(jws.payload),
                          .now = app.clock.now(),
                          .params = std::move(request.params),
                          .id = std::move(request.id),
                          .peer = std::move(request.peer),
                          .accept = accept_of(request.headers)};
}

}  // namespace lenscap::acme
