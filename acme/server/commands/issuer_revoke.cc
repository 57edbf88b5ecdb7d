// lenscap-ca issuer revoke: an issuing certificate of our own root on that root's list. It takes the root's key, and a
// server hears of it at its next start or reload; the audit trail does at once.
#include "acme/server/commands/issuer_revoke.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/on_record.h"
#include "acme/server/commands/root_crl.h"
#include "ca/installed_issuers.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

struct RevokeIssuerOptions {
  std::string name;
  std::string reason = "keyCompromise";
  bool dry_run = false;
  RootKeyOptions root;
};

// What may stand beside an issuer in a list: a thief is the usual reason, and "on hold" is none that ends.
constexpr x509::RevocationReason kReasons[] = {
    x509::RevocationReason::key_compromise,         x509::RevocationReason::ca_compromise,
    x509::RevocationReason::affiliation_changed,    x509::RevocationReason::superseded,
    x509::RevocationReason::cessation_of_operation, x509::RevocationReason::privilege_withdrawn,
};

Result<x509::RevocationReason> reason_of(RevokeIssuerOptions const& options) {
  TRY(auto const reason, x509::parse_revocation_reason(options.reason));
  if (std::ranges::find(kReasons, reason) != std::end(kReasons)) return reason;
  return Error(Errc::bad_revocation_reason, "an issuer cannot be revoked for " + options.reason);
}

struct Plan {
  ca::InstalledIssuer issuer;
  x509::RevocationReason reason;
  std::size_t root;                      // whose key has signed it, and signs the list
  std::vector<std::string> that_remain;  // issuers that sign afterwards
};

Result<Plan> plan_of(CommandLine const& line, RevokeIssuerOptions const& options, ca::KnownRoots const& roots,
                     Time now) {
  TRY(auto const reason, reason_of(options));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const found = std::ranges::find(issuers, options.name, &ca::InstalledIssuer::name);
  if (found == issuers.end())
    return Error(Errc::usage, "there is no issuer " + options.name + "; lenscap-ca issuer list shows those that are");
  if (found->revoked_at)
    return Error(Errc::already_revoked,
                 "the issuer " + options.name + " is revoked since " + to_rfc3339(*found->revoked_at));
  auto const root = ca::root_that_signed(roots, found->chain.issuing);
  if (!root) return Error(Errc::settings, "no root of this CA has signed the issuer " + options.name);
  Plan plan{*found, reason, *root, {}};
  for (auto const& rule : ca::rules_of(ca::as_chains_lead(issuers, roots), {}))
    if (rule.name != options.name && state_at(rule, now) == ca::IssuerState::active)
      plan.that_remain.push_back(rule.name);
  return plan;
}

// --- telling ---

std::string comma_joined(std::vector<std::string> const& all) {
  std::string text;
  for (auto const& each : all) text += (text.empty() ? "" : ", ") + each;
  return text;
}

json::Object to_json(Plan const& plan, ca::KnownRoots const& roots) {
  return {{"issuer", plan.issuer.name},
          {"serial", plan.issuer.chain.issuing.serial_hex()},
          {"subject", plan.issuer.chain.issuing.subject()},
          {"root", roots.roots[plan.root].subject()},
          {"reason", x509::to_string(plan.reason)},
          {"that_remain", json::Value::strings(plan.that_remain)}};
}

std::string how_to_replace(std::string const& name) {
  return "lenscap-ca issuer roll-over" + (name == ca::kDefaultIssuer ? "" : " --of " + name);
}

void print_plan(Plan const& plan, ca::KnownRoots const& roots) {
  fmt::print("Issuer    {}, {}\nSerial    {}\nReason    {}\nBy        the list of {}\nRemain    {}\n", plan.issuer.name,
             plan.issuer.chain.issuing.subject(), plan.issuer.chain.issuing.serial_hex(), x509::to_string(plan.reason),
             roots.roots[plan.root].subject(),
             plan.that_remain.empty() ? "none that signs" : comma_joined(plan.that_remain));
}

