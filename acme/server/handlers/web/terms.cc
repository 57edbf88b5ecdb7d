// The page where a person agrees to changed terms of service for an account (RFC 8555 7.3.3): `instance` of the refusal
// leads here. Reading it changes nothing; its button does. A page of HTML for people, no resource of ACME.
#include "acme/server/terms.h"
#include "acme/flow/terms_rules.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"
#include "base/markup.h"
#include "ca/audit.h"

namespace lenscap::acme {
namespace {

net::Response page(int status, std::string_view title, std::string const& body) {
  auto response =
      bytes_response(status, "text/html; charset=utf-8",
                     "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + std::string(title) +
                         "</title></head>\n<body><h1>" + std::string(title) + "</h1>\n" + body + "</body></html>\n");
  // Nothing is loaded, nothing frames it, and the address, which is a right to agree, goes to nobody.
  response.headers.add("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add(std::string(names::kCacheControl), "no-store");
  return response;
}

net::Response no_such_page() {
  return page(404, "No such page",
              "<p>This address is wrong, or the terms of service have changed since it was given out. Let the ACME "
              "client ask again, and use the address that it shows then.</p>\n");
}

net::Response agreed_page(App const& app, Account const& account) {
  return page(200, "Agreed",
              "<p>The account " + escape_markup(app.settings.urls.account(account.id)) +
                  " has agreed to the <a href=\"" + escape_markup(account.terms_of_service) +
                  "\">terms of service</a>. Its ACME client can go on.</p>\n");
}

// The account of a link that is good now.
Result<Account> find_account(App const& app, store::ReadTxn& txn, net::Request const& request) {
  auto const link = read_terms_token(app.sealer, request.params.at("token"));
  if (!link || link->terms != app.policy.terms_of_service) return not_found();
  auto account = load_account(txn, link->account);
  if (!account || !check_valid(*account).ok()) return not_found();
  return *std::move(account);
}

}  // namespace

net::Response show_terms(App& app, net::Request const& request) {
  auto load = [&](store::ReadTxn& txn) { return find_account(app, txn, request); };
  auto const account = app.db.read_blocking(load);
  if (!account) return no_such_page();
  if (check_agreed(*account, app.policy).ok()) return agreed_page(app, *account);
  return page(200, "Terms of service",
              "<p>The terms of service of this certificate authority have changed. Read them: <a href=\"" +
                  escape_markup(app.policy.terms_of_service) + "\">" + escape_markup(app.policy.terms_of_service) +
                  "</a></p>\n<p>Until somebody agrees, the account " +
                  escape_markup(app.settings.urls.account(account->id)) +
                  " gets no new certificates.</p>\n<form method=\"post\"><button>I agree, for this "
                  "account</button></form>\n");
}

net::Awaitable<net::Response> agree_to_terms(App& app, net::Request request) {
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    TRY(auto account, find_account(app, txn, request));
    auto next = agree(std::move(account), app.policy);
    save_account(txn, next);
    ca::append_audit(txn, {.at = app.clock.now(),
                           .event = ca::AuditEvent::account_changed,
                           .actor = request.peer,
                           .subject = next.id,
                           .rule = "",
                           .detail = "agreed to " + next.terms_of_service});
    return next;
  };
  auto const agreed = co_await app.db.write(change);
  if (!agreed) co_return no_such_page();
  app.log.info("account.agreed",
               {{"account", agreed->id}, {"terms", agreed->terms_of_service}, {"peer", request.peer}});
  co_return agreed_page(app, *agreed);
}

}  // namespace lenscap::acme
