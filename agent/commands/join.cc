// lenscap-agent join STRING: become the agent of one ACME server.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "agent/commands/desk.h"

namespace lenscap::agent {
namespace {

Result<SecretBytes> read_word(std::string const& given) {
  if (given != "-") return SecretBytes(given);
  std::string line;
  std::getline(std::cin, line);
  SecretBytes word(line);
  OPENSSL_cleanse(line.data(), line.size());
  if (word.empty()) return Error(Errc::usage, "join -: nothing came in; pipe the join string into standard input");
  return word;
}

ExitCode run(Global const& global, std::string const& given) {
  auto word = read_word(given);
  if (!word.ok()) return refuse(word.error());
  auto parsed = acme::parse_join_string(word->text());
  if (!parsed.ok()) return refuse(parsed.error());
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  Desk& open = **desk;
  auto joined = open.run(join(open.store(), open.sealer(), open.fetch(), *std::move(parsed)));
  if (!joined.ok()) return refuse(joined.error());
  std::printf("Joined %s\nRoot certificate SHA-256: %s\n", joined->directory_url.c_str(),
              to_hex(joined->server_roots.front().fingerprint()).c_str());
  if (!is_sealed(open.settings())) {
    std::printf(
        "Note: not sealed: the key of the vault (%s) lies beside the secrets that it seals. To keep it apart, move its "
        "content into a systemd credential and set vault.key in %s/agent.toml: see lenscap-agent.service.\n",
        open.settings().vault_key.c_str(), open.settings().state_dir.c_str());
  }
  std::printf("Next: lenscap-agent add ADDRESS --user USER --password-file FILE\n");
  return ExitCode::done;
}

}  // namespace

void add_join(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("join", "Join the ACME server that made the join string");
  command->footer(
      "Examples:\n  lenscap-agent join -            read the string from standard input, so that no process list shows "
      "it\n"
      "  lenscap-agent join lenscap1.eyJ...");
  auto given = std::make_shared<std::string>();
  command->add_option("STRING", *given, "what `lenscap-ca eab create --join` printed, or - for standard input")
      ->required();
  command->callback([&global, &outcome, given] { outcome = run(global, *given); });
}

}  // namespace lenscap::agent
