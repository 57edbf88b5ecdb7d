// lenscap-ca serve: the ACME server until SIGTERM or SIGINT, set up anew at SIGHUP. Under systemd it takes sockets from
// it, says when it is ready and feeds the watchdog (supervisor.h).
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/signer_process.h"
#include "acme/server/commands/supervisor.h"
#include "acme/server/operations.h"
#include "acme/server/reload_rules.h"
#include "acme/server/server.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/audit.h"
#include "ca/clock_mark.h"
#include "ca/installed_chain.h"
#include "ca/parent_rules.h"
#include "ca/rehearsal.h"

namespace lenscap::acme {
namespace {

// A socket whose FileDescriptorName is "http" serves plain HTTP, all others ACME.
InheritedSockets inherited_sockets() {
  InheritedSockets sockets;
  for (auto const& socket : inherited_from_supervisor())
    (socket.name == "http" ? sockets.http : sockets.tls).push_back(socket.fd);
  return sockets;
}

// For tests and scripts: "acme 127.0.0.1 14000" and "web ..." lines, there when the ports are open.
Result<> write_ports(std::string const& file, Front const& front) {
  if (file.empty()) return {};
  std::string text;
  for (auto const& port : front.ports())
    text += fmt::format("{} {} {}\n", port.tls ? "acme" : port.metrics ? "metrics" : "web", port.address, port.port);
  return write_file(file, text, 0644);
}

bool is_sealed(Settings const& settings) {
  constexpr std::string_view kFile = "file:";
  if (!settings.ca_passphrase.starts_with(kFile)) return true;
  auto const path = settings.ca_passphrase.substr(kFile.size());
  return path.starts_with("/") && !lies_within(path, settings.state_dir);
}

// A store that lost a write must not go on; the supervisor starts a new process, which recovers.
[[noreturn]] void end_broken(Log const& log, std::string const& why) {
  log.error("store.broken",
            {{"error", why}, {"what_to_do", "see docs/when-something-is-wrong.md; the process ends now"}});
  ::_exit(70);
}

// What the certificates of that time say stays as it is; only the refusal to sign ends.
void accept_clock(App& app) {
  auto const now = app.clock.now();
  std::optional<Time> former;
  auto lower = [&former, now](store::WriteTxn& txn) -> Result<> {
    former = ca::accept_clock(txn, now);
    if (former)
      ca::append_audit(txn, {.at = now,
                             .event = ca::AuditEvent::clock_accepted,
                             .actor = operator_by(::geteuid()),
                             .subject = "clock",
                             .rule = "serve --accept-clock",
                             .detail = "it was ahead to " + to_rfc3339(*former)});
    return {};
  };
  (void)app.db.write_blocking(lower);
  if (former) app.log.warning("clock.accepted", {{"now", to_rfc3339(now)}, {"was_ahead_to", to_rfc3339(*former)}});
}

// What a person should know of an issuer that can be served all the same.
void warn_of_issuer(App const& app) {
  auto const& issuer = app.authority->issuer();
  if (!ca::limits_of(issuer.certificate(), issuer.above()).empty()) return;
  app.log.warning(
      "issuer.unconstrained",
      {{"why",
        "no certificate of the chain has name constraints: ca.permit_dns and ca.permit_ip bind this program "
        "alone, and a thief of the issuing key could name anything"},
       {"what_to_do", ca::how_to_constrain(issuer.certificate(), issuer.above())}});
}

struct ServeOptions {
  std::string port_file;
  bool accept_clock = false;
  bool check = false;
};

using std::chrono::milliseconds;

milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
}

// --- the CA behind the front, from one start or reload to the next ---

class Service {
 public:
  // `watchdog` is borrowed.
  Service(CommandLine const& line, Log log, Watchdog& watchdog)
      : line_(line), log_(std::move(log)), watchdog_(watchdog), front_(log_, inherited_sockets()) {}
  ~Service() { stop(); }
  Service(Service const&) = delete;
  Service& operator=(Service const&) = delete;

  Result<> start(Settings const& settings, SecretBytes const& passphrase, bool accepts_clock);
  // Takes ca.toml and all that it names anew. After a refusal, which is in the log, it serves as before; an error is
  // that it does not.
  Result<> reload();
  // The same because the signer at its socket was started anew.
  Result<> follow_signer();
  // What is being asked may be answered. Blocks.
  void stop() {
    front_.stop();
    server_.reset();
    front_.close_admin_socket();
  }

