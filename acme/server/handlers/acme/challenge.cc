// A challenge: read by an empty payload, started by any object (RFC 8555 7.5.1). Validation runs after the answer,
// since some clients serve nothing while they wait for it.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> challenge(App& app, SignedRequest const& request) {
  auto const& id = request.params.at("authorization");
  auto const& challenge_id = request.params.at("challenge");
  auto const& owner = request.account().id;

  // An authorization without such a challenge looks like none at all.
  auto load = [&](store::ReadTxn& txn) -> Result<Authorization> {
    TRY(auto found, load_authorization(txn, id, owner));
    if (find_challenge(found, challenge_id) == nullptr) return not_found();
    return expire_authorization(std::move(found), request.now);
  };
  CO_TRY(auto loaded, co_await app.db.read(load));
  if (request.is_post_as_get() && loaded.status == AuthorizationStatus::pending) {
    co_await app.validation.wait_for_outcome(id);
    CO_TRY(loaded, co_await app.db.read(load));
  }
  auto const current = show_running(app.validation, std::move(loaded));
  auto answer = [&](Authorization const& authorization) {
    return challenge_response(app.settings.urls, authorization, *find_challenge(authorization, challenge_id));
  };
  if (request.is_post_as_get()) co_return answer(current);

  CO_CHECK_OK(parse_challenge_response(request.payload));
  // A challenge that is no longer waiting is answered as it is, without a write (8555-7.5.1-3). One that failed and is
  // to be tried again is tried now: the client has set something right (8555-8.2-1).
  auto const status = find_challenge(current, challenge_id)->status;
  if (status == ChallengeStatus::processing) app.validation.retry_now(id, challenge_id);
  if (status != ChallengeStatus::pending) co_return answer(current);
  CO_CHECK_OK(app.limits.may_validate(owner, current.identifier, request.now));  // 8555-8.2-1; it stays pending

  CO_TRY(auto const accepted, accept_challenge(current, challenge_id, request.now));
  if (!accepted.start_validation) co_return answer(accepted.authorization);
  // Nobody has to wait until this is on the disk: as a rule the outcome comes sooner. A crash in the meantime leaves
  // the challenge as it was, `pending`.
  auto accept = [id, owner, challenge_id, now = request.now](store::WriteTxn& txn) -> Result<> {
    TRY(auto found, load_authorization(txn, id, owner));
    TRY(auto again, accept_challenge(std::move(found), challenge_id, now));
    if (again.start_validation) save_authorization(txn, again.authorization);
    return {};
  };
  app.db.write_later(accept);
  app.validation.start(id, challenge_id);
  co_return answer(accepted.authorization);
}

}  // namespace lenscap::acme
