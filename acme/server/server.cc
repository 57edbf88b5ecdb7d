#include "acme/server/server.h"

#include <algorithm>

#include "acme/server/audit_changes.h"
#include "acme/server/audit_heads.h"
#include "acme/server/operations.h"
#include "acme/server/readings.h"
#include "acme/server/recovery.h"
#include "acme/server/respond.h"
#include "acme/server/scope_check.h"
#include "acme/server/store_sealer.h"
#include "acme/server/sweeper.h"
#include "ca/audit.h"
#include "ca/audit_break.h"
#include "ca/ceremony.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

// As long as a request in progress may take at a stop.
constexpr std::chrono::seconds kStopWait{10};

std::string nonce_file(Settings const& settings) { return settings.state_dir + "/nonces"; }

}  // namespace

ca::AuthoritySettings authority_settings(Settings const& settings) {
  ca::AuthoritySettings all;
  all.state_dir = settings.state_dir;
  all.key = settings.ca_key;
  all.http_url = settings.http_url();
  all.permit_dns = settings.permit_dns;
  all.permit_ip = settings.permit_ip;
  all.name_rules = settings.name_rules;
  all.crl_parts = settings.crl.is_served ? settings.crl.shards : 0;
  all.ocsp_is_served = settings.ocsp.is_served;
  for (auto const& name : settings.profiles) all.profile_files.push_back(settings.profile_file(name));
  if (std::ranges::find(settings.profiles, ServerCertificate::kProfile) == settings.profiles.end())
    all.profile_files.push_back(settings.profile_file(ServerCertificate::kProfile));
  return all;
}

Result<> check_open_scope(Settings const& settings, std::vector<ca::KnownIssuer> const& issuers,
                          std::vector<ca::Profile> const& profiles, Time now) {
  if (settings.eab_required) return {};
  auto const& scope = settings.open_scope;
  std::vector<ca::IssuerRule> rules;
  for (auto const& each : issuers) rules.push_back(each.rule);
  auto const fits = scope.issuer.empty() ? check_names(scope, rules[ca::default_at(rules, now)].limits)
                                         : check_issuer(scope, rules, profiles, now);
  if (!fits) return Error(Errc::settings, "acme.open: " + fits.error().detail());
  return {};
}

Result<std::unique_ptr<App>> open_app(Settings settings, std::unique_ptr<store::Store>&& store,
                                      SecretBytes const& passphrase, Clock const& clock, Log log,
                                      std::shared_ptr<ca::Signer> signer) {
  auto const own = ca::first_line(passphrase);
  TRY(auto authority, ca::Authority::open(authority_settings(settings), *store, own, std::move(signer)));
  TRY(auto sealer, open_sealer(*store, own));
  CHECK_OK(check_open_scope(settings, authority->issuers(), authority->profiles(), clock.now()));
  return std::make_unique<App>(AppParts{.settings = std::move(settings),
                                        .store = std::move(store),
                                        .authority = std::move(authority),
                                        .sealer = std::move(sealer),
                                        .clock = clock,
                                        .log = std::move(log)});
}

Result<std::unique_ptr<App>> open_app(Settings settings, SecretBytes const& passphrase, Clock const& clock, Log log,
                                      std::shared_ptr<ca::Signer> signer) {
  TRY(auto store, store::open(settings.store_url, settings.state_dir, settings.store_size_max));
  return open_app(std::move(settings), std::move(store), passphrase, clock, std::move(log), std::move(signer));
}

namespace {

// By which key and which rules this process issues, for whoever reads the audit trail.
void note_start(App& app, Time now) {
  std::string rules;
  for (auto const& profile : app.authority->profiles())
    rules += (rules.empty() ? "" : ", ") + profile.name + " " + to_hex(profile.hash());
  for (auto const& each : app.authority->issuers())
    if (&each != &app.authority->issuers().front()) rules += ", issuer " + each.rule.name + " " + each.id();
  auto note = [&](store::WriteTxn& txn) -> Result<> {
    ca::append_audit(txn, {.at = now,
                           .event = ca::AuditEvent::service_started,
                           .actor = "server",
                           .subject = to_hex(app.authority->issuing_certificate().subject_key_id()),
                           .rule = "",
                           .detail = rules});
    return {};
  };
  (void)app.db.write_blocking(note);
}

}  // namespace

// The metrics are at addresses of their own: who reads them learns how busy the CA is and when its certificates end.
Server::Server(App& app, Front& front, std::chrono::milliseconds chores_every)
    : app_(app), front_(front), chores_every_(chores_every), metrics_routes_([](int status, std::string detail) {
        return bytes_response(status, "text/plain; charset=utf-8", std::move(detail) + "\n");
      }) {
  metrics_routes_.add_plain(net::Method::get, "/metrics", [this](net::Request const&) { return metrics(); });
}

