// The revocation lists, of issuers and of our own roots, where the certificates' distribution points lead (RFC
// 5280 4.2.1.13: DER). Caches may keep one until the next may be there, and ask again for less than the whole (RFC 9110
// 13).
#include <algorithm>

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// What a cache has to know of a list.
struct Served {
  std::uint64_t number;
  std::string const& tag;
  Time this_update, next_update;
  Seconds cacheable;  // at most
};

// No two lists of a scope have the same number, unless a store was put back past `restore`: so not the number alone.
std::string etag_of(Served const& list) { return "\"" + std::to_string(list.number) + "-" + list.tag + "\""; }

net::Response respond(Served const& list, net::SharedBody der, net::Request const& request, Time now) {
  net::Response response;
  response.status = is_known_to(request, etag_of(list), list.this_update) ? 304 : 200;
  auto const age = std::clamp(list.next_update - now, Seconds(0), list.cacheable);
  response.headers.add("Last-Modified", to_http_date(list.this_update));
  response.headers.add("ETag", etag_of(list));
  response.headers.add(std::string(names::kCacheControl), "public, max-age=" + std::to_string(age.count()));
  if (response.status == 304) return response;
  response.headers.add("Content-Type", std::string(names::kPkixCrl));
  response.shared_body = std::move(der);
  return response;
}

// "/crl/<hex key id>.crl" or "/crl/<hex key id>/16-5.crl"
std::string_view issuer_of(net::Request const& request) {
  constexpr std::string_view kFront = "/crl/";
  auto path = std::string_view(request.path);
  path.remove_prefix(std::min(kFront.size(), path.size()));
  return path.substr(0, path.find_first_of("/."));
}

net::Response serve(App& app, net::Request const& request, std::string_view scope) {
  auto const list = app.crls.find(issuer_of(request), scope);
  if (!list) {
    // Of another division than there ever was, or not made yet.
    if (app.crls.condition(app.clock.now()) != CrlCondition::missing)
      return problem_response(Error(Errc::not_found, "there is no such revocation list"));
    return problem_response(Error(Errc::unavailable, "the revocation list could not be made yet"));
  }
  // No longer than a revocation may wait for its list, so that a cache does not make it wait much longer; and never
  // past the list's own end.
  auto const& state = list->state;
  Served const served{state.number, state.tag, state.this_update, state.next_update, app.crls.plan().after_revocation};
  return respond(served, list->der, request, app.clock.now());
}

}  // namespace

net::Response revocation_list(App& app, net::Request const& request) { return serve(app, request, ""); }

net::Response part_of_revocation_list(App& app, net::Request const& request) {
  constexpr std::string_view kEnding = ".crl";
  std::string_view name = request.params.at("part");
  if (name.size() <= kEnding.size() || !name.ends_with(kEnding))
    return problem_response(Error(Errc::not_found, "there is no such revocation list"));
  name.remove_suffix(kEnding.size());
  return serve(app, request, name);
}

net::Response revocation_list_of_root(App& app, net::Request const& request) {
  // Nobody revokes an issuer every day; who does wants it known within the hour.
  constexpr Seconds kCacheable = kHour;
  auto const& roots = app.authority->roots().roots;
  auto const& lists = app.authority->root_crls();
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (!lists[i] || request.path != ca::crl_path(roots[i]) + ".crl") continue;
    Served const served{lists[i]->number, lists[i]->tag, lists[i]->this_update, lists[i]->next_update, kCacheable};
    return respond(served, net::SharedBody(std::make_shared<Bytes const>(lists[i]->der)), request, app.clock.now());
  }
  bug("a path of no root");
}

}  // namespace lenscap::acme
