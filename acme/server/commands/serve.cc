// lenscap-ca serve: the ACME server until SIGTERM or SIGINT. Under systemd it takes sockets from it, says when it is
// ready and feeds the watchdog (supervisor.h).
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/supervisor.h"
#include "acme/server/server.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/local_socket.h"
#include "ca/audit.h"
#include "ca/installed_chain.h"
#include "ca/ledger.h"
#include "ca/remote_signer.h"
#include "ca/signing_ledger_check.h"

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
Result<> write_ports(std::string const& file, Server const& server) {
  if (file.empty()) return {};
  std::string text;
  for (auto const& port : server.ports())
    text += fmt::format("{} {} {}\n", port.tls ? "acme" : port.metrics ? "metrics" : "web", port.address, port.port);
  return write_file(file, text, 0644);
}

// Waits for SIGTERM or SIGINT, or for the end of the signer; these must be blocked in every thread. Gives the signal.
int wait_for_signal(sigset_t const& signals) {
  auto const watchdog = watchdog_interval();
  for (;;) {
    auto const pause_us = watchdog.count() > 0 ? watchdog.count() / 2 : 60'000'000;
    timespec const pause{pause_us / 1'000'000, (pause_us % 1'000'000) * 1000};
    if (int const signal = ::sigtimedwait(&signals, nullptr, &pause); signal > 0) return signal;
    if (watchdog.count() > 0) notify_supervisor("WATCHDOG=1");
  }
}

bool is_sealed(Settings const& settings) {
  constexpr std::string_view kFile = "file:";
  if (!settings.ca_passphrase.starts_with(kFile)) return true;
  auto const path = settings.ca_passphrase.substr(kFile.size());
  return path.starts_with("/") && !lies_within(path, settings.state_dir);
}

// A store that lost a write must not go on; the supervisor starts a new process, which recovers.
[[noreturn]] void end_broken(Log const& log, std::string const& why) {
  log.error("store.broken", {{"error", why}, {"what_to_do", "see docs/operations.md; the process ends now"}});
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
                             .actor = "operator",
                             .subject = "clock",
                             .rule = "serve --accept-clock",
                             .detail = "it was ahead to " + to_rfc3339(*former)});
    return {};
  };
  (void)app.db.write_blocking(lower);
  if (former) app.log.warning("clock.accepted", {{"now", to_rfc3339(now)}, {"was_ahead_to", to_rfc3339(*former)}});
}

struct ServeOptions {
  std::string port_file;
  bool accept_clock = false;
};

// --- the signer's process ---

// A child, or another user's process at a socket. Outlives what asks it.
struct SignerProcess {
  std::optional<ChildProcess> child;
  std::unique_ptr<std::atomic<bool>> connection_ended;  // of the other user's
  std::shared_ptr<ca::RemoteSigner> signer;
  ca::RecentlySigned recent;

  bool has_ended() { return child ? child->has_ended() : connection_ended->load(); }
  std::string how_it_ended() const { return child ? child->how_it_ended() : "the end of its connection"; }
};

Result<SignerProcess> start_signer(CommandLine const& line, ServeOptions const& options,
                                   SecretBytes const& passphrase) {
  std::vector<std::string> words{"--state", line.state, "--config", line.config_file(), "signer"};
  if (options.accept_clock) words.emplace_back("--accept-clock");
  TRY(auto child, ChildProcess::start_self(std::move(words)));
  TRY(auto signer, ca::RemoteSigner::open(child.take_socket(), passphrase));
  return SignerProcess{std::move(child), nullptr, std::move(signer), {}};
}

// It has the passphrase of its key from elsewhere; ours opens our own secrets alone.
Result<SignerProcess> connect_to_signer(std::string const& path) {
  auto ended = std::make_unique<std::atomic<bool>>(false);
  auto const on_end = [flag = ended.get()] {
    *flag = true;
    ::kill(::getpid(), SIGCHLD);  // as the end of a child would wake who waits for it
  };
  auto const socket = connect_to(path);
  if (!socket) return Error(socket.error()).with_context("the signer's socket ");
  TRY(auto signer, ca::RemoteSigner::open(*socket, SecretBytes(), on_end));
  return SignerProcess{std::nullopt, std::move(ended), std::move(signer), {}};
}

Result<SignerProcess> reach_signer(CommandLine const& line, ServeOptions const& options, Settings const& settings,
                                   SecretBytes const& passphrase, Log const& log) {
  auto reached = settings.signer.socket.empty() ? start_signer(line, options, passphrase)
                                                : connect_to_signer(settings.signer.socket);
  if (!reached) return reached;
  auto const& ready = reached->signer->ready();
  if (reached->child)
    log.info("signer.ready", {{"pid", static_cast<long long>(reached->child->pid())},
                              {"calls_filtered", ready.calls_filtered},
                              {"files_walled", ready.files_walled}});
  else
    log.info("signer.ready", {{"socket", settings.signer.socket},
                              {"calls_filtered", ready.calls_filtered},
                              {"files_walled", ready.files_walled}});
  if (!ready.why.empty()) log.warning("signer.not_confined", {{"why", ready.why}});
  TRY(reached->recent, reached->signer->recently_signed());
  return reached;
}

