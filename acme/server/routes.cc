// Every path of the server, in two tables: what is signed by an ACME client, and what anybody may read.
#include "acme/server/routes.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/server/terms.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

using net::Method;
using SteadyClock = std::chrono::steady_clock;

void count(Metrics::Route& route, net::Response const& response, SteadyClock::time_point begin) {
  route.answered(response.status, SteadyClock::now() - begin);
}

struct SignedRoute {
  std::string_view pattern;  // method POST; GET on it is 405 (8555-6.3-1)
  Signer signer;
  SignedHandler handler;
  Resource resource = Resource::other;
  bool takes_query = false;
};

constexpr SignedRoute kSignedRoutes[] = {
    {"/acme/directory", Signer::account, post_directory, Resource::directory},  // 8555-6.3-4
    {"/acme/new-nonce", Signer::account, post_new_nonce},
    {"/acme/new-account", Signer::key, new_account},
    {"/acme/account/{account}", Signer::account, account},
    {"/acme/account/{account}/orders", Signer::account, orders, Resource::other, true},
    {"/acme/key-change", Signer::account, key_change},
    {"/acme/new-authz", Signer::account, new_authz},
    {"/acme/new-order", Signer::account, new_order},
    {"/acme/order/{order}", Signer::account, order},
    {"/acme/order/{order}/finalize", Signer::account, finalize},
    {"/acme/authz/{authorization}", Signer::account, authorization},
    {"/acme/challenge/{authorization}/{challenge}", Signer::account, challenge},
    {"/acme/cert/{certificate}", Signer::account, certificate},
    {"/acme/cert/{certificate}/{chain}", Signer::account, certificate},
    {"/acme/revoke-cert", Signer::either, revoke_cert},
    {"/acme/roots", Signer::account, roots},
};

struct OpenRoute {
  Method method;
  std::string_view pattern;
  OpenHandler handler;
  Resource resource = Resource::other;
};

constexpr OpenRoute kOpenAcmeRoutes[] = {
    {Method::get, "/acme/directory", get_directory, Resource::directory},
    {Method::get, "/acme/new-nonce", get_new_nonce},
    {Method::head, "/acme/new-nonce", head_new_nonce},
    {Method::get, "/acme/renewal-info/{certificate}", renewal_info, Resource::cacheable},
};

constexpr OpenRoute kWebRoutes[] = {
    {Method::get, "/health", health},
    {Method::get, "/roots/{sha256}", root_certificate},
};

bool has_ids(net::PathParams const& params) {
  return std::ranges::all_of(params, [](auto const& param) { return is_id(param.second); });
}

// A path has one form; with a query it is another, at which there is nothing.
bool has_query(net::Request const& request) { return request.target.find('?') != request.target.npos; }

net::Awaitable<Result<net::Response>> answer(App& app, SignedRoute const& route, net::Request request) {
  if (!route.takes_query && has_query(request)) co_return not_found();
  CO_TRY(auto const signed_request, co_await authenticate(app, route.signer, std::move(request)));
  Result<net::Response> answered = not_found();  // as what is not there, where the path can name nothing
  if (has_ids(signed_request.params)) answered = co_await route.handler(app, signed_request);
  if (!answered)
    if (auto asker = asker_of(route.signer, signed_request.signer, signed_request.key))
      app.refusals.note(*std::move(asker), signed_request.url, answered.error(), signed_request.now);
  if (!answered && answered.error().code() == Errc::user_action_required) {
    auto const* account = signed_request.signer ? &*signed_request.signer : nullptr;
    co_return terms_refusal(answered.error(), signed_request.id, account, app.settings.urls, app.sealer);
  }
  co_return answered;
}

// What every answer of the ACME port carries; with `cors`, scripts of any page may read it (8555-6.1-4): nothing here
// is given for a cookie or an address alone.
void finish(App& app, net::Response& response, Resource resource) {
  finish_acme(response, app.nonces, app.settings.urls, resource);
  app.chaos.change(response, app.clock.now());
  if (!app.settings.cors) return;
  response.headers.add("Access-Control-Allow-Origin", "*");
  response.headers.add("Access-Control-Expose-Headers", "Replay-Nonce, Location, Link, Retry-After");
}

// A browser asks before it sends a POST with a media type of ours.
net::Response preflight(App& app) {
  net::Response response;
  response.status = 204;
  response.headers.add("Access-Control-Allow-Methods", "GET, HEAD, POST");
  response.headers.add("Access-Control-Allow-Headers", "Content-Type");
  response.headers.add("Access-Control-Max-Age", "3600");
  finish(app, response, Resource::other);
  return response;
}

net::Awaitable<net::Response> serve_signed(App& app, SignedRoute const& route, Metrics::Route& counted,
                                           net::Request request) {
  auto const begin = SteadyClock::now();
  auto const id = request.id;
  auto answered = co_await answer(app, route, std::move(request));
  if (!answered) app.metrics.refused(answered.error().code());
  bool const is_limited = !answered && answered.error().code() == Errc::rate_limited;
  auto response = answered ? *std::move(answered) : problem_response(answered.error(), id);
  if (is_limited && !app.settings.help_url.empty()) add_link(response, app.settings.help_url, names::kRelHelp);
  finish(app, response, route.resource);
  count(counted, response, begin);
  co_return response;
}

