// lenscap-ca doctor: gathers what is to be known of this CA and machine, and says what wants attention.
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <filesystem>
#include <map>

#include "acme/server/audit_key.h"
#include "acme/server/backup_note.h"
#include "acme/server/ballast.h"
#include "acme/server/commands/commands.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/doctor.h"
#include "acme/server/ocsp_responder.h"
#include "acme/server/records/eab_keys.h"
#include "acme/server/records/meta.h"
#include "acme/server/server_certificate.h"
#include "base/file.h"
#include "base/text_table.h"
#include "ca/audit_break.h"
#include "ca/clock_mark.h"
#include "ca/crl_maker.h"
#include "ca/crl_places.h"
#include "ca/gap.h"
#include "ca/installed_issuers.h"
#include "ca/known_roots.h"
#include "ca/ledger_visits.h"
#include "ca/parent_rules.h"
#include "ca/pending_issuer.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

// Nothing where there is no such file.
void add_file(std::vector<Facts::File>& files, std::string const& path, bool secret, unsigned owner) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  files.push_back({path, status.st_mode & 07777, secret, status.st_uid == owner});
}

bool is_secret(std::filesystem::path const& path) {
  auto const name = path.filename().string();
  return path.extension() == ".key" || (is_left_over(name) && name.find(".key.") != std::string::npos);
}

// As far as it can be looked into: what is closed to this user, others say.
void add_all_below(std::vector<Facts::File>& files, std::string const& directory, unsigned owner) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator each(directory,
                                                     std::filesystem::directory_options::skip_permission_denied, error);
  for (; !error && each != std::filesystem::recursive_directory_iterator(); each.increment(error))
    add_file(files, each->path().string(), is_secret(each->path()), owner);
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
  add_all_below(files, line.state + "/keys", state.st_uid);
  add_all_below(files, line.state + "/issuers", state.st_uid);
  std::ranges::sort(files, {}, &Facts::File::path);
  return files;
}

// Of those that another has not taken the place of: they need nothing any more.
ca::InstalledIssuer const& first_to_end(std::vector<ca::InstalledIssuer> const& issuers, Time now) {
  auto const rules = ca::rules_of(issuers, {});
  auto const* first = &issuers[ca::default_at(rules, now)];
  for (std::size_t i = 0; i < issuers.size(); ++i)
    if (rules[i].retired_from > now && !rules[i].revoked_at &&
        issuers[i].chain.issuing.not_after() < first->chain.issuing.not_after())
      first = &issuers[i];
  return *first;
}

bool has_constrained_issuer(std::vector<ca::InstalledIssuer> const& issuers, Time now) {
  auto const rules = ca::rules_of(issuers, {});
  return std::any_of(rules.begin() + 1, rules.end(), [&](ca::IssuerRule const& rule) {
    return rule.constraints && state_at(rule, now) == ca::IssuerState::active;
  });
}

Result<> look_at_roots(CommandLine const& line, Settings const& settings, ca::KnownRoots const& known, Facts& facts) {
  if (lists_url(settings).empty()) return {};
  TRY(auto const lists, ca::load_root_crls(line.state, known));
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (facts.now >= known.roots[i].not_after()) continue;
    auto& list = facts.root_lists.emplace_back(Facts::RootList{known.roots[i].subject(), {}});
    if (lists[i]) list.made = Facts::Validity{lists[i]->this_update, lists[i]->next_update};
  }
  return {};
}

void look_at_issuers(std::vector<ca::InstalledIssuer> const& issuers, Facts& facts) {
  facts.is_any_active = false;
  for (auto const& rule : ca::rules_of(issuers, {})) {
    auto const state = state_at(rule, facts.now);
    facts.is_any_active = facts.is_any_active || state == ca::IssuerState::active;
    if (state == ca::IssuerState::revoked) facts.revoked.push_back(rule.name);
  }
}

// The certificates above bind whoever has the key as well as its own.
std::optional<x509::NameConstraints> constraints_of(ca::InstalledChain const& chain) {
  return ca::narrowed(ca::limits_of(chain.issuing, chain.above));
}

std::optional<Facts::Validity> validity_of(std::optional<ca::CertificateRecord> const& record) {
  if (!record) return std::nullopt;
  return Facts::Validity{record->not_before, record->not_after};
}

