// lenscap-agent run: the service. Rounds at a fixed pace; in each, what is due and nothing else. Between the rounds the
// store is closed, so that the other commands can work. Ends between two steps' writes on SIGTERM: the journal makes
// that safe.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "agent/commands/desk.h"
#include "agent/scheduler.h"

namespace lenscap::agent {
namespace {

// Waits for SIGTERM or SIGINT; true when one came. Outside this wait they end the process at once, which is safe at any
// moment.
bool told_to_stop(Seconds wait) {
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  timespec const until{.tv_sec = static_cast<std::time_t>(wait.count()), .tv_nsec = 0};
  bool const told = sigtimedwait(&signals, nullptr, &until) > 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return told;
}

Result<> round(Global const& global, Log const& log) {
  TRY(auto desk, Desk::open(global));
  std::vector<Job> jobs;
  desk->store().read([&](store::ReadTxn& txn) { jobs = due_jobs(txn, desk->clock().now()); });
  if (jobs.empty()) return {};
  TRY(auto* workshop, desk->workshop());
  log.info("round.begun", {{"devices", jobs.size()}});
  auto results = desk->run(run_task(*workshop, "renew", std::move(jobs)));
  log.info("round.ended", {{"devices", results.size()}});
  return {};
}

bool needs_person(Errc code) {
  return code == Errc::settings || code == Errc::wrong_passphrase || code == Errc::file ||
         code == Errc::needs_confirmation;
}

ExitCode run(Global const& global, int every) {
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
  } while (!told_to_stop(Seconds(every)));
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
  command->callback([&global, &outcome, every] { outcome = run(global, *every); });
}

}  // namespace lenscap::agent
