#include "acme/server/sweeper.h"

#include "acme/server/app.h"
#include "acme/server/records.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

// Small transactions: the writer belongs to the requests.
constexpr std::size_t kOrdersPerWrite = 64;

// Applies `step` to each open order, some in a transaction; counts those that changed.
template <class Step>
std::size_t for_open_orders(App& app, Step const& step) {
  std::vector<std::string> ids;
  auto list = [&](store::ReadTxn& txn) {
    ids.clear();
    for (auto const& order : load_open_orders(txn, "")) ids.push_back(order.id);
    return true;
  };
  app.db.read_blocking(list);

  std::size_t changed = 0;
  for (std::size_t begin = 0; begin < ids.size(); begin += kOrdersPerWrite) {
    auto const end = std::min(begin + kOrdersPerWrite, ids.size());
    std::size_t in_this_write = 0;
    auto body = [&](store::WriteTxn& txn) -> Result<> {
      in_this_write = 0;
      for (auto i = begin; i < end; ++i)
        if (auto order = load_order(txn, ids[i]); order && step(txn, *std::move(order))) ++in_this_write;
      if (in_this_write == 0) return Error(Errc::conflict, "nothing to write");
      return {};
    };
    (void)app.db.write_blocking(body);
    changed += in_this_write;
  }
  return changed;
}

bool expire(store::WriteTxn& txn, Order order, Time now) {
  auto const before = order.status;
  auto next = expire_order(std::move(order), now);
  if (next.status == before) return false;
  save_order(txn, next);
  for (auto& authorization : load_authorizations(txn, next)) {
    auto const status = authorization.status;
    auto expired = expire_authorization(std::move(authorization), now);
    if (expired.status != status) save_authorization(txn, expired);
  }
  return true;
}

// Authorizations without an order, made by newAuthz. Few: each account may have so many that are pending, and no more.
std::size_t expire_pre_authorizations(App& app, Time now) {
  std::vector<std::string> ids;
  auto list = [&](store::ReadTxn& txn) {
    for (auto const& authorization : load_pre_authorizations(txn, ""))
      if (now >= authorization.expires) ids.push_back(authorization.id);
    return true;
  };
  app.db.read_blocking(list);
  if (ids.empty()) return 0;
  auto body = [&](store::WriteTxn& txn) -> Result<> {
    for (auto const& id : ids)
      if (auto current = load_authorization(txn, id))
        save_authorization(txn, expire_authorization(*std::move(current), now));
    return {};
  };
  (void)app.db.write_blocking(body);
  return ids.size();
}

struct RunningChallenge {
  std::string authorization, challenge;
};

std::vector<RunningChallenge> running_challenges(App& app) {
  std::vector<RunningChallenge> running;
  auto take = [&](Authorization const& authorization) {
    for (auto const& challenge : authorization.challenges)
      if (authorization.status == AuthorizationStatus::pending && challenge.status == ChallengeStatus::processing)
        running.push_back({authorization.id, challenge.id});
  };
  auto list = [&](store::ReadTxn& txn) {
    running.clear();
    for (auto const& authorization : load_pre_authorizations(txn, "")) take(authorization);
    for (auto const& order : load_open_orders(txn, "")) {
      if (order.status != OrderStatus::pending) continue;
      for (auto const& authorization : load_authorizations(txn, order)) take(authorization);
    }
    return true;
  };
  app.db.read_blocking(list);
  return running;
}

}  // namespace

SweepResult recover(App& app, Time now) {
  SweepResult result;
  auto return_claim = [&](store::WriteTxn& txn, Order order) {
    if (order.status != OrderStatus::processing) return false;
    auto ready = return_to_ready(std::move(order));
    save_order(txn, ready.value());
    return true;
  };
  result.returned_to_ready = for_open_orders(app, return_claim);

  auto count = [&](store::ReadTxn& txn) {
    result.possibly_issued = 0;
    ca::visit_possibly_issued(txn, now + kDay, [&](ca::CertificateRecord const& record) {
      ++result.possibly_issued;
      app.log.warning("certificate.possibly_issued",
                      {{"serial", record.serial_hex}, {"order", record.reference}, {"names", record.names.text()}});
      return true;
    });
    return true;
  };
  app.db.read_blocking(count);

  result.expired = sweep(app, now).expired;
  for (auto& running : running_challenges(app)) {
    app.validation.start(std::move(running.authorization), std::move(running.challenge));
    ++result.validations;
  }
  if (result.returned_to_ready + result.validations + result.expired != 0)
    app.log.info("sweeper.recovered", {{"returned_to_ready", result.returned_to_ready},
                                       {"validations", result.validations},
                                       {"expired", result.expired}});
  return result;
}

SweepResult sweep(App& app, Time now) {
  SweepResult result;
  auto step = [now](store::WriteTxn& txn, Order order) { return expire(txn, std::move(order), now); };
  result.expired = for_open_orders(app, step) + expire_pre_authorizations(app, now);
  return result;
}

}  // namespace lenscap::acme