  bool signer_has_ended() { return signer_ && signer_->has_ended(); }
  std::string how_signer_ended() const { return signer_->how_it_ended(); }
  bool signer_is_a_service() const { return !settings_->signer.socket.empty(); }
  bool may_start_again() const { return !is_typed(settings_->ca_passphrase); }
  Front const& front() const { return front_; }
  App const& app() const { return *app_; }

 private:
  static constexpr std::chrono::seconds kLastAnswers{10};
  static constexpr std::chrono::seconds kSignerReturns{8};
  // How long a step of a reload may take before the watchdog is to take it for a hang. Opening a key takes a second,
  // and there may be 64; taking what is wanted may mean that what was before is taken again.
  static constexpr std::chrono::minutes kRehearsed{3};
  static constexpr std::chrono::minutes kTaken{6};

  Result<> begin(Settings const& settings, SecretBytes const& passphrase, bool accepts_clock,
                 milliseconds signer_patience);
  Result<> begin_serving(bool accepts_clock);
  void end();
  Result<Settings> wanted() const;
  Result<> rehearse(Settings const& wanted, SecretBytes const& passphrase) const;
  Result<> let_go();
  Result<> take(Settings const& wanted, milliseconds signer_patience);

  CommandLine const& line_;
  Log const log_;
  Watchdog& watchdog_;
  SystemClock const clock_;
  Front front_;  // ends last: a request that nobody waits for may still be known to the App's threads
  std::optional<Settings> settings_;     // of what serves
  std::unique_ptr<store::Store> store_;  // while there is no App that has it
  std::optional<SignerProcess> signer_;  // ends after all that asks it
  OcspResponder::Signers ocsp_signers_;  // of the App before
  std::unique_ptr<App> app_;
  std::unique_ptr<Server> server_;
};

Result<> Service::start(Settings const& settings, SecretBytes const& passphrase, bool accepts_clock) {
  CHECK_OK(begin(settings, passphrase, accepts_clock, milliseconds(0)));
  settings_ = settings;
  return {};
}

// After a refusal there is nothing but the store.
Result<> Service::begin(Settings const& settings, SecretBytes const& passphrase, bool accepts_clock,
                        milliseconds signer_patience) {
  if (!is_sealed(settings))
    log_.warning("secrets.not_sealed",
                 {{"why", "the passphrase lies in a file beside the data that it protects; use a systemd credential"}});
  look_for_a_key_here(settings, log_);
  auto const opened = [&]() -> Result<> {
    if (settings.signer.process) {
      TRY(auto reached, SignerProcess::reach(line_, settings, passphrase, accepts_clock, signer_patience, log_));
      signer_.emplace(std::move(reached));
    }
    if (!store_) {
      TRY(store_, store::open(settings.store_url, settings.state_dir, settings.store_size_max));
    }
    TRY(app_, open_app(settings, std::move(store_), passphrase, clock_, log_, signer_ ? signer_->signer() : nullptr));
    return begin_serving(accepts_clock);
  };
  auto begun = opened();
  if (!begun) end();
  return begun;
}

Result<> Service::begin_serving(bool accepts_clock) {
  std::optional<ca::RecentlySigned> of_late;
  if (signer_) {
    TRY(of_late, signer_->compare_with(*app_, log_));
  }
  warn_of_issuer(*app_);
  app_->db.on_broken = [this](std::string const& why) { end_broken(log_, why); };
  if (accepts_clock) accept_clock(*app_);
  app_->ocsp.take_over(ocsp_signers_);
  TRY(server_, Server::start(*app_, front_, of_late));
  return {};
}

void Service::end() {
  server_.reset();
  if (app_) ocsp_signers_ = app_->ocsp.signers();
  if (app_) store_ = App::end(std::move(app_));
  signer_.reset();
}

// --- a reload ---

Result<Settings> Service::wanted() const {
  TRY(auto settings, load_settings(line_));
  std::string fixed;
  for (auto const& name : fixed_until_restart(*settings_, settings)) fixed += (fixed.empty() ? "" : ", ") + name;
  if (!fixed.empty())
    return Error(Errc::settings, fixed + " cannot change while the server runs: restart it, or take that back");
  if (is_typed(settings.ca_passphrase))
    return Error(Errc::settings,
                 "ca.passphrase is \"" + settings.ca_passphrase +
                     "\", which has to be typed here, and nobody is asked while the server runs: restart it, or let "
                     "systemd hand over the credential, or write a file there");
  if (auto const chain = ca::load_chain(line_.state); !chain.ok()) return chain.error();
  return settings;
}

// What would keep it from opening, while what serves is still there.
Result<> Service::rehearse(Settings const& wanted, SecretBytes const& passphrase) const {
  auto const authority = authority_settings(wanted);
  auto const looked = [&]() -> Result<ca::Issuing> {
    if (!wanted.signer.process) return ca::rehearse(authority, passphrase);
    if (wanted.signer.socket.empty()) return SignerProcess::rehearse(line_, wanted, passphrase);
    auto known = ca::rehearse(authority, signer_->signer());
    if (known) return known;
    return std::move(known).error().with_context(
        "a signer of its own has to be restarted first, which makes the server reload, too: ");
  };
  TRY(auto const issuing, looked());
  return check_open_scope(wanted, issuing.issuers, issuing.profiles, SystemClock().now());
}

// Connections stay, and nobody is being answered.
Result<> Service::let_go() {
  Watchdog::Step const step(watchdog_, 3 * kLastAnswers);
  if (!front_.close(kLastAnswers))
    return Error(Errc::unavailable, "a request was still being answered after ten seconds; try again");
  if (server_->is_idle(kLastAnswers)) return {};
  front_.reopen();
  return Error(Errc::unavailable, "a certificate was still being signed after ten seconds; try again");
}

// Serves by the wanted settings, or as before, saying why; else there is nothing that serves.
Result<> Service::take(Settings const& wanted, milliseconds signer_patience) {
  auto const begun = [&](Settings const& settings) -> Result<> {
    TRY(auto const passphrase, read_issuing_passphrase(settings));
    return begin(settings, passphrase, false, signer_patience);
  };
  Watchdog::Step const step(watchdog_, kTaken);
  auto const from = std::chrono::steady_clock::now();
  end();
  auto const taken = begun(wanted);
  if (taken) {
    settings_ = wanted;
    log_.info("reload.done", {{"paused_ms", since(from).count()}});
    return {};
  }
  log_.error("reload.failed",
             {{"error", taken.error().detail()}, {"what_to_do", "the former settings are taken again"}});
  return begun(*settings_);
}

Result<> Service::reload() {
  auto const refuse = [&](Error const& why) {
    log_.error("reload.refused",
               {{"error", why.detail()}, {"what_to_do", "put it right and reload; until then all is as it was"}});
    return Result<>();
  };
  auto settings = wanted();
  if (!settings) return refuse(settings.error());
  {
    Watchdog::Step const step(watchdog_, kRehearsed);
    auto const passphrase = read_issuing_passphrase(*settings);
    if (!passphrase) return refuse(passphrase.error());
    if (auto const fits = rehearse(*settings, *passphrase); !fits) return refuse(fits.error());
  }
  if (auto const gone = let_go(); !gone) return refuse(gone.error());
  return take(*settings, kSignerReturns);
}

Result<> Service::follow_signer() {
  CHECK_OK(let_go());  // whoever waits for the signer was told that it is gone
  auto settings = wanted();
  if (!settings)
    log_.error("reload.refused",
               {{"error", settings.error().detail()}, {"what_to_do", "the settings stay as they were"}});
  return take(settings ? *settings : *settings_, kSignerReturns);
}

// --- until it is told to stop ---

enum class Told { stop, reload, look_at_signer };

// Waits for a signal; these must be blocked in every thread.
Told wait_for_signal(sigset_t const& signals, Watchdog& watchdog) {
  for (;;) {
    watchdog.look();
    auto const pause_us = watchdog.may_wait(std::chrono::minutes(1)).count();
    timespec const pause{pause_us / 1'000'000, (pause_us % 1'000'000) * 1000};
    siginfo_t info{};
    int const signal = ::sigtimedwait(&signals, &info, &pause);
    if (signal == SIGCHLD) return Told::look_at_signer;
    // Of the kernel's own: the terminal is gone in which somebody had started it.
    if (signal == SIGHUP) return info.si_code == SI_KERNEL ? Told::stop : Told::reload;
    if (signal > 0) return Told::stop;
  }
}

// While `work` runs, the supervisor knows.
Result<> as_reload(Result<> (Service::*work)(), Service& service) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify_supervisor(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
  auto outcome = (service.*work)();
  if (outcome) notify_supervisor("READY=1");
  return outcome;
}

// Until it is told to stop, or the signer has ended for good: then there is nothing that it could issue.
Result<> serve_until_told(sigset_t const& signals, Service& service, Watchdog& watchdog, Log const& log) {
  bool has_signer = true;
  for (;;) {
    auto const told = wait_for_signal(signals, watchdog);
    if (told == Told::stop) return {};
    if (told == Told::reload) {
      CHECK_OK(as_reload(&Service::reload, service));
      continue;
    }
    if (!has_signer || !service.signer_has_ended()) continue;
    auto const how = service.how_signer_ended();
    bool const comes_again = service.signer_is_a_service() && service.may_start_again();
    log.error("signer.ended",
              {{"how", how},
               {"what_to_do", comes_again                 ? "the server connects to it anew"
                              : service.may_start_again() ? "the server ends now; the supervisor starts it again"
                                                          : "start the server again: it wants the passphrase"}});
    has_signer = service.may_start_again();
    if (comes_again)
      CHECK_OK(as_reload(&Service::follow_signer, service));
    else if (has_signer)
      return Error(Errc::unavailable, "the signer has ended by " + how);
  }
}

Result<ExitCode> check_start(CommandLine const& line, Settings const& settings) {
  TRY(auto const issuing, ca::rehearse(authority_settings(settings)));
  CHECK_OK(check_open_scope(settings, issuing.issuers, issuing.profiles, SystemClock().now()));
  if (line.wants_json())
    print_json({{"accepted", true}});
  else
    fmt::print("The settings, and the profiles and certificates that they name, can be served.\n");
  return ExitCode::done;
}

Result<ExitCode> run_serve(CommandLine const& line, ServeOptions const& options) {
  TRY(auto settings, load_settings(line));
  if (auto const chain = ca::load_chain(line.state); !chain.ok()) return chain.error();  // before any passphrase
  if (options.check) return check_start(line, settings);
  TRY(auto passphrase, read_issuing_passphrase(settings));
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int const each : {SIGCHLD, SIGHUP, SIGTERM, SIGINT}) ::sigaddset(&signals, each);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, as some launchers leave it, the end of the signer would not be told

