// lenscap-agent join STRING: become the agent of one ACME server.
#include <CLI/CLI.hpp>
#include <algorithm>
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

ExitCode run_join(Global const& global, std::string const& given, JoinMode mode) {
  auto word = read_word(given);
  if (!word.ok()) return refuse(word.error());
  auto parsed = acme::parse_join_string(word->text());
  if (!parsed.ok()) return refuse(parsed.error());
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  Desk& open = **desk;
  auto joined = open.run(join(open.store(), open.sealer(), open.fetch(), *std::move(parsed), mode));
  if (!joined.ok()) return refuse(joined.error());
  std::size_t to_move = 0;
  open.store().read([&](store::ReadTxn& txn) {
    auto const devices = all_devices(txn);
    to_move = static_cast<std::size_t>(
        std::ranges::count_if(devices, [](Device const& device) { return !device.moves_from.empty(); }));
  });
  if (global.json()) {
    json::Object const whole{{"v", 1},
                             {"server", joined->directory_url},
                             {"root_sha256", to_hex(joined->server_roots.front().fingerprint())},
                             {"sealed", is_sealed(open.settings())},
                             {"to_move", to_move}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
    return ExitCode::done;
  }
  std::printf("Joined %s\nRoot certificate SHA-256: %s\n", joined->directory_url.c_str(),
              to_hex(joined->server_roots.front().fingerprint()).c_str());
  if (!is_sealed(open.settings())) {
    std::printf(
        "Note: not sealed: the key of the vault (%s) lies beside the secrets that it seals. To keep it apart, move its "
        "content into a systemd credential and set vault.key in %s/agent.toml: see lenscap-agent.service.\n",
        open.settings().vault_key.c_str(), open.settings().state_dir.c_str());
  }
  if (to_move != 0)
    std::printf(
        "%zu cameras have certificates of the former server. They keep them until each has one of this server; the "
        "service does that by itself, or you do now: lenscap-agent enroll --all. lenscap-agent status says who is "
        "moved.\n",
        to_move);
  else
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
  auto replace = std::make_shared<bool>(false);
  command->add_flag(
      "--replace", *replace,
      "leave the server that this agent belongs to, keep cameras and passwords, and move the cameras over");
  command->callback([&global, &outcome, given, replace] {
    outcome = run_join(global, *given, *replace ? JoinMode::replace : JoinMode::first);
  });
}

}  // namespace lenscap::agent