// What the signer signed, held against the store: nothing that it signed is forgotten, and no number of a list comes
// twice, also when the store was restored.
Result<> compare_with_signer(App& app, ca::RecentlySigned const& recent, Log const& log) {
  auto const look = [&](store::ReadTxn& txn) {
    for (auto const& entry : recent.certificates)
      if (!ca::is_known(txn, entry))
        log.error("signer.unknown_certificate", {{"serial", entry.serial_hex},
                                                 {"signed_at", to_rfc3339(entry.at)},
                                                 {"why", "the signer's ledger has it and the store has not"},
                                                 {"what_to_do", "see docs/operations.md"}});
    return true;
  };
  app.db.read_blocking(look);
  auto const lift = [&](store::WriteTxn& txn) -> Result<> {
    for (auto const& issuer : app.authority->issuers())
      for (auto const& [place, entry] : recent.lists)
        if (place.first == issuer.id()) ca::note_signed_crl(txn, place.first, place.second, entry.number, entry.at);
    return {};
  };
  return app.db.write_blocking(lift);
}

// Until it is told to stop, or the signer has ended: then there is nothing that it could issue.
Result<> wait_for_stop(sigset_t const& signals, SignerProcess* signer, bool may_start_again, Log const& log) {
  while (wait_for_signal(signals) == SIGCHLD) {
    if (signer == nullptr || !signer->has_ended()) continue;
    log.error("signer.ended", {{"how", signer->how_it_ended()},
                               {"what_to_do", may_start_again ? "the server ends now; the supervisor starts it again"
                                                              : "start the server again: it wants the passphrase"}});
    if (may_start_again) return Error(Errc::unavailable, "the signer has ended by " + signer->how_it_ended());
    signer = nullptr;
  }
  return {};
}

// The wall between two users is of use only where the key is behind it.
void look_for_a_key_here(Settings const& settings, Log const& log) {
  if (settings.signer.socket.empty()) return;
  std::vector<std::string> files{settings.state_dir + "/keys/issuing.key"};
  if (auto const issuers = ca::load_issuers(settings.state_dir); issuers.ok())
    for (auto const& each : *issuers) files.push_back(settings.state_dir + "/issuers/" + each.name + "/issuing.key");
  for (auto const& file : files) {
    if (!file_exists(file)) continue;
    log.warning(
        "signer.key_left_here",
        {{"file", file}, {"what_to_do", "run lenscap-ca signer split, which moves it; see docs/operations.md"}});
  }
}

Result<ExitCode> run(CommandLine const& line, ServeOptions const& options) {
  TRY(auto settings, load_settings(line));
  if (auto const chain = ca::load_chain(line.state); !chain.ok()) return chain.error();  // before any passphrase
  TRY(auto passphrase, read_issuing_passphrase(settings));
  bool const may_start_again = settings.ca_passphrase != "prompt";
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, as some launchers leave it, the end of the signer would not be told

  SystemClock const clock;
  auto const log = Log::to_stderr();
  if (!is_sealed(settings))
    log.warning("secrets.not_sealed",
                {{"why", "the passphrase lies in a file beside the data that it protects; use a systemd credential"}});
  look_for_a_key_here(settings, log);
  std::optional<SignerProcess> signer;  // before any thread; ends after all that asks it
  if (settings.signer.process) {
    TRY(auto started, reach_signer(line, options, settings, passphrase, log));
    signer.emplace(std::move(started));
  }
  TRY(auto const app,
      open_app(std::move(settings), passphrase, clock, log, signer ? std::move(signer->signer) : nullptr));
  passphrase = SecretBytes();  // this process's memory then holds neither the key nor what opens it
  if (signer) CHECK_OK(compare_with_signer(*app, signer->recent, log));
  auto const& issuer = app->authority->issuer();
  if (ca::limits_of(issuer.certificate(), issuer.above()).empty())
    log.warning("issuer.unconstrained",
                {{"why",
                  "no certificate of the chain has name constraints: ca.permit_dns and ca.permit_ip bind this program "
                  "alone, and a thief of the issuing key could name anything; ask the parent for name constraints"}});
  app->db.on_broken = [&log](std::string const& why) { end_broken(log, why); };
  if (options.accept_clock) accept_clock(*app);
  auto const begin = std::chrono::steady_clock::now();
  TRY(auto server, Server::start(*app, inherited_sockets()));
  auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  CHECK_OK(write_ports(options.port_file, *server));
  log.info("server.ready", {{"directory", app->settings.urls.directory()},
                            {"root_sha256", to_hex(app->authority->root_certificate().fingerprint())},
                            {"start_ms", took.count()}});
  notify_supervisor("READY=1");
  auto const stop = wait_for_stop(signals, signer ? &*signer : nullptr, may_start_again, log);
  notify_supervisor("STOPPING=1");
  log.info("server.stopping");
  server.reset();
  log.info("server.stopped");
  CHECK_OK(stop);
  return ExitCode::done;
}

}  // namespace

void add_serve(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<ServeOptions>();
  auto* serve = app.add_subcommand("serve", "Serve ACME until stopped");
  serve->add_option("--port-file", options->port_file, "Write the open ports here once they are open");
  serve->add_flag("--accept-clock", options->accept_clock,
                  "Believe the clock though a certificate was made at a later time: for once, when it had run ahead");
  serve->footer(
      "Examples:\n  lenscap-ca serve --state /var/lib/lenscap-ca\n  lenscap-ca serve --state ./state --port-file "
      "./ports");
  serve->callback([&line, options] { line.run = [&line, options] { return run(line, *options); }; });
}

}  // namespace lenscap::acme