  auto const log = Log::to_stderr();
  auto const begin = std::chrono::steady_clock::now();
  Watchdog watchdog(watchdog_interval());
  Service service(line, log, watchdog);
  CHECK_OK(service.start(settings, passphrase, options.accept_clock));
  passphrase = SecretBytes();  // this process's memory then holds neither the key nor what opens it
  CHECK_OK(write_ports(options.port_file, service.front()));
  log.info("server.ready", {{"directory", settings.urls.directory()},
                            {"root_sha256", to_hex(service.app().authority->root_certificate().fingerprint())},
                            {"start_ms", since(begin).count()}});
  notify_supervisor("READY=1");
  auto const stop = serve_until_told(signals, service, watchdog, log);
  notify_supervisor("STOPPING=1");
  log.info("server.stopping");
  service.stop();
  log.info("server.stopped");
  CHECK_OK(stop);
  return ExitCode::done;
}

}  // namespace

void add_serve(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<ServeOptions>();
  auto* serve = app.add_subcommand("serve", "Serve ACME until stopped");
  serve->add_option("--port-file", options->port_file, "Write the open ports here once they are open");
  serve->add_flag(
      "--accept-clock", options->accept_clock,
      "Believe the clock though a certificate or a list was made at a later time: for once, when it had run ahead");
  serve->add_flag("--check", options->check,
                  "Only say whether a start or a reload would take the settings; needs no passphrase");
  serve->footer(
      "SIGHUP: ca.toml, profiles, certificates and keys are taken anew, and no connection is dropped.\n"
      "Examples:\n  lenscap-ca serve --state /var/lib/lenscap-ca\n  lenscap-ca serve --state ./state --port-file "
      "./ports");
  serve->callback([&line, options] { line.run = [&line, options] { return run_serve(line, *options); }; });
}

}  // namespace lenscap::acme
