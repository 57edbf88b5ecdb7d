// What the commands share: settings, passphrase, the way to the store, printing.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "acme/server/admin.h"
#include "acme/server/commands/commands.h"
#include "acme/server/operations.h"
#include "acme/server/store_sealer.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "base/text_table.h"
#include "ca/ceremony.h"
#include "ca/installed_issuers.h"
#include "ca/known_roots.h"

namespace lenscap::acme {

Result<Settings> load_settings(CommandLine const& line) {
  auto const file = line.config_file();
  if (!file_exists(file))
    return Error(Errc::file,
                 file + " is missing; make the CA first (lenscap-ca init), or give its directory with --state");
  return load_settings(file, line.state);
}

Result<bool> has_store(CommandLine const& line, Settings const& settings) {
  constexpr std::string_view kLmdb = "lmdb:";
  if (!settings.store_url.starts_with(kLmdb)) return false;
  auto const store = std::filesystem::path(line.state) / settings.store_url.substr(kLmdb.size());
  TRY(auto const kind, kind_of((store / "data.mdb").string()));
  return kind != FileKind::nothing;
}

Result<SecretBytes> read_issuing_passphrase(Settings const& settings) {
  auto source = settings.ca_passphrase;
  constexpr std::string_view kFile = "file:";
  if (source.starts_with(kFile) && !source.substr(kFile.size()).starts_with("/"))
    source = std::string(kFile) + settings.state_dir + "/" + source.substr(kFile.size());
  bool const is_pin = settings.ca_key.starts_with("pkcs11:");
  TRY(auto passphrase,
      read_or_ask_passphrase(source, is_pin ? "PIN of the issuing key's token" : "passphrase of the issuing key"));
  return ca::first_line(passphrase);
}

namespace {

Result<std::vector<ca::IssuerRule>> installed_rules(CommandLine const& line, Settings const& settings) {
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  TRY(auto const further,
      ca::own_limits(issuers.front().chain, settings.permit_dns, settings.permit_ip, settings.name_rules));
  return ca::rules_of(issuers, further);
}

// Of whichever of the default's line signs now. A further issuer that cannot be read is no reason to refuse a
// revocation.
Result<std::vector<ca::NameLimit>> limits_of_default(CommandLine const& line, Settings const& settings,
                                                     ca::InstalledChain const& chain, Time now) {
  if (auto const rules = installed_rules(line, settings)) return (*rules)[ca::default_at(*rules, now)].limits;
  return ca::name_limits(chain, settings.permit_dns, settings.permit_ip, settings.name_rules);
}

Result<json::Object> run_on_store(CommandLine const& line, Settings const& settings, store::Store& store,
                                  Operation const& operation, json::Object const& arguments) {
  TRY(auto const chain, ca::load_chain(line.state));
  auto const now = SystemClock().now();
  TRY(auto const limits, limits_of_default(line, settings, chain, now));
  TRY(auto const roots, ca::load_known_roots(line.state, chain.root()));
  std::optional<Sealer> sealer;
  if (operation.needs_sealer) {
    TRY(auto const passphrase, read_issuing_passphrase(settings));
    TRY(auto opened, open_sealer(store, passphrase));
    sealer = std::move(opened);
  }
  OperationContext context{settings, store, sealer ? &*sealer : nullptr, roots.leader(), limits, now};
  context.actor = operator_by(::geteuid());
  context.issuers = [&]() { return installed_rules(line, settings); };
  return run_on_record(operation, context, arguments);
}

Result<json::Object> ask_server_or_store(CommandLine const& line, std::string_view name, Operation const& operation,
                                         json::Object const& arguments) {
  // A server that is just starting or ending has the store, and nobody is at its socket.
  constexpr std::chrono::seconds kPatience{15};
  constexpr std::chrono::milliseconds kPause{100};
  for (auto const until = std::chrono::steady_clock::now() + kPatience;;) {
    TRY(auto answer, ask_server(admin_socket_path(line.state), name, arguments));
    if (answer) return *std::move(answer);
    TRY(auto const settings, load_settings(line));
    auto const open = operation.writes ? store::open : store::open_read_only;
    auto const store = open(settings.store_url, line.state, settings.store_size_max);
    if (store) return run_on_store(line, settings, **store, operation, arguments);
    if (store.error().code() != Errc::conflict || std::chrono::steady_clock::now() >= until) return store.error();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

// A store that breaks is a refusal here: the command may have done something before that it has to tell of.
Result<json::Object> run_operation(CommandLine const& line, std::string_view operation, json::Object const& arguments) {
  auto const* row = find_operation(operation);
  if (row == nullptr) bug("a command without operation");
  try {
    return ask_server_or_store(line, operation, *row, arguments);
  } catch (store::Broken const& broken) {
    return Error(Errc::file, broken.what());
  }
}

void print_json(json::Object const& object) { fmt::print("{}", json::write_pretty(object)); }

std::string text_of(json::Value const* value) {
  if (value == nullptr || value->is_null()) return "-";
  if (auto const* text = value->as_string()) return text->empty() ? "-" : *text;
  if (auto const* array = value->as_array()) {
    std::string out;
    for (auto const& item : *array) out += (out.empty() ? "" : ", ") + text_of(&item);
    return out.empty() ? "-" : out;
  }
  return json::write(*value);
}

void print_table(json::Object const& object, std::string_view list, std::vector<Column> const& columns) {
  std::vector<std::string> header;
  header.reserve(columns.size());
  for (auto const& column : columns) header.push_back(column.title);
  std::vector<std::vector<std::string>> rows;
  if (auto const* value = object.find(list); value != nullptr && value->as_array() != nullptr)
    for (auto const& item : *value->as_array()) {
      auto& row = rows.emplace_back();
      for (auto const& column : columns)
        row.push_back(text_of(item.as_object() == nullptr ? nullptr : item.as_object()->find(column.member)));
    }
  fmt::print("{}", text_table(header, rows));
}

}  // namespace lenscap::acme
