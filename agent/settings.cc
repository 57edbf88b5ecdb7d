#include "agent/settings.h"

#include <array>
#include <utility>

#include "agent/endpoint.h"
#include "agent/names.h"
#include "base/config.h"
#include "base/file.h"
#include "base/x509/name.h"

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

// As the settings spell it, and as devices do.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kKeyTypes = {{
    {"ec-p256", "EC-P256"},
    {"rsa-2048", "RSA-2048"},
}};

std::string key_type(config::Reader& reader) {
  std::string const given = reader.string("devices.key_type", "");
  for (auto const& [ours, theirs] : kKeyTypes)
    if (given == ours) return std::string(theirs);
  if (!given.empty()) reader.refuse("devices.key_type", "must be \"ec-p256\" or \"rsa-2048\"");
  return {};
}

// "0.0.0.0:80", "[::]:80": an address of this machine, and the port.
ListenAt listen_at(config::Reader& reader, std::string_view path) {
  std::string const text = reader.string(path, "");
  if (text.empty()) return {};
  auto const endpoint = parse_endpoint(text);
  if (endpoint.ok() && x509::IpAddress::parse(endpoint->address).ok() &&
      text == with_port(endpoint->address, endpoint->https_port))
    return {endpoint->address, endpoint->https_port};
  reader.refuse(path, "must be an address and a port, such as \"0.0.0.0:80\" or \"[::]:80\"");
  return {};
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
  settings.key_type = key_type(reader);
  settings.verify_for = patience(reader, "devices.verify_for", settings.verify_for);
  settings.verify_while_away = patience(reader, "devices.verify_while_away", settings.verify_while_away);
  settings.http_01 = listen_at(reader, "http_01.listen");
  settings.vault_key = reader.string("vault.key", settings.vault_key);
  settings.store = reader.string("store.url", settings.store);
  CHECK_OK(reader.finish());
  return settings;
}

}  // namespace

Result<Settings> load_settings(std::string const& state_dir, std::string const& file) {
  if (file.empty()) {
    std::string const usual = state_dir + "/agent.toml";
    TRY(auto const text, read_file_if_there(usual));
    return parse_settings(text.value_or(""), usual, state_dir);
  }
  TRY(auto reader, config::Reader::load(file));
  return from_reader(std::move(reader), state_dir);
}

Result<Settings> parse_settings(std::string_view text, std::string const& file_name, std::string const& state_dir) {
  TRY(auto reader, config::Reader::parse(text, file_name));
  return from_reader(std::move(reader), state_dir);
}

}  // namespace lenscap::agent
