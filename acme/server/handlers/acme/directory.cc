// The directory (RFC 8555 7.1.1): by GET, and by POST-as-GET (8555-6.3-4).
#include "acme/wire/directory.h"

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// Only what works is advertised (8555-7.1.1-1).
Directory make_directory(Settings const& settings, Policy const& policy, ca::Authority const& authority) {
  auto const& urls = settings.urls;
  Directory directory;
  directory.new_nonce = urls.new_nonce();
  directory.new_account = urls.new_account();
  directory.new_order = urls.new_order();
  directory.key_change = urls.key_change();
  directory.new_authz = urls.new_authz();
  directory.renewal_info = urls.renewal_info();
  directory.terms_of_service = policy.terms_of_service;
  directory.external_account_required = policy.eab_required;                             // 8555-7.3.4-3
  if (settings.caa != CaaMode::off) directory.caa_identities = settings.caa_identities;  // 8555-7.1.1-2
  directory.revoke_cert = urls.revoke_cert();
  if (authority.roots().has_next()) directory.roots = urls.roots();
  for (auto const& profile : policy.profiles)
    directory.profiles.emplace_back(profile.name, authority.find_profile(profile.name)->description);
  return directory;
}

}  // namespace

std::string directory_text(Settings const& settings, Policy const& policy, ca::Authority const& authority) {
  return json::write(to_json(make_directory(settings, policy, authority)));
}

net::Response get_directory(App& app, net::Request const&) { return bytes_response(200, names::kJson, app.directory); }

net::Awaitable<Result<net::Response>> post_directory(App& app, SignedRequest const& request) {
  if (!request.is_post_as_get()) co_return Error(Errc::malformed, "the directory takes no payload: send an empty one");
  co_return bytes_response(200, names::kJson, app.directory);
}

}  // namespace lenscap::acme
