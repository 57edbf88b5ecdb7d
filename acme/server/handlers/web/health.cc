// Is the server fit to issue, and can it tell what is revoked? "ok" or "degraded" (200): somebody has to look, but
// nobody is refused yet; or "failed" (503). Tells what is wrong, part by part, and whether it is a server that plays
// tricks on clients. For monitors and supervisors; tells nothing more.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "ca/audit_break.h"
#include "ca/clock_mark.h"
#include "ca/root_crl.h"

namespace lenscap::acme {

namespace {

enum class Verdict { good, look_at_it, broken };

struct Part {
  std::string_view name;
  Verdict verdict;
  std::string text;
};

Part store_part(App& app) {
  try {
    app.store->read([](store::ReadTxn& txn) { (void)load_meta(txn, "health"); });
    return {"store", Verdict::good, "ok"};
  } catch (std::exception const&) {
    return {"store", Verdict::broken, "cannot be read"};
  }
}

Part issuer_part(App& app) {
  auto const now = app.clock.now();
  bool is_any_alive = false;
  bool is_any_active = false;
  bool has_failed = false;
  std::string revoked;
  for (auto const& each : app.authority->issuers()) {
    if (each.is_over(now)) continue;
    is_any_alive = true;
    if (now >= each.issuer->ends()) return {"issuer", Verdict::broken, "issuing certificate has expired"};
    if (!each.issuer->check_ready()) return {"issuer", Verdict::broken, "the signer does not sign"};
    has_failed = has_failed || each.issuer->last_signature_failed();
    is_any_active = is_any_active || state_at(each.rule, now) == ca::IssuerState::active;
    if (each.rule.revoked_at) revoked += (revoked.empty() ? "" : ", ") + each.rule.name;
  }
  if (!is_any_alive) return {"issuer", Verdict::broken, "every issuing certificate has expired"};
  if (!revoked.empty() && !is_any_active)
    return {"issuer", Verdict::broken, "revoked: " + revoked + "; no other signs, so orders get 503"};
  // The next one may go well: who sends no client here would never see it.
  if (has_failed) return {"issuer", Verdict::look_at_it, "the last signature could not be made"};
  return {"issuer", Verdict::good, revoked.empty() ? "ok" : "ok; revoked: " + revoked};
}

Part root_crl_part(App& app) {
  auto const& lists = app.authority->root_crls();
  if (lists.empty() || !app.authority->issuer().crl_places().is_served())
    return {"root_crl", Verdict::good, "not served"};
  auto const now = app.clock.now();
  auto worst = ca::RootCrlAge::fresh;
  bool is_missing = false;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (now >= app.authority->roots().roots[i].not_after()) continue;
    is_missing = is_missing || !lists[i];
    if (lists[i]) worst = std::max(worst, ca::age_at(lists[i]->this_update, lists[i]->next_update, now));
  }
  switch (worst) {
    case ca::RootCrlAge::ended:
      return {"root_crl", Verdict::broken, "a root's list has ended; lenscap-ca root crl makes the next"};
    case ca::RootCrlAge::urgent:
      return {"root_crl", Verdict::look_at_it, "a root's list ends soon; lenscap-ca root crl makes the next"};
    case ca::RootCrlAge::ending:
    case ca::RootCrlAge::fresh:
      return {"root_crl", Verdict::good, is_missing ? "none was made" : "ok"};
  }
  bug("unknown RootCrlAge");
}

Part audit_part(App& app) {
  auto const look = [](store::ReadTxn& txn) { return ca::find_audit_break(txn).has_value(); };
  try {
    if (app.db.read_blocking(look))
      return {"audit", Verdict::broken, "the audit trail was changed, so nothing is issued; revocation goes on"};
    return {"audit", Verdict::good, "ok"};
  } catch (std::exception const&) {
    return {"audit", Verdict::broken, "cannot be read"};
  }
}

// By a clock that is not believed nothing is signed; lists would say so when the next falls due.
Part clock_part(App& app) {
  auto const look = [](store::ReadTxn& txn) { return ca::clock_mark(txn); };
  try {
    auto const believed = ca::check_clock(app.db.read_blocking(look), app.clock.now());
    if (!believed) return {"clock", Verdict::broken, believed.error().detail()};
    return {"clock", Verdict::good, "ok"};
  } catch (std::exception const&) {
    return {"clock", Verdict::broken, "the last time at which something was signed cannot be read"};
  }
}

Part crl_part(App& app) {
  switch (app.crls.condition(app.clock.now())) {
    case CrlCondition::none_served:
      return {"crl", Verdict::good, "not served"};
    case CrlCondition::good:
      return {"crl", Verdict::good, "ok"};
    case CrlCondition::overdue:
      return {"crl", Verdict::look_at_it, "could not be made anew; the last list is still good"};
    case CrlCondition::missing:
      return {"crl", Verdict::broken, "there is no list that is still good"};
  }
  bug("unknown CrlCondition");
}

Part ocsp_part(App& app) {
  switch (app.ocsp.condition(app.clock.now())) {
    case OcspCondition::none_served:
      return {"ocsp", Verdict::good, "not served"};
    case OcspCondition::good:
      return {"ocsp", Verdict::good, "ok"};
    case OcspCondition::overdue:
      return {"ocsp", Verdict::look_at_it, "the signer could not be renewed; the last one is still good"};
    case OcspCondition::no_signer:
      return {"ocsp", Verdict::broken, "there is no signer, so clients are told to try later"};
  }
  bug("unknown OcspCondition");
}

Part room_part(App& app) {
  auto verdict = app.room.look();
  switch (verdict.room) {
    case Room::enough:
      return {"room", Verdict::good, "ok"};
    case Room::low:
      return {"room", Verdict::look_at_it, std::move(verdict.why)};
    case Room::for_old_alone:
      return {"room", Verdict::broken, std::move(verdict.why) + ", so nothing new is begun; revocation goes on"};
  }
  bug("unknown Room");
}

}  // namespace

net::Response health(App& app, net::Request const&) {
  auto worst = Verdict::good;
  json::Object parts;
  std::string why;
  for (Part const& part : {store_part(app), issuer_part(app), clock_part(app), audit_part(app), crl_part(app),
                           root_crl_part(app), ocsp_part(app), room_part(app)}) {
    parts.set(std::string(part.name), part.text);
    if (part.verdict == Verdict::good) continue;
    worst = std::max(worst, part.verdict);
    why += (why.empty() ? "" : "; ") + std::string(part.name) + ": " + part.text;
  }
  json::Object object;
  object.set("status", worst == Verdict::good ? "ok" : worst == Verdict::look_at_it ? "degraded" : "failed");
  if (!why.empty()) object.set("why", why);
  object.set("parts", std::move(parts));
  if (auto const switches = app.chaos.switches(); !switches.empty())
    object.set("chaos", json::Value::strings(switches));
  auto response = json_response(worst == Verdict::broken ? 503 : 200, object);
  response.headers.add("Cache-Control", "no-store");
  return response;
}

}  // namespace lenscap::acme
