// lenscap-ca doctor: gathers what is to be known of this CA and machine, and says what wants attention.
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "acme/server/backup_note.h"
#include "acme/server/commands/commands.h"
#include "acme/server/doctor.h"
#include "base/file.h"
#include "base/text_table.h"
#include "ca/installed_issuers.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

// Nothing where there is no such file.
void add_file(std::vector<Facts::File>& files, std::string const& path, bool secret, unsigned owner) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  files.push_back({path, status.st_mode & 07777, secret, status.st_uid == owner});
}

std::vector<Facts::File> look_at_files(CommandLine const& line) {
  std::vector<Facts::File> files;
  struct stat state {};
  if (::stat(line.state.c_str(), &state) != 0) return files;
  add_file(files, line.state, false, state.st_uid);
  add_file(files, line.config_file(), false, state.st_uid);
  add_file(files, line.state + "/profiles", false, state.st_uid);
  add_file(files, line.state + "/db", true, state.st_uid);
  add_file(files, line.state + "/db/data.mdb", true, state.st_uid);
  add_file(files, line.state + "/keys", false, state.st_uid);
  std::error_code ignored;
  for (auto const& entry : std::filesystem::directory_iterator(line.state + "/keys", ignored))
    add_file(files, entry.path().string(), entry.path().extension() == ".key", state.st_uid);
  for (auto const& entry : std::filesystem::recursive_directory_iterator(line.state + "/issuers", ignored))
    add_file(files, entry.path().string(), entry.path().extension() == ".key", state.st_uid);
  std::ranges::sort(files, {}, &Facts::File::path);
  return files;
}

// Of those that another has not taken the place of: they need nothing any more.
x509::Certificate const& first_to_end(std::vector<ca::InstalledIssuer> const& issuers, Time now) {
  auto const rules = ca::rules_of(issuers, {});
  auto const* first = &issuers[ca::default_at(rules, now)].chain.issuing;
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    auto const& issuing = issuers[i].chain.issuing;
    if (rules[i].retired_from > now && issuing.not_after() < first->not_after()) first = &issuing;
  }
  return *first;
}

Result<Facts> gather(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const& root = issuers.front().chain.root();
  TRY(auto const store, store::open_read_only(settings.store_url, line.state));
  Facts facts;
  facts.now = SystemClock().now();
  store->read([&](store::ReadTxn& txn) { facts.clock_mark = ca::clock_mark(txn); });
  facts.root = {root.not_before(), root.not_after()};
  auto const& first = first_to_end(issuers, facts.now);
  facts.issuing = {first.not_before(), first.not_after()};
  facts.constraints = issuers.front().chain.issuing.name_constraints();
  facts.root_key_is_here = file_exists(line.state + "/keys/root.key");
  facts.files = look_at_files(line);
  struct statvfs disk {};
  if (::statvfs(line.state.c_str(), &disk) != 0) return Error(Errc::file, line.state + ": " + std::strerror(errno));
  facts.space_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  facts.passphrase = settings.ca_passphrase;
  constexpr std::string_view kFile = "file:";
  if (facts.passphrase.starts_with(kFile)) {
    auto const path = facts.passphrase.substr(kFile.size());
    facts.passphrase_is_beside = !path.starts_with("/") || lies_within(path, line.state);
  }
  TRY(facts.last_backup, last_backup(line.state));
  return facts;
}

json::Object to_json(std::vector<Diagnosis> const& all) {
  json::Array rows;
  for (auto const& diagnosis : all)
    rows.emplace_back(json::Object{{"check", diagnosis.check},
                                   {"severity", to_string(diagnosis.severity)},
                                   {"what", diagnosis.what},
                                   {"to_do", diagnosis.to_do}});
  return {{"worst", to_string(worst_of(all))}, {"checks", std::move(rows)}};
}

void print(std::vector<Diagnosis> const& all) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& diagnosis : all)
    rows.push_back({std::string(diagnosis.check), std::string(to_string(diagnosis.severity)), diagnosis.what});
  fmt::print("{}", text_table({"Check", "Severity", "Found"}, rows));
  for (auto const& diagnosis : all)
    if (diagnosis.severity != Severity::good) fmt::print("\n{}: {}\n", diagnosis.check, diagnosis.to_do);
}

ExitCode code_of(Severity worst) {
  switch (worst) {
    case Severity::good:
    case Severity::advice:
      return ExitCode::done;
    case Severity::warning:
      return ExitCode::attention;
    case Severity::critical:
      return ExitCode::refused;
  }
  bug("unknown Severity");
}

Result<ExitCode> run(CommandLine const& line) {
  TRY(auto const facts, gather(line));
  auto const all = examine(facts);
  if (line.wants_json())
    print_json(to_json(all));
  else
    print(all);
  return code_of(worst_of(all));
}

}  // namespace

void add_doctor(CLI::App& app, CommandLine& line) {
  auto* doctor = app.add_subcommand("doctor", "What wants attention before it is too late: run it each day");
  doctor->footer(
      "Exit code 0: all is good, or advice at most; 6: a warning; 5: something is critical.\n"
      "Examples:\n  lenscap-ca doctor\n  lenscap-ca doctor --output json");
  doctor->callback([&line] { line.run = [&line] { return run(line); }; });
}

}  // namespace lenscap::acme
