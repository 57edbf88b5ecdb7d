// lenscap-ca signer: the process that has the issuing key (ca/issuer_process.h). `serve` starts it and talks to it over
// a socket pair; for people there is nothing to call, so it stands in no help.
#include <CLI/CLI.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/server/commands/commands.h"
#include "acme/server/server.h"
#include "base/child_process.h"
#include "ca/issuer_process.h"

namespace lenscap::acme {
namespace {

Result<ExitCode> run(CommandLine const& line, bool accept_clock) {
  struct stat status {};
  if (::fstat(ChildProcess::kSocket, &status) != 0 || !S_ISSOCK(status.st_mode))
    return Error(Errc::usage, "signer is started by serve, and by nobody else");
  // It ends when serve closes the socket, after the last request: not when both are told to stop.
  for (int const each : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(each, SIG_IGN);
  TRY(auto const settings, load_settings(line));
  ca::serve_signing(
      ChildProcess::kSocket,
      {.authority = authority_settings(settings), .caps = settings.signer.caps, .accept_clock = accept_clock},
      SystemClock(), Log::to_stderr());
  // What a program does at its end (writing profiles, looking for leaks) is out of reach by now.
  ::_exit(0);
}

}  // namespace

void add_signer(CLI::App& app, CommandLine& line) {
  auto accept_clock = std::make_shared<bool>(false);
  auto* signer = app.add_subcommand("signer", "Sign for serve")->group("");
  signer->add_flag("--accept-clock", *accept_clock);
  signer->callback([&line, accept_clock] { line.run = [&line, accept_clock] { return run(line, *accept_clock); }; });
}

}  // namespace lenscap::acme