Result<std::unique_ptr<Server>> Server::start(App& app, Front& front, std::optional<ca::RecentlySigned> const& of_late,
                                              std::chrono::milliseconds chores_every) {
  std::unique_ptr<Server> server(new Server(app, front, chores_every));
  auto const now = app.clock.now();
  if (auto const switches = app.chaos.switches(); !switches.empty())
    app.log.warning("chaos.on", {{"switches", json::Value::strings(switches)},
                                 {"why",
                                  "clients are refused, delayed and misled as far as RFC 8555 allows; take the "
                                  "table [chaos] out of ca.toml where certificates matter"}});
  app.nonces.load(nonce_file(app.settings));
  server->audit_.look(now);              // before anything is added to the trail
  CHECK_OK(recover(app, of_late, now));  // the store is ours, and nothing is being issued
  note_changes(*app.store, app.settings, *app.authority, now);
  note_start(app, now);
  TRY(auto certificate, ServerCertificate::make(app, front, now));
  server->certificate_ = std::move(certificate);
  auto run = [&app](std::string_view name, json::Object const& arguments, unsigned user) -> Result<json::Object> {
    auto const* operation = find_operation(name);
    if (operation == nullptr) return Error(Errc::usage, "this server knows no operation " + std::string(name));
    auto const asked_at = app.clock.now();
    auto const& rules = app.authority->rules();
    OperationContext context{app.settings,
                             *app.store,
                             &app.sealer,
                             app.authority->root_certificate(),
                             rules[ca::default_at(rules, asked_at)].limits,
                             asked_at};
    context.metrics = &app.metrics;
    context.actor = operator_by(user);
    context.issuers = [&app]() -> Result<std::vector<ca::IssuerRule>> { return app.authority->rules(); };
    if (operation->writes) app.log.info("admin.operation", {{"operation", name}, {"by", context.actor}});
    try {
      auto outcome = run_on_record(*operation, context, arguments);
      if (operation->writes) app.crls.look_again();
      return outcome;
    } catch (store::Broken const& broken) {
      app.db.tell_broken(broken.what());
      throw;
    }
  };
  auto const socket_path = admin_socket_path(app.settings.state_dir);
  auto sent_away = [&app, socket_path](unsigned user) {
    app.refusals.note(Asker::user(user), socket_path,
                      Error(Errc::unauthorized, "only the server's user and root may ask"), app.clock.now());
  };
  TRY(auto const* socket, front.admin_socket(socket_path));
  TRY(auto admin, AdminServer::start(*socket, run, sent_away, app.log));
  server->admin_ = std::move(admin);
  app.crls.start(chores_every);  // the first lists, before anybody can ask for them
  app.ocsp.start();
  CHECK_OK(front.open(app.settings, {app.acme_routes, app.web_routes, server->metrics_routes_}));
  server->served_ = true;
  server->chores_ = std::thread([raw = server.get()] { raw->look_after(); });
  return server;
}

net::Response Server::metrics() {
  auto readings = take_readings(app_);
  readings.server_certificate_due = certificate_->due();
  readings.connections = front_.connections();
  return bytes_response(200, "text/plain; version=0.0.4; charset=utf-8", app_.metrics.text(readings));
}

Server::~Server() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (chores_.joinable()) chores_.join();
  app_.crls.stop();
  app_.finalization.wait_until_done(kStopWait);  // those that nobody waits for any more
  if (!served_) return;
  look_after_audit(true);
  if (auto saved = app_.nonces.save(nonce_file(app_.settings)); !saved)
    app_.log.warning("nonces.not_saved", {{"error", saved.error().detail()}});
}

bool Server::is_idle(std::chrono::milliseconds at_most) const { return app_.finalization.wait_until_done(at_most); }

bool Server::is_stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Server::look_after() {
  try {
    resume_validations(app_, app_.clock.now());
  } catch (std::exception const& e) {
    app_.log.error("server.chores_failed", {{"error", e.what()}});
  }
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    do_chores();
    lock.lock();
    if (!stopping_) wake_.wait_for(lock, chores_every_);
  }
}

void Server::do_chores() {
  auto const now = app_.clock.now();
  try {
    app_.room.tell();
    app_.ballast.look_after();
    sweep(app_, now, [this] { return is_stopping(); });
    note_changes(*app_.store, app_.settings, *app_.authority, now);
    look_after_audit(false);
    app_.ocsp.renew_if_due();
    auto const is_revoked = [this](store::ReadTxn& txn) {
      return ca::find_revocation(txn, certificate_->serial_hex()).has_value();
    };
    auto renewed = certificate_->renew_if_due(now, app_.db.read_blocking(is_revoked));
    if (!renewed)
      app_.log.error("server.certificate_not_renewed", {{"error", renewed.error().detail()}});
    else if (*renewed)
      app_.log.info("server.certificate_renewed", {{"due", to_rfc3339(certificate_->due())}});
  } catch (store::Broken const& broken) {
    app_.db.tell_broken(broken.what());
  } catch (std::exception const& e) {
    app_.log.error("server.chores_failed", {{"error", e.what()}});
  }
}

// Refusals first, so that the head tells of them too.
void Server::look_after_audit(bool is_last) {
  auto const now = app_.clock.now();
  try {
    if (is_last)
      app_.refusals.write_all(app_.db);
    else
      app_.refusals.write_due(app_.db, now);
    audit_.look(now);
    auto const effort = is_last ? HeadEffort::when_new : HeadEffort::when_due;
    if (auto done = sign_audit_head_if_due(*app_.store, app_.db, app_.sealer, app_.log, now, effort); !done)
      app_.log.error("audit.head_not_signed", {{"error", done.error().detail()}});
  } catch (store::Broken const& broken) {
    app_.db.tell_broken(broken.what());
  } catch (std::exception const& e) {
    app_.log.error("server.chores_failed", {{"error", e.what()}});
  }
}

}  // namespace lenscap::acme
