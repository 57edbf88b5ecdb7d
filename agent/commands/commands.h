// The commands of lenscap-agent, one file each. Each function adds its sub-command to the command line; when that is
// the one that was typed, it runs and leaves its exit code in `outcome`.
#pragma once

#include <string>
#include <vector>

#include "base/exit_code.h"

namespace CLI {
class App;
}

namespace lenscap::agent {

struct Global {
  std::string state_dir = "/var/lib/lenscap-agent";
  std::string config = {};       // empty: STATE/agent.toml
  std::string output = "table";  // or "json"
  bool quiet = false;            // refusals alone; the exit code tells the rest
  bool verbose = false;          // the log on standard error
  bool json() const { return output == "json"; }
};

void add_join(CLI::App& app, Global const& global, ExitCode& outcome);
void add_add(CLI::App& app, Global const& global, ExitCode& outcome);
void add_remove(CLI::App& app, Global const& global, ExitCode& outcome);
void add_enroll(CLI::App& app, Global const& global, ExitCode& outcome);
void add_renew(CLI::App& app, Global const& global, ExitCode& outcome);
void add_status(CLI::App& app, Global const& global, ExitCode& outcome);
void add_results(CLI::App& app, Global const& global, ExitCode& outcome);
void add_verify(CLI::App& app, Global const& global, ExitCode& outcome);
void add_run(CLI::App& app, Global const& global, ExitCode& outcome);

// Prints the refusal on standard error and gives its exit code.
ExitCode refuse(Error const& error);

}  // namespace lenscap::agent
