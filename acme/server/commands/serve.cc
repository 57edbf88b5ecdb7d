// lenscap-ca serve: the ACME server until SIGTERM or SIGINT. Under systemd it takes sockets from it (sd_listen_fds(3)),
// says when it is ready and feeds the watchdog (sd_notify(3)), by its own few lines.
#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>

#include "acme/server/commands/commands.h"
#include "acme/server/server.h"
#include "base/child_process.h"
#include "base/file.h"
#include "ca/audit.h"
#include "ca/installed_chain.h"
#include "ca/ledger.h"
#include "ca/remote_signer.h"
#include "ca/signing_ledger_check.h"

namespace lenscap::acme {
namespace {

std::string environment(char const* name) {
  auto const* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

long long environment_number(char const* name) {
  auto const text = environment(name);
  long long number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? number : 0;
}

void notify_supervisor(std::string_view state) {
  auto path = environment("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract socket
  auto const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&address), size);
  ::close(fd);
}

// A socket whose FileDescriptorName is "http" serves plain HTTP, all others ACME.
InheritedSockets inherited_sockets() {
  InheritedSockets sockets;
  if (environment_number("LISTEN_PID") != ::getpid()) return sockets;
  auto const names = environment("LISTEN_FDNAMES");
  std::string_view rest = names;
  for (int fd = 3; fd < 3 + environment_number("LISTEN_FDS"); ++fd) {
    auto const name = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    (name == "http" ? sockets.http : sockets.tls).push_back(fd);
  }
  return sockets;
}

// For tests and scripts: "acme 127.0.0.1 14000" and "web ..." lines, there when the ports are open.
Result<> write_ports(std::string const& file, Server const& server) {
  if (file.empty()) return {};
  std::string text;
  for (auto const& port : server.ports())
    text += fmt::format("{} {} {}\n", port.tls ? "acme" : "web", port.address, port.port);
  return write_file(file, text, 0644);
}

// Waits for SIGTERM or SIGINT, or for the end of a child; these must be blocked in every thread. Gives the signal.
int wait_for_signal(sigset_t const& signals) {
  auto const watchdog_us = environment_number("WATCHDOG_USEC");
  for (;;) {
    auto const pause_us = watchdog_us > 0 ? watchdog_us / 2 : 60'000'000;
    timespec const pause{pause_us / 1'000'000, (pause_us % 1'000'000) * 1000};
    if (int const signal = ::sigtimedwait(&signals, nullptr, &pause); signal > 0) return signal;
    if (watchdog_us > 0) notify_supervisor("WATCHDOG=1");
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

// Of a store without an accident there are none; of one that was restored, or of a crash, the last ones are of use.
constexpr std::size_t kCompared = 10'000;

struct SignerProcess {
  ChildProcess child;
  std::shared_ptr<ca::Signer> signer;
};

Result<SignerProcess> start_signer(CommandLine const& line, ServeOptions const& options, SecretBytes const& passphrase,
                                   Log const& log) {
  std::vector<std::string> words{"--state", line.state, "--config", line.config_file(), "signer"};
  if (options.accept_clock) words.emplace_back("--accept-clock");
  TRY(auto child, ChildProcess::start_self(std::move(words)));
  TRY(auto signer, ca::RemoteSigner::open(child.take_socket(), passphrase));
  auto const& ready = signer->ready();
  log.info("signer.ready", {{"pid", static_cast<long long>(child.pid())},
                            {"calls_filtered", ready.calls_filtered},
                            {"files_walled", ready.files_walled}});
  if (!ready.why.empty()) log.warning("signer.not_confined", {{"why", ready.why}});
  return SignerProcess{std::move(child), std::move(signer)};
}

// What the signer signed, held against the store: nothing that it signed is forgotten, and no number of a list comes
// twice, also when the store was restored.
Result<> compare_with_signer(App& app, Log const& log) {
  TRY(auto const recent, ca::recently_signed(ca::signing_ledger_file(app.settings.state_dir), kCompared));
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
    if (signer == nullptr || !signer->child.has_ended()) continue;
    log.error("signer.ended", {{"how", signer->child.how_it_ended()},
                               {"what_to_do", may_start_again ? "the server ends now; the supervisor starts it again"
                                                              : "start the server again: it wants the passphrase"}});
    if (may_start_again) return Error(Errc::unavailable, "the signer has ended by " + signer->child.how_it_ended());
    signer = nullptr;
  }
  return {};
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
  std::optional<SignerProcess> signer;  // before any thread; ends after all that asks it
  if (settings.signer.process) {
    TRY(auto started, start_signer(line, options, passphrase, log));
    signer.emplace(std::move(started));
  }
  TRY(auto const app,
      open_app(std::move(settings), passphrase, clock, log, signer ? std::move(signer->signer) : nullptr));
  passphrase = SecretBytes();  // this process's memory then holds neither the key nor what opens it
  if (signer) CHECK_OK(compare_with_signer(*app, log));
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
