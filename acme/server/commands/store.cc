// lenscap-ca store verify: does the store keep its promises? Also beside the running service; changes nothing.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"
#include "acme/server/store_check.h"
#include "base/text_table.h"
#include "ca/installed_issuers.h"
#include "ca/ledger.h"
#include "ca/ledger_tables.h"
#include "ca/signing_ledger_check.h"

namespace lenscap::acme {
namespace {

// Of the store and the signer's ledger, where there is one.
constexpr Invariant kKnown{"S1", "the store and the signer's ledger agree on what was signed", nullptr};

constexpr std::size_t kShown = 20;  // findings of each invariant: enough to see what kind they are

json::Object to_json(std::vector<Checked> const& all, std::vector<ca::OpenIntent> const& open) {
  json::Array rows;
  std::size_t count = 0;
  for (auto const& checked : all) {
    json::Array findings;
    for (auto const& finding : checked.first)
      findings.emplace_back(json::Object{{"record", finding.record}, {"what", finding.what}, {"to_do", finding.to_do}});
    rows.emplace_back(json::Object{{"invariant", checked.invariant->name},
                                   {"promise", checked.invariant->promise},
                                   {"count", checked.count},
                                   {"findings", std::move(findings)}});
    count += checked.count;
  }
  json::Array intents;
  for (auto const& intent : open)
    intents.emplace_back(json::Object{{"serial", intent.serial_hex}, {"was_signed", intent.was_signed}});
  return {
      {"good", count == 0}, {"count", count}, {"invariants", std::move(rows)}, {"open_intents", std::move(intents)}};
}

void print(std::vector<Checked> const& all, std::vector<ca::OpenIntent> const& open) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& checked : all)
    rows.push_back({std::string(checked.invariant->name), std::string(checked.invariant->promise),
                    checked.count == 0 ? "kept" : fmt::format("broken: {}", checked.count)});
  fmt::print("{}", text_table({"Invariant", "Promise", "Found"}, rows));
  for (auto const& checked : all) {
    for (auto const& finding : checked.first)
      fmt::print("\n{}  {}\n    {}\n    What to do: {}\n", checked.invariant->name, finding.record, finding.what,
                 finding.to_do);
    if (checked.count > checked.first.size())
      fmt::print("\n{}  and {} more\n", checked.invariant->name, checked.count - checked.first.size());
  }
  for (auto const& intent : open)
    fmt::print("\nPossibly issued: {}, which {} by the signer's ledger\n", intent.serial_hex,
               intent.was_signed ? "was signed" : "was not signed");
}

Checked check_signer(store::Store& store, std::string const& ledger, Time now) {
  Checked checked{.invariant = &kKnown};
  auto const report = [&](ca::Finding finding) {
    if (checked.count++ < kShown) checked.first.push_back(std::move(finding));
  };
  auto const unknown = ca::find_unknown(store, ledger);
  if (!unknown) {
    report({"signer.ledger", unknown.error().detail(), "see docs/when-something-is-wrong.md"});
    return checked;
  }
  for (auto const& entry : *unknown)
    report({"signer.ledger/" + entry.serial_hex,
            "the signer signed it at " + to_rfc3339(entry.at) + ", and the store does not know it",
            "where the store was restored, it was issued since the back-up: revoke it (cert revoke --unknown) unless "
            "you know it; else somebody may have had the server in his hands: see docs/when-something-is-wrong.md"});
  auto const missing = ca::find_missing(store, ledger, now, kShown);
  if (!missing) {
    report({"signer.ledger", missing.error().detail(), "see docs/when-something-is-wrong.md"});
    return checked;
  }
  for (auto const& record : missing->first)
    report({std::string(ca::tables::kRecords.name) + "/" + record.serial_hex,
            "the store has it, recorded at " + to_rfc3339(record.recorded_at) + ", and the signer's ledger has not",
            "the ledger was cut, lost or put back, or the key was used past the signer: see "
            "docs/when-something-is-wrong.md"});
  checked.count += missing->count - missing->first.size();
  return checked;
}

Result<ExitCode> verify_store(CommandLine const& line, std::string const& ledger) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const store, store::open_read_only(settings.store_url, line.state));
  TRY(auto const issuers, ca::load_issuers(line.state));
  CheckedBy by{.now = SystemClock().now(),
               .crl_plan = settings.crl.plan,
               .issuers = {},
               .revokes_possibly_issued = settings.crl.revokes_possibly_issued};
  for (auto const& each : issuers) by.issuers.push_back(each.chain.issuing);
  std::vector<Checked> all;
  std::vector<ca::OpenIntent> open;
  Result<> form;
  store->read([&](store::ReadTxn& txn) {
    form = ca::check_form(txn);
    if (form) all = check_store(txn, by, kShown);
  });
  CHECK_OK(std::move(form));
  // Of a signer with a user of its own the ledger is not ours to read, unless somebody who may names it.
  if (!ledger.empty() || settings.signer.socket.empty()) {
    auto const file = ledger.empty() ? ca::signing_ledger_file(line.state) : ledger;
    all.push_back(check_signer(*store, file, by.now));
    if (auto found = ca::find_open_intents(*store, file)) open = *std::move(found);
  }
  if (line.wants_json())
    print_json(to_json(all, open));
  else
    print(all, open);
  return std::ranges::all_of(all, [](Checked const& checked) { return checked.count == 0; }) ? ExitCode::done
                                                                                             : ExitCode::attention;
}

}  // namespace

void add_store(CLI::App& app, CommandLine& line) {
  auto* store = app.add_subcommand("store", "The data behind the server");
  store->require_subcommand(1);
  auto* verified = store->add_subcommand(
      "verify", "Does it keep its promises? Looks at every record; also beside the running service");
  auto ledger = std::make_shared<std::string>();
  verified
      ->add_option("--signer-ledger", *ledger,
                   "The signer's ledger to compare with, where it is not in the state directory")
      ->check(CLI::ExistingFile);
  verified->footer(
      "Exit code 0: every promise is kept; 6: something is broken, and the text says what to do.\n"
      "Examples:\n  lenscap-ca store verify\n  lenscap-ca store verify --output json");
  verified->callback([&line, ledger] { line.run = [&line, ledger] { return verify_store(line, *ledger); }; });
}

}  // namespace lenscap::acme