// The server's own are nobody's.
template <class Name>
std::optional<Facts::Validity> newest_own(store::ReadTxn& txn, Name const& name) {
  std::optional<ca::CertificateRecord> newest;
  ca::visit_by_name(txn, name, "", [&](ca::CertificateRecord const& record) {
    bool const is_own = record.subscriber.empty() && record.profile == ServerCertificate::kProfile;
    if (is_own && !ca::find_revocation(txn, record.serial_hex)) newest = record;
    return !newest;
  });
  return validity_of(newest);
}

std::optional<Facts::Validity> server_certificate(store::ReadTxn& txn, Urls const& urls) {
  if (urls.host_is_ip()) {
    auto const address = x509::IpAddress::parse(urls.host());
    return address ? newest_own(txn, *address) : std::nullopt;
  }
  auto const name = x509::DnsName::parse(urls.host());
  return name ? newest_own(txn, *name) : std::nullopt;
}

// Those of the settings, and those that certificates of another time name.
void add_lists(store::ReadTxn& txn, ca::InstalledIssuer const& installed, unsigned shards,
               std::vector<Facts::List>& lists) {
  auto const issuer = to_hex(installed.chain.issuing.subject_key_id());
  auto const whose = installed.name == ca::kDefaultIssuer ? std::string() : installed.name + " ";
  auto divisions = ca::crl_divisions(txn, issuer);
  bool const is_new = divisions.empty();
  if (std::ranges::find(divisions, shards) == divisions.end()) divisions.push_back(shards);
  for (auto const parts : divisions)
    for (unsigned part = 0; part < parts; ++part) {
      auto const scope = ca::crl_scope(parts, part);
      auto const state = ca::find_signed_crl(txn, issuer, scope);
      auto& list = lists.emplace_back(Facts::List{.scope = whose + scope, .made = {}, .is_of_new_issuer = is_new});
      if (state) list.made = Facts::Validity{state->this_update, state->next_update};
    }
}

// The one that ends first; nothing when an issuer has none.
std::optional<Facts::Validity> ocsp_signer(store::ReadTxn& txn, std::vector<ca::InstalledIssuer> const& issuers) {
  std::optional<Facts::Validity> first;
  for (auto const& each : issuers) {
    auto const serial = load_meta(txn, ocsp_signer_meta(to_hex(each.chain.issuing.subject_key_id())));
    auto const validity = serial ? validity_of(ca::find_by_serial(txn, *serial)) : std::nullopt;
    if (!validity) return std::nullopt;
    if (!first || validity->not_after < first->not_after) first = validity;
  }
  return first;
}

// One that is only published signs by itself when its day comes.
std::vector<Facts::Idle> idle_issuers(store::ReadTxn& txn, Settings const& settings,
                                      std::vector<ca::IssuerRule> const& rules, Time now) {
  std::map<std::string, std::vector<std::string>> named;
  if (!settings.eab_required && !settings.open_scope.issuer.empty())
    named[settings.open_scope.issuer].emplace_back("acme.open");
  visit_eab(txn, [&](EabRecord const& eab) {
    if (!eab.key.scope.issuer.empty() && !eab.key.revoked) named[eab.key.scope.issuer].push_back(eab.key.kid);
    return true;
  });
  std::vector<Facts::Idle> idle;
  for (auto const& [issuer, by] : named) {
    auto const heir = ca::find_heir(rules, issuer, now);
    if (heir && state_at(rules[*heir], now) == ca::IssuerState::published) continue;
    if (auto const able = ca::heir_at(rules, issuer, now); !able) idle.push_back({issuer, able.error().detail(), by});
  }
  return idle;
}

void look_into_store(store::ReadTxn& txn, Settings const& settings, std::vector<ca::InstalledIssuer> const& issuers,
                     Facts& facts) {
  facts.clock_mark = ca::clock_mark(txn);
  facts.gap = ca::find_gap(txn);
  if (auto const known = ca::find_audit_break(txn))
    facts.audit_fault = known->fault;
  else
    facts.audit_fault = ca::verify_audit_trail(txn, find_audit_key(txn)).fault;
  if (settings.crl.is_served)
    for (auto const& each : issuers) add_lists(txn, each, settings.crl.shards, facts.lists);
  facts.ocsp_is_served = settings.ocsp.is_served;
  facts.ocsp_signer = ocsp_signer(txn, issuers);
  facts.server_certificate = server_certificate(txn, settings.urls);
}

std::optional<bool> clock_is_kept() {
  struct timex clock {};
  if (::adjtimex(&clock) < 0) return std::nullopt;
  return (clock.status & STA_UNSYNC) == 0;
}

