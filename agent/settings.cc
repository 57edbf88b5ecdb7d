#include "agent/settings.h"

#include "agent/names.h"
#include "base/config.h"
#include "base/file.h"

namespace lenscap::agent {
namespace {

// What is served may take a while after a switch, but an operator waits for the end of it.
constexpr Seconds kVerifyMin{1};
constexpr Seconds kVerifyMax = kHour;

Seconds patience(config::Reader& reader, std::string_view path, Seconds fallback) {
  Seconds const given = reader.duration(path, fallback);
  if (given < kVerifyMin || given > kVerifyMax) reader.refuse(path, "must be from 1s to 1h");
  return given;
}

Result<Settings> from_reader(config::Reader reader, std::string const& state_dir) {
  Settings settings;
  settings.state_dir = state_dir;
  settings.site = reader.string("site.name", settings.site);
  settings.parallel =
      static_cast<std::size_t>(reader.integer("site.parallel", static_cast<std::int64_t>(settings.parallel), 1, 256));
  settings.names = reader.strings("devices.names", settings.names);
  if (auto const fine = check_name_templates(settings.names); !fine.ok())
    reader.refuse("devices.names", fine.error().detail());
  settings.profile = reader.string("devices.profile", settings.profile);
  settings.profile_names_from_order =
      reader.string("devices.profile_names_from_order", settings.profile_names_from_order);
  settings.verify_for = patience(reader, "devices.verify_for", settings.verify_for);
  settings.verify_while_away = patience(reader, "devices.verify_while_away", settings.verify_while_away);
  settings.vault_key = reader.string("vault.key", settings.vault_key);
  settings.store = reader.string("store.url", settings.store);
  CHECK_OK(reader.finish());
  return settings;
}

}  // namespace

Result<Settings> load_settings(std::string const& state_dir, std::string const& file) {
  std::string const usual = state_dir + "/agent.toml";
  if (file.empty() && !file_exists(usual)) return parse_settings("", usual, state_dir);
  TRY(auto reader, config::Reader::load(file.empty() ? usual : file));
  return from_reader(std::move(reader), state_dir);
}

Result<Settings> parse_settings(std::string_view text, std::string const& file_name, std::string const& state_dir) {
  TRY(auto reader, config::Reader::parse(text, file_name));
  return from_reader(std::move(reader), state_dir);
}

}  // namespace lenscap::agent
