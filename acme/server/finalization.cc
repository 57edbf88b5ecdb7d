#include "acme/server/finalization.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "acme/server/app.h"
#include "acme/server/records.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace asio = boost::asio;

// Between the coroutine that makes the certificate and the one that waits; both are on one io thread.
struct Finalization::Outcome {
  explicit Outcome(asio::any_io_executor const& executor) : timer(executor) {}
  bool is_there() const { return settled || failure; }

  asio::steady_timer timer;  // of the one that waits; cancelled when there is something
  std::optional<Result<Order>> settled;
  std::exception_ptr failure;
};

Finalization::Finalization(App& app) : wait(app.chaos.finalize_wait(app.settings.finalize_wait)), app_(app) {}

net::Awaitable<Result<Order>> Finalization::complete(ClaimedOrder claimed) {
  auto const executor = co_await asio::this_coro::executor;
  auto const outcome = std::make_shared<Outcome>(executor);
  auto order = claimed.order;
  auto const until = std::chrono::steady_clock::now() + wait;
  ++running_;  // here, so that it counts before whoever asked may have gone
  net::spawn(executor, run(std::move(claimed), outcome));
  while (!outcome->is_there() && std::chrono::steady_clock::now() < until) {
    outcome->timer.expires_at(until);
    boost::system::error_code ignored;
    co_await outcome->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (outcome->failure) std::rethrow_exception(outcome->failure);
  if (outcome->settled) co_return *std::move(outcome->settled);
  co_return order;
}

net::Awaitable<> Finalization::run(ClaimedOrder claimed, std::shared_ptr<Outcome> outcome) {
  auto const order = claimed.order.id;
  std::string failure;
  try {
    outcome->settled.emplace(co_await sign_and_settle(std::move(claimed)));
  } catch (std::exception const& e) {
    failure = e.what();
    outcome->failure = std::current_exception();
  }
  // The order stays `processing`; the next start takes it back to `ready`.
  if (!failure.empty()) app_.log.error("finalize.broken", {{"order", order}, {"error", failure}});
  outcome->timer.cancel();
  --running_;
}

namespace {

// The signer has reached its cap, has no room, has ended, or knows its issuer to be revoked: it said when to come
// again, and until then nobody gets as far as this. Nothing is wrong with the order (security: a new attempt has a new
// serial number, and the intent of this one stays possibly issued).
bool may_try_again(Error const& why) {
  return (why.code() == Errc::unavailable || why.code() == Errc::no_issuer) && why.retry_after.has_value();
}

// Every outcome of the signature, each with everything that belongs to it. What was revoked meanwhile is given to
// nobody.
Result<Order> settle(store::WriteTxn& txn, CheckedOrder const& checked, Result<x509::Certificate> const& issued,
                     Time now) {
  TRY(auto current, load_order(txn, checked.order_id, checked.account_id));
  if (!issued && may_try_again(issued.error())) {
    TRY(auto ready, return_to_ready(std::move(current)));
    save_order(txn, expire_order(ready, now));
    return ready;
  }
  auto const fail = [&](Error const& why) -> Result<Order> {
    TRY(auto failed, fail_order(std::move(current), why));
    save_order(txn, failed);
    return failed;
  };
  // The intent was given up, and the order with it: it may have another by now.
  if (!issued && issued.error().code() == Errc::conflict) return issued.error();
  if (!issued) return fail(issued.error());
  auto const recorded = ca::record_issued(txn, *issued, now);
  if (!recorded && recorded.error().code() == Errc::already_revoked) return fail(recorded.error());
  CHECK_OK(recorded);
  TRY(auto complete, complete_order(std::move(current), issued->serial_hex()));
  save_order(txn, complete);
  return complete;
}

// Of an order that did not become valid.
std::string why_not(Result<x509::Certificate> const& issued, Result<Order> const& settled) {
  if (!issued) return issued.error().detail();
  if (!settled) return settled.error().detail();
  return settled->error ? settled->error->detail() : std::string();
}

}  // namespace

net::Awaitable<Result<Order>> Finalization::sign_and_settle(ClaimedOrder claimed) {
  auto const& [order, checked, draft] = claimed;
  auto const serial = draft.serial_hex();
  co_await app_.chaos.before_signature();
  auto const begin = std::chrono::steady_clock::now();
  auto const issued = co_await app_.issuing.sign(std::move(claimed.draft));
  app_.metrics.signed_in(std::chrono::steady_clock::now() - begin);
  auto const now = app_.clock.now();
  auto finish = [&](store::WriteTxn& txn) { return settle(txn, claimed.checked, issued, now); };
  auto const settled = co_await app_.db.write(finish);
  bool const is_valid = settled.ok() && settled->status == OrderStatus::valid;
  app_.metrics.issued(is_valid);
  if (is_valid)
    app_.log.info("certificate.issued", {{"serial", serial},
                                         {"order", order.id},
                                         {"account", order.account_id},
                                         {"names", checked.names.text()},
                                         {"profile", checked.profile},
                                         {"not_after", to_rfc3339(issued->not_after())}});
  else if (!issued && may_try_again(issued.error()))
    app_.log.warning("certificate.put_off",
                     {{"serial", serial}, {"order", order.id}, {"error", issued.error().detail()}});
  else
    app_.log.error("certificate.failed",
                   {{"serial", serial}, {"order", order.id}, {"error", why_not(issued, settled)}});
  if (settled.ok() && !issued && may_try_again(issued.error())) co_return issued.error();
  co_return settled;
}

bool Finalization::wait_until_done(std::chrono::milliseconds at_most) const {
  auto const until = std::chrono::steady_clock::now() + at_most;
  while (running_ != 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return running_ == 0;
}

}  // namespace lenscap::acme