Result<Facts> gather(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  auto const& root = known.leader();
  TRY(auto const store, store::open_read_only(settings.store_url, line.state, settings.store_size_max));
  Facts facts;
  facts.now = SystemClock().now();
  facts.clock_is_kept = clock_is_kept();
  std::vector<ca::InstalledIssuer> living;  // whose lists and answers somebody may still want
  std::ranges::copy_if(issuers, std::back_inserter(living),
                       [&](auto const& each) { return facts.now <= each.chain.issuing.not_after(); });
  auto const rules = ca::rules_of(issuers, {});
  store->read([&](store::ReadTxn& txn) {
    look_into_store(txn, settings, living, facts);
    facts.idle = idle_issuers(txn, settings, rules, facts.now);
  });
  facts.root = {root.not_before(), root.not_after()};
  auto const& first = first_to_end(issuers, facts.now);
  facts.issuing = {first.chain.issuing.not_before(), first.chain.issuing.not_after()};
  if (first.name != ca::kDefaultIssuer) facts.issuer = first.name;
  facts.has_parent = first.chain.has_parent;
  facts.is_of_parent = first.is_of_parent();
  TRY(auto const pending, ca::load_pending(line.state));
  if (pending) facts.pending = pending->name;
  if (!facts.has_parent) CHECK_OK(look_at_roots(line, settings, known, facts));
  look_at_issuers(issuers, facts);
  // Below a parent each of the first issuer's line has a chain of its own, and the one that signs counts.
  auto const& ours = facts.has_parent ? ca::in_charge(issuers, facts.now) : issuers.front();
  auto const& own = ours.chain;
  auto const& above = own.above;
  for (std::size_t i = 0; i + 1 < above.size(); ++i)
    facts.between.push_back({above[i].subject(), {above[i].not_before(), above[i].not_after()}});
  facts.constraints = constraints_of(own);
  if (own.has_parent) facts.how_to_constrain = ca::how_to_constrain(own.issuing, own.above);
  facts.has_constrained_issuer = has_constrained_issuer(issuers, facts.now);
  for (auto const& each : living)
    if (each.name != ours.name) facts.further.push_back({each.name, constraints_of(each.chain)});
  for (std::size_t i = 0; i < known.roots.size(); ++i)
    facts.root_key_is_here = facts.root_key_is_here || file_exists(ca::root_directory(line.state, i) + "/root.key");
  facts.files = look_at_files(line);
  struct statvfs disk {};
  if (::statvfs(line.state.c_str(), &disk) != 0) return Error(Errc::file, line.state + ": " + std::strerror(errno));
  facts.space_min = settings.free_space_min;
  auto const usage = store->usage();
  facts.store_used = usage.used;
  facts.store_max = usage.used_max;
  facts.ballast = settings.ballast;
  facts.ballast_there = ballast_size(line.state);
  facts.ballast_file = ballast_file(line.state);
  facts.space_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  facts.passphrase = settings.ca_passphrase;
  constexpr std::string_view kFile = "file:";
  if (facts.passphrase.starts_with(kFile)) {
    auto const path = facts.passphrase.substr(kFile.size());
    facts.passphrase_is_beside = !path.starts_with("/") || lies_within(path, line.state);
    struct stat status {};
    if (path.starts_with("/") && ::stat(path.c_str(), &status) == 0)
      facts.files.push_back({.path = path, .mode = status.st_mode & 07777, .secret = true});
  }
  // A note that cannot be read is none: the back-up may be good, but nobody knows.
  if (auto const noted = last_backup(line.state)) facts.last_backup = *noted;
  return facts;
}

// What keeps it from looking is the first thing that wants attention.
Result<Facts> gather_or_say_why(CommandLine const& line) {
  try {
    return gather(line);
  } catch (store::Broken const& broken) {
    return Error(Errc::file, "the store cannot be read: " + std::string(broken.what()));
  }
}

std::vector<Diagnosis> nothing_to_be_seen(Error const& why) {
  return {{.check = "state",
           .severity = Severity::critical,
           .what = why.detail(),
           .to_do = "put this right first: nothing else could be looked at"}};
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

Result<ExitCode> run_doctor(CommandLine const& line) {
  auto const facts = gather_or_say_why(line);
  auto const all = facts ? examine(*facts) : nothing_to_be_seen(facts.error());
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
  doctor->callback([&line] { line.run = [&line] { return run_doctor(line); }; });
}

}  // namespace lenscap::acme