void print_next_steps(Plan const& plan, bool has_signer_of_its_own) {
  fmt::print("\nWhat to do next:\n");
  if (has_signer_of_its_own)
    fmt::print("  - lenscap-ca signer split, and start the signer anew: the server follows.\n");
  else
    fmt::print("  - Reload the server: from then on the issuer signs no certificates, and agents are told to renew.\n");
  fmt::print("  - Its cameras need certificates of another issuer: {} makes one{}.\n", how_to_replace(plan.issuer.name),
             plan.that_remain.empty() ? ", and until then orders get 503" : "");
  fmt::print(
      "  - Make a back-up: it has the list.\n"
      "  - Browsers look at no list of a root of your own: docs/when-a-key-is-stolen.md says for whom this is "
      "enough.\n");
}

// --- revoking ---

Result<ExitCode> revoke_issuer(CommandLine const& line, RevokeIssuerOptions const& options) {
  TRY(auto const settings, load_settings(line));
  auto const now = SystemClock().now();
  TRY(auto const roots, load_listed_roots(line));
  TRY(auto const plan, plan_of(line, options, roots, now));
  auto object = to_json(plan, roots);
  if (options.dry_run) {
    object.set("dry_run", true);
    if (line.wants_json())
      print_json(object);
    else
      print_plan(plan, roots);
    return ExitCode::done;
  }
  TRY(auto const opened, open_key_of_root(line, roots, options.root, plan.root));
  std::vector<ca::RootRevocation> const more{{plan.issuer.chain.issuing.serial_hex(), plan.reason}};
  TRY(auto const next, ca::NextRootCrl::make(line.state, roots, plan.root, opened.key, more, {}, now));
  CHECK_OK(next.put_in_place());
  auto const& list = next.list();
  // Done is done: the trail has it from the next start on, if it is not to be had now.
  auto const noted = run_operation(line, "issuer.note_revocation", {{"issuer", plan.issuer.name}});
  if (!noted)
    fmt::print(stderr, "warning: it is revoked, and the audit trail does not say who did it: {}\n",
               noted.error().detail());
  if (line.wants_json()) {
    object.set("number", static_cast<std::int64_t>(list.number));
    object.set("next_update", to_rfc3339(list.next_update));
    object.set("file", next.file());
    print_json(object);
  } else {
    print_plan(plan, roots);
    fmt::print("List      number {}, good until {}, in {}\n", list.number, to_rfc3339(list.next_update), next.file());
    print_next_steps(plan, !settings.signer.socket.empty());
  }
  return noted ? ExitCode::done : ExitCode::attention;
}

}  // namespace

void add_issuer_revoke(CLI::App& issuer, CommandLine& line) {
  auto options = std::make_shared<RevokeIssuerOptions>();
  auto* revoked = issuer.add_subcommand("revoke", "Put an issuer on its root's revocation list, for good");
  revoked->add_option("NAME", options->name, "The issuer, as issuer list shows it; the first one is \"default\"")
      ->required();
  revoked
      ->add_option("--reason", options->reason,
                   "keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation or "
                   "privilegeWithdrawn")
      ->capture_default_str();
  revoked->add_flag("--dry-run", options->dry_run, "Say what it would be, and who signs then; no key is needed");
  add_root_key_options(*revoked, options->root);
  revoked->footer(
      "Examples:\n"
      "  lenscap-ca issuer revoke default --dry-run\n"
      "  lenscap-ca issuer revoke plant4 --root-key /media/usb/root.key\n"
      "  lenscap-ca issuer revoke dot1x --reason cessationOfOperation --root-key /media/usb/root.key");
  revoked->callback([&line, options] {
    line.run = [&line, options] {
      return on_record(line, "issuer revoke", [&] { return revoke_issuer(line, *options); });
    };
  });
}

}  // namespace lenscap::acme
