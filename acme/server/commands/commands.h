// The commands of lenscap-ca: one file each, joined in main.cc. What a command prints for people goes to standard
// output as a table or a text, with --output json as one JSON object; refusals go to standard error with an exit code
// of base/exit_code.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "acme/server/settings.h"
#include "base/exit_code.h"
#include "base/json.h"
#include "base/secret.h"

namespace CLI {
class App;
}

namespace lenscap::acme {

// The global options, and the command that was chosen while parsing.
struct CommandLine {
  std::string state = "/var/lib/lenscap-ca";
  std::string config;  // empty: STATE/ca.toml
  std::string output = "table";
  std::function<Result<ExitCode>()> run;

  bool wants_json() const { return output == "json"; }
  std::string config_file() const { return config.empty() ? state + "/ca.toml" : config; }
};

void add_init(CLI::App& app, CommandLine& line);
void add_serve(CLI::App& app, CommandLine& line);
void add_signer(CLI::App& app, CommandLine& line);
void add_explain(CLI::App& app, CommandLine& line);
void add_issuer(CLI::App& app, CommandLine& line);
void add_root(CLI::App& app, CommandLine& line);
void add_eab(CLI::App& app, CommandLine& line);
void add_cert(CLI::App& app, CommandLine& line);
void add_account(CLI::App& app, CommandLine& line);
void add_audit(CLI::App& app, CommandLine& line);
void add_backup(CLI::App& app, CommandLine& line);
void add_restore(CLI::App& app, CommandLine& line);
void add_doctor(CLI::App& app, CommandLine& line);
void add_key(CLI::App& app, CommandLine& line);
void add_store(CLI::App& app, CommandLine& line);

Result<Settings> load_settings(CommandLine const& line);
// On this disk: of a CA that never served there is none. Errc::file where nobody can tell.
Result<bool> has_store(CommandLine const& line, Settings const& settings);
// A relative file is one of the state directory; a credential that systemd did not hand over is typed.
Result<SecretBytes> read_issuing_passphrase(Settings const& settings);

// Runs an operation in the server that serves this state directory, or, when none does, on the store itself; waits some
// seconds for a server that is just starting or ending.
Result<json::Object> run_operation(CommandLine const& line, std::string_view operation, json::Object const& arguments);

void print_json(json::Object const& object);
// The objects of the array `list` as a table: one column for each (title, member).
struct Column {
  std::string title;
  std::string member;
};
void print_table(json::Object const& object, std::string_view list, std::vector<Column> const& columns);
std::string text_of(json::Value const* value);  // for one cell

}  // namespace lenscap::acme
