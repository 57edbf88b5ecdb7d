// lenscap-ca root roll-over|status: another root, which the one before it vouches for, and who trusts it already. The
// server takes it at its next start or reload. Three steps, which a person walks at the pace of those who have to trust
// it: the next root, issuers below it (issuer roll-over), and chains that lead to it.
#include "acme/server/commands/root_roll_over.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/commands/root_key.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"
#include "ca/known_roots.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

struct RollOverOptions {
  RootKeyOptions former;
  std::string new_passphrase_file;
  bool lead = false;
};

Result<ca::KnownRoots> load_own_roots(CommandLine const& line) {
  TRY(auto const chain, ca::load_chain(line.state));
  if (chain.has_parent)
    return Error(Errc::conflict,
                 "the root of this CA is its parent's, who alone can replace it: when that has happened, install the "
                 "new chain with lenscap-ca issuer install");
  return ca::load_known_roots(line.state, chain.root());
}

// --- roll-over ---

constexpr char const* kSplit =
    "The signer has a user of its own: run lenscap-ca signer split and start it anew, before the server.\n";

Result<ExitCode> make_next(CommandLine const& line, RollOverOptions const& options) {
  CHECK_OK(check_restore_confirmed(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const roots, load_own_roots(line));
  if (roots.has_next() && !roots.leads_to_newest())
    return Error(Errc::conflict, "a roll-over to " + roots.newest().subject() +
                                     " is on its way; end it with root roll-over --lead, or see root status");
  TRY(auto const former_key, open_root_key(line, roots, options.former));
  auto const now = SystemClock().now();
  TRY(auto const next, ca::make_next_root(settings.ca_name, roots.newest(), former_key, now, lists_url(settings)));
  TRY(auto const fresh, new_root_passphrase(settings, options.new_passphrase_file));
  // The former root's key may not come to hand again soon.
  TRY(auto const list, ca::NextRootCrl::make(line.state, roots, roots.roots.size() - 1, former_key, {}, {}, now));
  auto const renew = [&] { return list.put_in_place(); };
  TRY(auto const directory, ca::keep_next_root(line.state, roots, next, fresh, renew));
  if (line.wants_json()) {
    print_json({{"subject", next.root.subject()},
                {"sha256", to_hex(next.root.fingerprint())},
                {"not_after", to_rfc3339(next.root.not_after())},
                {"directory", directory}});
    return ExitCode::done;
  }
  fmt::print(
      "Made      {}\n          {}\nValid to  {}\nIn        {}\n\n"
      "From its next start or reload on the server offers it to agents, which trust it on the word of {}.\n"
      "Then: lenscap-ca issuer roll-over makes issuers below it, root status says who trusts it, and when all do,\n"
      "root roll-over --lead lets chains lead to it. Back-ups never hold a root's key: root seal moves it away.\n",
      next.root.subject(), ca::fingerprint_text(next.root), to_rfc3339(next.root.not_after()), directory,
      roots.newest().subject());
  if (!settings.signer.socket.empty()) fmt::print("{}", kSplit);
  return ExitCode::done;
}

Result<ExitCode> lead(CommandLine const& line) {
  CHECK_OK(check_restore_confirmed(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const roots, load_own_roots(line));
  CHECK_OK(ca::lead_to_newest(line.state, roots, SystemClock().now()));
  if (line.wants_json()) {
    print_json({{"subject", roots.newest().subject()}, {"sha256", to_hex(roots.newest().fingerprint())}});
    return ExitCode::done;
  }
  fmt::print(
      "From the next start or reload of the server on, chains lead to {}.\n"
      "Whoever trusts the former root alone gets a chain by Link: rel=\"alternate\", and nothing else.\n",
      roots.newest().subject());
  if (!settings.signer.socket.empty()) fmt::print("{}", kSplit);
  return ExitCode::done;
}

// --- status ---

Result<ExitCode> status(CommandLine const& line) {
  TRY(auto const found, run_operation(line, "root.status", {}));
  if (line.wants_json()) {
    print_json(found);
    return ExitCode::done;
  }
  print_table(found, "roots",
              {{"Root", "subject"},
               {"SHA-256", "sha256"},
               {"Valid to", "not_after"},
               {"Chains", "chains"},
               {"Trusted by", "trusted_by"}});
  fmt::print("\n{} accounts, of which {} never said what they trust: clients of other make do not.\n",
             text_of(found.find("accounts")), text_of(found.find("silent")));
  auto const* lacking = found.find("lacking");
  if (lacking == nullptr || lacking->as_array() == nullptr || lacking->as_array()->empty()) return ExitCode::done;
  fmt::print("\nStill without the newest root: {}\n", text_of(found.find("without_newest")));
  print_table(found, "lacking", {{"Account", "account"}, {"EAB key", "eab"}, {"Said at", "said_at"}});
  auto const shown = std::to_string(lacking->as_array()->size());
  if (auto const all = text_of(found.find("without_newest")); all != shown)
    fmt::print("These are the first {}; the others: account list --output json.\n", shown);
  return ExitCode::done;
}

}  // namespace

void add_root_roll_over(CLI::App& root, CommandLine& line) {
  auto options = std::make_shared<RollOverOptions>();
  auto* rolled = root.add_subcommand("roll-over", "Make the root that follows this one; each vouches for the other");
  add_root_key_options(*rolled, options->former);
  rolled->add_option("--new-passphrase-file", options->new_passphrase_file,
                     "File with the new root key's passphrase; without it you are asked");
  rolled->add_flag("--lead", options->lead, "Make nothing: chains are to lead to the newest root from now on");
  rolled->footer(
      "Examples:\n  lenscap-ca root roll-over --root-key /media/usb/root.key\n  lenscap-ca root roll-over --lead");
  rolled->callback([&line, options] {
    line.run = [&line, options] {
      return on_record(line, "root roll-over", [&] { return options->lead ? lead(line) : make_next(line, *options); });
    };
  });

  auto* shown = root.add_subcommand("status", "The roots, and which accounts trust the newest");
  shown->footer("Examples:\n  lenscap-ca root status\n  lenscap-ca root status --output json");
  shown->callback([&line] { line.run = [&line] { return status(line); }; });
}

}  // namespace lenscap::acme
