#include "acme/server/app.h"

#include "acme/server/validator.h"

namespace lenscap::acme {

// Two are enough for the issuing key and for files; a slow key holder does not hold up the second.
constexpr std::size_t kPoolThreads = 2;
// Those that wait for the signer's process: what is asked at the same time shares one sync of its ledger.
constexpr std::size_t kWaitingThreads = 32;

Policy make_policy(Settings const& settings, ca::Authority const& authority, Time now) {
  Policy policy;
  policy.eab_required = settings.eab_required;
  policy.allow_wildcards = settings.allow_wildcards;
  policy.pending_orders_max = settings.pending_orders;
  policy.replaces = settings.replaces;
  policy.terms_of_service = settings.terms_of_service;
  policy.reuse = settings.chaos.reuse_authorizations;
  if (!settings.eab_required) policy.open_scope = settings.open_scope;
  for (auto const& name : settings.profiles) {
    auto const* profile = authority.find_profile(name);
    if (profile == nullptr) bug("an authority without a profile of the settings");
    policy.profiles.push_back({.name = name,
                               .names_from_order = profile->names_from_order,
                               .one_device_per_key = profile->one_device_per_key,
                               .allow_ed25519 = profile->allows(x509::KeyType::ed25519),
                               .lifetime = profile->lifetime,
                               .backdate = profile->backdate,
                               .renewal = {profile->renew_from_percent, profile->renew_until_percent}});
  }
  for (auto const& type : settings.challenges)
    if (auto const* row = find_validator(type))
      policy.offers.push_back({.type = type, .dns = row->dns, .ip = row->ip, .wildcard = row->wildcard});
  for (auto const& limit : authority.issuer().limits()) policy.issuer.constraints.push_back(limit.constraints);
  // Of the default's line, as long as a roll-over in the time of this program may reach: what is accepted for an order
  // can then be had of whichever of them makes the certificate.
  for (auto const& each : authority.issuers()) {
    if (!each.rule.is_default || each.rule.retired_from <= now || each.rule.revoked_at) continue;
    policy.issuer.begins = std::max(policy.issuer.begins, each.issuer->begins());
    policy.issuer.ends = std::min(policy.issuer.ends, each.issuer->ends());
  }
  return policy;
}

App::App(AppParts parts)
    : threads(parts.io_threads),
      settings(std::move(parts.settings)),
      clock(parts.clock),
      log(std::move(parts.log)),
      store(std::move(parts.store)),
      authority(std::move(parts.authority)),
      sealer(std::move(parts.sealer)),
      policy(make_policy(settings, *authority, clock.now())),
      chaos(settings.chaos),
      directory(directory_text(settings, policy, *authority)),
      db(*store),
      room(*store, settings.state_dir, settings.free_space_min, log),
      ballast(room, settings, log),
      limits(settings.limits),
      targets(settings.limits.validations_at_host, settings.limits.validations_of_network),
      resolver(settings.resolver),
      pool(authority->issuer().signs_elsewhere() ? kWaitingThreads : kPoolThreads),
      issuing(*authority, pool, log),
      crls(*authority, *store, db, settings.crl.plan, settings.state_dir, clock, log),
      ocsp(*authority, *store, db, settings.ocsp.lifetime, clock, log),
      finalization(*this),
      acme_routes(make_acme_routes(*this)),
      web_routes(make_web_routes(*this)),
      http(threads.executor(0)),
      validation(*this) {
  store->watch_commits(metrics.commit_watch());
}

std::unique_ptr<store::Store> App::end(std::unique_ptr<App> app) {
  app->threads.stop();
  app->threads.join();
  // Whatever was handed in before has its outcome after this, and none comes to threads that are gone.
  app->store->write([](store::WriteTxn&) { return false; });
  auto store = std::move(app->store);
  app.reset();
  return store;
}

App::~App() {
  // Nothing runs any more when the members end; coroutines that still waited end last of all, with `threads`.
  threads.stop();
  threads.join();
}

}  // namespace lenscap::acme
