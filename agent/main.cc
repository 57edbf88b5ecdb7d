// lenscap-agent: the ACME client that works for the cameras.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <stdexcept>

#include "agent/commands/commands.h"
#include "base/output.h"
#include "base/private_memory.h"

namespace {

constexpr std::string_view kJoinString = "lenscap1.";

// A join string is a secret; the process list is no place for it. The words were copied before.
void hide_join_strings(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).find(kJoinString) != std::string_view::npos)
      std::memset(argv[i], 'x', std::strlen(argv[i]));
  }
}

// What was not understood is repeated to the person; a join string is not.
std::string without_join_strings(std::string text) {
  for (auto at = text.find(kJoinString); at != std::string::npos; at = text.find(kJoinString, at)) {
    auto const end = std::min(text.find_first_of(" \t\r\n,;", at), text.size());
    text.replace(at, end - at, "(join string)");
  }
  return text;
}

// Help and version on standard output, what is wrong on standard error.
lenscap::ExitCode tell(CLI::App const& app, CLI::ParseError const& error) {
  std::ostringstream out;
  std::ostringstream err;
  int const code = app.exit(error, out, err);
  std::fputs(out.str().c_str(), stdout);
  std::fputs(without_join_strings(err.str()).c_str(), stderr);
  return code == 0 ? lenscap::ExitCode::done : lenscap::ExitCode::usage;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace lenscap;
  keep_memory_private();
  agent::Global global;
  ExitCode outcome = ExitCode::done;
  CLI::App app{"lenscap-agent gives cameras certificates of their own and renews them.", "lenscap-agent"};
  app.set_version_flag("--version", std::string("lenscap-agent ") + LENSCAP_VERSION);
  app.add_option("--state", global.state_dir, "directory with settings, inventory and journal")
      ->envname("LENSCAP_AGENT_STATE")
      ->capture_default_str();
  app.add_option("--config", global.config, "settings file instead of STATE/agent.toml")
      ->envname("LENSCAP_AGENT_CONFIG");
  app.add_option("--output", global.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  auto* const quiet = app.add_flag("--quiet", global.quiet, "print refusals alone; the exit code tells the rest");
  app.add_flag("--verbose", global.verbose, "log every step on standard error")->excludes(quiet);
  // Runs when all words are read and before the command does.
  app.parse_complete_callback([&global] {
    if (global.quiet && std::freopen("/dev/null", "w", stdout) == nullptr)
      throw std::runtime_error("/dev/null cannot be opened");
  });
  app.require_subcommand(1);
  app.fallthrough();
  agent::add_join(app, global, outcome);
  agent::add_add(app, global, outcome);
  agent::add_remove(app, global, outcome);
  agent::add_enroll(app, global, outcome);
  agent::add_renew(app, global, outcome);
  agent::add_status(app, global, outcome);
  agent::add_results(app, global, outcome);
  agent::add_verify(app, global, outcome);
  agent::add_run(app, global, outcome);
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    hide_join_strings(argc, argv);
    app.parse(std::move(words));
  } catch (CLI::ParseError const& error) {
    return static_cast<int>(tell(app, error));
  } catch (std::exception const& broken) {
    std::fprintf(stderr, "lenscap-agent: something this program needs is broken: %s\n", broken.what());
    return static_cast<int>(ExitCode::failed);
  }
  if (auto const printed = finish_output(); !printed) {
    std::fprintf(stderr, "lenscap-agent: %s\n", printed.error().detail().c_str());
    return static_cast<int>(exit_code(printed.error().code()));
  }
  return static_cast<int>(outcome);
}
