// Is the server fit to issue? 200 and "ok", or 503 and what is wrong, and whether it is one that plays tricks on
// clients. For monitors and supervisors; tells nothing more.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"

namespace lenscap::acme {

net::Response health(App& app, net::Request const&) {
  std::string wrong;
  try {
    app.store->read([](store::ReadTxn& txn) { (void)load_meta(txn, "health"); });
  } catch (std::exception const&) {
    wrong = "store";
  }
  if (app.clock.now() >= app.authority->issuing_certificate().not_after()) wrong = "issuing certificate has expired";
  json::Object object;
  object.set("status", wrong.empty() ? "ok" : "failed");
  if (!wrong.empty()) object.set("why", wrong);
  if (auto const switches = app.chaos.switches(); !switches.empty())
    object.set("chaos", json::Value::strings(switches));
  auto response = json_response(wrong.empty() ? 200 : 503, object);
  response.headers.add("Cache-Control", "no-store");
  return response;
}

}  // namespace lenscap::acme
