// The revocation lists, where the certificates' distribution points lead (RFC 5280 4.2.1.13: DER). Caches may keep one
// until the next may be there, and ask again for less than the whole (RFC 9110 13).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// No two lists of a scope have the same number, unless a store was put back past `restore`: so not the number alone.
std::string etag_of(ca::SignedCrl const& list) {
  return "\"" + std::to_string(list.state.number) + "-" + list.tag + "\"";
}

// No longer than a revocation may wait for its list, so that a cache does not make it wait much longer; and never past
// the list's own end.
Seconds cacheable_for(ca::SignedCrl const& list, ca::CrlPlan const& plan, Time now) {
  return std::clamp(list.state.next_update - now, Seconds(0), plan.after_revocation);
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
  net::Response response;
  response.status = is_known_to(request, etag_of(*list), list->state.this_update) ? 304 : 200;
  auto const age = cacheable_for(*list, app.crls.plan(), app.clock.now());
  response.headers.add("Last-Modified", to_http_date(list->state.this_update));
  response.headers.add("ETag", etag_of(*list));
  response.headers.add(std::string(names::kCacheControl), "public, max-age=" + std::to_string(age.count()));
  if (response.status == 304) return response;
  response.headers.add("Content-Type", std::string(names::kPkixCrl));
  response.shared_body = std::shared_ptr<Bytes const>(list, &list->der);
  return response;
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

}  // namespace lenscap::acme
