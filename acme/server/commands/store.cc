// lenscap-ca store verify: does the store keep its promises? Also beside the running service; changes nothing.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"
#include "acme/server/store_check.h"
#include "base/text_table.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kShown = 20;  // findings of each invariant: enough to see what kind they are

json::Object to_json(std::vector<Checked> const& all) {
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
  return {{"good", count == 0}, {"count", count}, {"invariants", std::move(rows)}};
}

void print(std::vector<Checked> const& all) {
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
}

Result<ExitCode> verify(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const store, store::open_read_only(settings.store_url, line.state));
  auto const now = SystemClock().now();
  std::vector<Checked> all;
  Result<> form;
  store->read([&](store::ReadTxn& txn) {
    form = ca::check_form(txn);
    if (form) all = check_store(txn, now, kShown);
  });
  CHECK_OK(std::move(form));
  if (line.wants_json())
    print_json(to_json(all));
  else
    print(all);
  return std::ranges::all_of(all, [](Checked const& checked) { return checked.count == 0; }) ? ExitCode::done
                                                                                             : ExitCode::attention;
}

}  // namespace

void add_store(CLI::App& app, CommandLine& line) {
  auto* store = app.add_subcommand("store", "The data behind the server");
  store->require_subcommand(1);
  auto* verified = store->add_subcommand(
      "verify", "Does it keep its promises? Looks at every record; also beside the running service");
  verified->footer(
      "Exit code 0: every promise is kept; 6: something is broken, and the text says what to do.\n"
      "Examples:\n  lenscap-ca store verify\n  lenscap-ca store verify --output json");
  verified->callback([&line] { line.run = [&line] { return verify(line); }; });
}

}  // namespace lenscap::acme
