// lenscap-agent run: the service. Rounds at a fixed pace; in each, what is due and nothing else. Between the rounds the
// store is closed, so that the other commands can work. On SIGTERM and SIGINT it ends between two steps of each device;
// whoever cannot wait for that may kill it, which the journal makes safe at any moment.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "agent/commands/desk.h"
#include "agent/renewal_info.h"
#include "agent/root_trust.h"
#include "agent/scheduler.h"

namespace lenscap::agent {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// From now on they wait until somebody looks, also in every thread that is begun later.
void hold_stop_signals() {
  sigset_t const signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Is one waiting? It stays.
bool is_told_to_stop() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

// Waits for one; true when it came, or had come before.
bool told_to_stop_within(Seconds wait) {
  sigset_t const signals = stop_signals();
  timespec const until{.tv_sec = static_cast<std::time_t>(wait.count()), .tv_nsec = 0};
  return sigtimedwait(&signals, nullptr, &until) > 0;
}

Result<> round(Global const& global, Log const& log) {
  TRY(auto desk, Desk::open(global));
  bool asks_roots = false;
  desk->store().read([&](store::ReadTxn& txn) { asks_roots = wants_roots(txn, desk->clock().now()); });
  if (auto workshop = asks_roots ? desk->workshop() : Result<Workshop*>(nullptr);
      workshop.ok() && *workshop != nullptr) {
    auto const fresh = desk->run(follow_roots(**workshop));
    if (!fresh.ok()) log.info("root.not_asked", {{"why", fresh.error().detail()}});
    if (fresh.ok() && *fresh > 0) return {};  // the next round begins with them
  }
  std::vector<std::string> to_ask;
  desk->store().read([&](store::ReadTxn& txn) { to_ask = windows_to_ask(txn, desk->clock().now()); });
  if (!to_ask.empty()) {
    TRY(auto* asking, desk->workshop());
    desk->run(ask_windows(*asking, std::move(to_ask)));
  }
  std::vector<Job> jobs;
  desk->store().read([&](store::ReadTxn& txn) { jobs = due_jobs(txn, desk->clock().now()); });
  if (jobs.empty()) return {};
  TRY(auto* workshop, desk->workshop());
  workshop->told_to_stop = is_told_to_stop;
  log.info("round.begun", {{"devices", jobs.size()}});
  auto results = desk->run(run_task(*workshop, "renew", std::move(jobs)));
  log.info("round.ended", {{"devices", results.size()}});
  return {};
}

bool needs_person(Errc code) {
  return code == Errc::settings || code == Errc::wrong_passphrase || code == Errc::file ||
         code == Errc::needs_confirmation;
}

ExitCode run_renewals(Global const& global, int every) {
  hold_stop_signals();
  Global loud = global;
  loud.verbose = true;
  auto const log = Log::to_stderr();
  log.info("agent.started", {{"state", global.state_dir}, {"every_seconds", every}});
  bool begun = false;
  do {
    auto done = round(loud, log);
    if (!done.ok()) {
      log.error("round.failed", {{"error", error_id(done.error().code())}, {"why", done.error().detail()}});
      // What was never right does not come right by waiting: let the operator see a service that failed.
      if (!begun && needs_person(done.error().code())) return exit_code(done.error().code());
    }
    begun = begun || done.ok();
  } while (!told_to_stop_within(Seconds(every)));
  log.info("agent.stopped");
  return ExitCode::done;
}

}  // namespace

void add_run(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand(
      "run", "Run as a service: enroll what was added, renew what is due, go on with what was interrupted");
  command->footer("Examples:\n  lenscap-agent run\n  lenscap-agent run --every 300");
  auto every = std::make_shared<int>(60);
  command->add_option("--every", *every, "seconds between two rounds")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  command->callback([&global, &outcome, every] { outcome = run_renewals(global, *every); });
}

}  // namespace lenscap::agent