net::Response serve_open_acme(App& app, OpenRoute const& route, Metrics::Route& counted, net::Request const& request) {
  auto const begin = SteadyClock::now();
  // A certificate's identifier is no id of ours; its handler reads it by itself.
  bool const has_place = route.resource == Resource::cacheable || has_ids(request.params);
  auto response = has_place && !has_query(request) ? route.handler(app, request) : problem_response(not_found());
  finish(app, response, route.resource);
  count(counted, response, begin);
  return response;
}

// A refusal of the HTTP layer itself, as a problem document too (8555-6.7-1).
net::Response http_problem(int status, std::string detail) {
  auto const code = status == 404   ? Errc::not_found
                    : status == 405 ? Errc::method_not_allowed
                    : status == 413 ? Errc::payload_too_large
                    : status == 503 ? Errc::unavailable
                    : status >= 500 ? Errc::internal
                                    : Errc::malformed;
  return problem_response(status, Error(code, std::move(detail)));
}

// `label`: the pattern without what is this CA's own in it.
void add_web(net::Router& router, App& app, Method method, std::string_view pattern, std::string_view label,
             OpenHandler handler) {
  router.add_plain(
      method, pattern,
      [&app, handler, &counted = app.metrics.route(net::to_string(method), label)](net::Request const& request) {
        auto const begin = SteadyClock::now();
        auto response = handler(app, request);
        count(counted, response, begin);
        return response;
      });
}

}  // namespace

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (auto const& route : kOpenAcmeRoutes) routes.push_back({route.method, route.pattern, Listening::acme, false});
  for (auto const& route : kSignedRoutes) routes.push_back({Method::post, route.pattern, Listening::acme, true});
  for (auto const& route : kWebRoutes) routes.push_back({route.method, route.pattern, Listening::web, false});
  return routes;
}

net::Router make_acme_routes(App& app) {
  net::Router router([&app](int status, std::string detail) {
    auto response = http_problem(status, std::move(detail));
    finish(app, response, Resource::other);  // 8555-6.5-2
    return response;
  });
  for (auto const& route : kOpenAcmeRoutes)
    router.add_plain(route.method, route.pattern,
                     [&app, &route, &counted = app.metrics.route(net::to_string(route.method), route.pattern)](
                         net::Request const& request) { return serve_open_acme(app, route, counted, request); });
  for (auto const& route : kSignedRoutes)
    router.add(Method::post, route.pattern,
               [&app, &route, &counted = app.metrics.route("POST", route.pattern)](net::Request request) {
                 return serve_signed(app, route, counted, std::move(request));
               });
  router.add_plain(Method::get, "/terms/{token}",
                   [&app](net::Request const& request) { return show_terms(app, request); });
  router.add(Method::post, "/terms/{token}",
             [&app](net::Request request) { return agree_to_terms(app, std::move(request)); });
  // For who asked for the leaf alone; here too, so that a client need not leave TLS and the server's port (7.4.2).
  for (auto const& each : app.authority->issuers())
    router.add_plain(Method::get, ca::aia_path(each.issuer->certificate()),
                     [&app](net::Request const& request) { return issuing_certificate(app, request); });
  if (app.settings.cors) {
    std::set<std::string_view> patterns;
    for (auto const& route : kOpenAcmeRoutes) patterns.insert(route.pattern);
    for (auto const& route : kSignedRoutes) patterns.insert(route.pattern);
    for (auto const pattern : patterns)
      router.add_plain(Method::options, pattern, [&app](net::Request const&) { return preflight(app); });
  }
  router.add_plain(Method::get, "/health", [&app](net::Request const& request) { return health(app, request); });
  return router;
}

net::Router make_web_routes(App& app) {
  net::Router router(http_problem);
  for (auto const& route : kWebRoutes) add_web(router, app, route.method, route.pattern, route.pattern, route.handler);
  for (auto const& each : app.authority->issuers()) {
    add_web(router, app, Method::get, ca::aia_path(each.issuer->certificate()), "/aia/{issuer}", issuing_certificate);
    if (!each.issuer->crl_places().is_served()) continue;
    auto const path = ca::crl_path(each.issuer->certificate());
    add_web(router, app, Method::get, path + ".crl", "/crl/{issuer}", revocation_list);
    add_web(router, app, Method::get, path + "/{part}", "/crl/{issuer}/{part}", part_of_revocation_list);
  }
  auto const& root_crls = app.authority->root_crls();
  for (std::size_t i = 0; i < root_crls.size(); ++i)
    if (root_crls[i] && app.authority->issuer().crl_places().is_served())
      add_web(router, app, Method::get, ca::crl_path(app.authority->roots().roots[i]) + ".crl", "/crl/{issuer}",
              revocation_list_of_root);
  if (!app.authority->issuer().ocsp_url().empty()) {
    std::string const path(ca::kOcspPath);
    add_web(router, app, Method::get, path + "/{request...}", path, ocsp_by_get);
    add_web(router, app, Method::post, path, path, ocsp_by_post);
  }
  return router;
}

}  // namespace lenscap::acme
