#include "acme/server/sweeper.h"

#include <algorithm>

#include "acme/flow/retention_rules.h"
#include "acme/server/app.h"
#include "acme/server/records.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kOrdersPerRead = 64;

// A transaction of the sweep ends with the object that fills it; an order weighs as much as its authorizations.
constexpr std::size_t kDuePerWrite = 64;
constexpr std::size_t kWeightPerWrite = 256;
// Half a million objects an hour, when a sweep comes each minute; a stop does not wait for more.
constexpr std::size_t kWritesPerSweep = 128;

Retention retention_of(App const& app) { return app.settings.retention; }

}  // namespace

std::size_t resume_validations(App& app, Time now) {
  struct Running {
    std::string authorization, challenge;
  };
  std::vector<Running> running;
  auto const take = [&](Authorization const& authorization) {
    for (auto const& challenge : authorization.challenges)
      if (authorization.status == AuthorizationStatus::pending && challenge.status == ChallengeStatus::processing)
        running.push_back({authorization.id, challenge.id});
  };
  auto list = [&](store::ReadTxn& txn) {
    for (auto const& authorization : load_pre_authorizations(txn, "")) take(authorization);
    return true;
  };
  app.db.read_blocking(list);
  // A pending order lives for a day at most, so they are those of the last day.
  auto const until = now + app.policy.pending_lifetime;
  for (std::optional<Due> last = Due{}; last;) {
    auto look = [&](store::ReadTxn& txn) {
      auto const some = list_pending_orders(txn, now, until, *last, kOrdersPerRead);
      for (auto const& due : some) {
        auto const order = load_order(txn, due.id);
        if (!order || order->status != OrderStatus::pending) continue;
        for (auto const& authorization : load_authorizations(txn, *order)) take(authorization);
      }
      last = some.empty() ? std::nullopt : std::optional(some.back());
      return true;
    };
    app.db.read_blocking(look);
  }
  std::size_t begun = 0;
  for (auto const& each : running)
    if (!app.validation.is_running(each.authorization, each.challenge)) {
      app.validation.start(each.authorization, each.challenge);
      ++begun;
    }
  if (begun != 0) app.log.info("sweeper.resumed", {{"validations", begun}});
  return begun;
}

// --- what is due ---

namespace {

// What one transaction did.
struct Turn {
  Swept swept;
  std::size_t weight = 0;
};

std::optional<Time> certificate_ends(store::ReadTxn& txn, Order const& order) {
  if (order.certificate.empty()) return std::nullopt;
  auto const record = ca::find_by_serial(txn, order.certificate);
  return record ? std::optional(record->not_after) : std::nullopt;
}

void sweep_order(store::WriteTxn& txn, std::string const& id, Retention const& retention, Time now, Turn& turn) {
  auto const order = load_order(txn, id);
  if (!order) return;
  auto const authorizations = load_authorizations(txn, *order);
  auto const swept = acme::sweep_order(*order, authorizations, certificate_ends(txn, *order), retention, now);
  turn.weight += 1 + authorizations.size();
  if (swept.changed) {
    save_order(txn, *swept.changed);
    ++turn.swept.expired;
  }
  for (auto const& authorization : authorizations) {
    if (std::ranges::find(swept.gone, authorization.id) == swept.gone.end()) continue;
    remove_authorization(txn, authorization);
    ++turn.swept.authorizations;
  }
  if (swept.look_again) {
    put_due(txn, {*swept.look_again, DueKind::order, id});
    return;
  }
  remove_order(txn, *order);
  remove_ended_names(txn, order->account_id, order->identifiers, now);
  ++turn.swept.orders;
}

void sweep_authorization(store::WriteTxn& txn, std::string const& id, Retention const& retention, Time now,
                         Turn& turn) {
  auto const authorization = load_authorization(txn, id);
  if (!authorization) return;
  auto const swept = acme::sweep_authorization(*authorization, retention, now);
  ++turn.weight;
  if (swept.changed) {
    save_authorization(txn, *swept.changed);
    ++turn.swept.expired;
  }
  if (swept.look_again) {
    put_due(txn, {*swept.look_again, DueKind::authorization, id});
    return;
  }
  remove_authorization(txn, *authorization);
  ++turn.swept.authorizations;
}

void sweep_account(store::WriteTxn& txn, std::string const& id, Retention const& retention, Time now, Turn& turn) {
  auto const account = load_account(txn, id);
  if (!account) return;
  AccountUse use;
  use.has_certificate = ca::has_certificate(txn, id);
  use.has_objects = has_orders(txn, id) || has_authorizations(txn, id);
  auto const swept = acme::sweep_account(*account, use, retention, now);
  ++turn.weight;
  if (swept.fate == AccountFate::look_again) put_due(txn, {swept.at, DueKind::account, id});
  if (swept.fate != AccountFate::remove) return;
  remove_account(txn, *account);
  ++turn.swept.accounts;
}

void add(Swept& all, Swept const& some) {
  all.expired += some.expired;
  all.orders += some.orders;
  all.authorizations += some.authorizations;
  all.accounts += some.accounts;
}

// One transaction; false when nothing was due.
bool sweep_some(App& app, Time now, Swept& all) {
  auto const retention = retention_of(app);
  bool is_due = false;
  auto look = [&](store::ReadTxn& txn) {
    is_due = !list_due(txn, now, 1).empty();
    return true;
  };
  app.db.read_blocking(look);
  if (!is_due) return false;

  Turn turn;
  auto body = [&](store::WriteTxn& txn) -> Result<> {
    turn = {};
    for (auto const& due : list_due(txn, now, kDuePerWrite)) {
      if (turn.weight >= kWeightPerWrite) break;
      erase_due(txn, due);
      switch (due.kind) {
        case DueKind::order:
        case DueKind::pending_order:
          sweep_order(txn, due.id, retention, now, turn);
          break;
        case DueKind::authorization:
          sweep_authorization(txn, due.id, retention, now, turn);
          break;
        case DueKind::account:
          sweep_account(txn, due.id, retention, now, turn);
          break;
      }
    }
    return {};
  };
  (void)app.db.write_blocking(body);
  add(all, turn.swept);
  return true;
}

}  // namespace

Swept sweep(App& app, Time now, std::function<bool()> const& stop) {
  Swept all;
  all.more = true;
  for (std::size_t writes = 0; writes < kWritesPerSweep && !(stop && stop()); ++writes)
    if (all.more = sweep_some(app, now, all); !all.more) break;
  if (all.orders + all.authorizations + all.accounts + all.expired != 0)
    app.log.info("sweeper.swept", {{"expired", all.expired},
                                   {"orders", all.orders},
                                   {"authorizations", all.authorizations},
                                   {"accounts", all.accounts}});
  return all;
}

}  // namespace lenscap::acme
