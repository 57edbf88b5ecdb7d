// lenscap-ca issuer roll-over: an issuer that takes the place of another one at a later time. Below an own root, or the
// issuing certificate of this CA, it is made at once; of an issuer that a parent has certified, key and request are
// made, and wait (ca/pending_issuer.h) for issuer install.
#include "acme/server/commands/issuer_roll_over.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuer_making.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "base/file.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/further_issuer.h"
#include "ca/issuer_request.h"
#include "ca/key_holder.h"
#include "ca/pending_issuer.h"

namespace lenscap::acme {
namespace {

struct RollOverOptions {
  std::string of = ca::kDefaultIssuer;
  std::string after;  // empty: kPublished, and of one that is revoked at once
  IssuerKeyOptions keys;
};

constexpr Seconds kPublished = 7 * kDay;

// Clients of one that is revoked have nothing to wait for.
Result<Seconds> published_for(RollOverOptions const& options, ca::InstalledIssuer const& old) {
  if (options.after.empty()) return old.revoked_at ? Seconds(0) : kPublished;
  auto after = parse_duration(options.after);
  if (!after.ok()) return Error(Errc::usage, "--after: " + after.error().detail());
  return after;
}

// The old issuer signs until the new one begins. One that has ended is replaced at once.
Result<> check_begin(Time from, Time now, std::string const& name, Time ends) {
  if (from < ends || from == now) return {};
  if (now >= ends)
    return Error(Errc::usage, "--after: the issuer " + name + " ended at " + to_rfc3339(ends) +
                                  ", and nothing can be issued until another one signs: give 0s");
  return Error(Errc::usage, "--after: the issuer " + name + " ends at " + to_rfc3339(ends) +
                                ", and the new one would sign only after that: give a shorter time");
}

// --- of what the parent has certified ---

Result<> check_no_key_signs(IssuerKeyOptions const& options) {
  if (options.root.file.empty() && options.root.shares.empty() && options.issuing_key.empty()) return {};
  return Error(
      Errc::usage,
      "the parent of this CA signs the next issuing certificate, and no key of ours: leave --root-key, --share "
      "and --issuing-key out");
}

void print_pending(CommandLine const& line, ca::PendingIssuer const& pending, bool is_new) {
  if (line.wants_json()) {
    print_json({{"name", pending.name},
                {"replaces", pending.replaces},
                {"after", static_cast<std::int64_t>(pending.after.count())},
                {"is_new", is_new},
                {"request", pending.request}});
    return;
  }
  fmt::print("{}", pending.request);
  fmt::print(stderr,
             "{} {}, which waits for its certificate and signs nothing yet. It is to take the place of {}, {} days "
             "after it was installed.\n\n"
             "What to do next:\n"
             "  1. Make a back-up{}.\n"
             "  2. Have the parent sign this request (lenscap-ca issuer csr prints it again).\n"
             "  3. lenscap-ca issuer install CHAIN...    (what comes back, and all above it up to the same root)\n"
             "Until then all goes on as before. To give it up, move issuers/{}{} away.\n",
             is_new ? "Made the request of" : "There is a request already, and nothing was changed: that of",
             pending.name, pending.replaces, static_cast<double>(pending.after.count()) / kDay.count(),
             pending.token_key.empty() ? ": it holds the new key, too" : "; the key is in the token alone",
             pending.name, ca::kPendingSuffix);
}

Result<ExitCode> show_pending(CommandLine const& line, IssuerKeyOptions const& options,
                              ca::PendingIssuer const& pending) {
  if (!options.key.empty() && options.key != pending.token_key)
    return Error(Errc::conflict, "the issuer " + pending.name + " waits for its certificate, with another key: move " +
                                     ca::issuer_directory(line.state, pending.name) + std::string(ca::kPendingSuffix) +
                                     " away to begin anew");
  print_pending(line, pending, false);
  return ExitCode::done;
}

// It asks for what the first one asked for, under a name of its own.
Result<std::string> next_request(CommandLine const& line, Settings const& settings, IssuerKeyOptions const& options,
                                 NewKey const& key, int generation, SecretBytes const& passphrase) {
  TRY(auto const first, read_file(ca::request_file(line.state)));
  TRY(auto const usages, ca::requested_usages(first));
  TRY(auto const path_length, ca::requested_path_length(first));
  TRY(auto const constraints, permitted_by(settings));
  auto const name = ca::issuer_common_name(settings.ca_name, "", generation);
  CHECK_OK(ca::check_common_name(name));
  if (key.in_memory)
    return ca::make_issuer_request(*key.in_memory, settings.ca_name, constraints, usages, path_length, name);
  TRY(auto const holder, ca::open_key_holder(options.key, line.state, passphrase));
  auto const sign = [&](HashAlgorithm hash, ByteView data) { return holder->sign(hash, data); };
  return ca::make_issuer_request(key.public_key, sign, settings.ca_name, constraints, usages, path_length, name);
}

Result<ExitCode> ask_parent(CommandLine const& line, Settings const& settings, IssuerKeyOptions const& options,
                            std::vector<ca::InstalledIssuer> const& issuers, ca::PendingIssuer wanted, int generation) {
  CHECK_OK(check_kind_of_key(settings, options));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  // Where the signer has a user of its own, its keys are not here; signer split moves the new one to them, and looks at
  // the passphrase then.
  if (settings.signer.socket.empty()) CHECK_OK(ca::open_key_holder(settings.ca_key, line.state, passphrase));
  TRY(auto const key, new_key(line, options, passphrase));
  CHECK_OK(check_is_new(key.public_key, issuers));
  wanted.token_key = options.key;
  TRY(wanted.request, next_request(line, settings, options, key, generation, passphrase));
  CHECK_OK(ca::keep_pending(line.state, wanted, key.in_memory ? &*key.in_memory : nullptr, passphrase));
  print_pending(line, wanted, true);
  return ExitCode::done;
}

// --- of any ---

Result<ExitCode> roll_over(CommandLine const& line, RollOverOptions const& options) {
  CHECK_OK(check_restore_confirmed(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const of_line = ca::line_of(issuers, options.of);
  if (of_line.empty())
    return Error(Errc::usage, "there is no issuer " + options.of + "; lenscap-ca issuer list shows those that are");
  auto const now = SystemClock().now();
  auto const& old = *of_line.back();
  auto const& first = of_line.front()->name;
  auto const generation = static_cast<int>(of_line.size()) + 1;
  auto const name = first + "-" + std::to_string(generation);
  if (old.is_of_parent()) {
    CHECK_OK(check_no_key_signs(options.keys));
    TRY(auto const pending, ca::load_pending(line.state));
    if (pending) return show_pending(line, options.keys, *pending);
  }
  if (old.note.active_from && now < *old.note.active_from)
    return Error(Errc::conflict, "a roll-over is on its way: " + old.name + " signs from " +
                                     to_rfc3339(*old.note.active_from) + " on; roll over again after that");
  TRY(auto const after, published_for(options, old));
  if (old.is_of_parent()) return ask_parent(line, settings, options.keys, issuers, {name, old.name, after}, generation);
  auto const from = now + after;
  TRY(auto const known, ca::load_known_roots(line.state, issuers.front().chain.root()));
  auto const rules = ca::rules_of(ca::as_chains_lead(issuers, known), {});
  auto const& rule = rules[static_cast<std::size_t>(&old - issuers.data())];
  CHECK_OK(check_begin(from, now, old.name, rule.ends));
  auto const constraints = old.chain.issuing.name_constraints();
  if (!constraints) return Error(Errc::conflict, "the issuer " + old.name + " has no name constraints to go on with");
  WantedIssuer wanted{
      .name = name,
      .common_name = ca::issuer_common_name(settings.ca_name, first == ca::kDefaultIssuer ? "" : first, generation),
      .constraints = *constraints,
      .usages = rule.usages,
      .note = {.profiles = old.note.profiles, .active_from = from, .replaces = old.name}};
  TRY(auto const made, make_issuer(line, settings, options.keys, issuers, std::move(wanted), now));
  print_made(line, made, {}, !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

}  // namespace

void add_issuer_roll_over(CLI::App& issuer, CommandLine& line) {
  auto rolled = std::make_shared<RollOverOptions>();
  auto* roll = issuer.add_subcommand("roll-over", "Make an issuer that takes the place of another one at a later time");
  roll->add_option("--of", rolled->of, "The issuer that is replaced")->capture_default_str();
  roll->add_option(
      "--after", rolled->after,
      "How long the new one is published before it signs; default: 7d, and 0s where the old one is revoked");
  add_key_options(*roll, rolled->keys);
  roll->footer("Examples:\n  lenscap-ca issuer roll-over\n  lenscap-ca issuer roll-over --of plant4 --after 14d");
  roll->callback([&line, rolled] {
    line.run = [&line, rolled] {
      return on_record(line, "issuer roll-over", [&] { return roll_over(line, *rolled); });
    };
  });
}

}  // namespace lenscap::acme
