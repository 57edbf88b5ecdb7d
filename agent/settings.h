// agent.toml: what the operator decided for this agent. Every setting has a default; unknown keys are errors.
// Secrets are NOT here: they lie sealed in the store, under the key that `vault.key` names the source of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/time.h"

namespace lenscap::agent {

// Where the agent answers http-01.
struct ListenAt {
  std::string address;     // IPv4 or IPv6, without brackets
  std::uint16_t port = 0;  // 0: not at all
  bool operator==(ListenAt const&) const = default;
};

struct Settings {
  std::string state_dir;
  std::string site = "default";  // the column "Server" of the status table
  std::size_t parallel = limits::kDevicesInProgress;
  // Names that each device's certificate carries, besides its --name: "{ip}", "{hostname}.cams.example".
  std::vector<std::string> names = {"{ip}"};
  std::string profile = "camera-https";                      // asked for in orders; empty: the server's default
  std::string profile_names_from_order = "camera-https-cn";  // for devices whose CSR cannot carry the names
  std::string key_type;  // "EC-P256" or "RSA-2048", where the device has the choice; empty: the device's best
  ListenAt http_01;      // for names that the server wants proof of; port 0: the agent proves none
  std::string vault_key = "file:vault.key";  // see base/passphrase.h; a relative file lies in the state directory
  std::string store = "lmdb:db";
  // How long what a device serves may still be wrong after the switch, and how long it may be away.
  Seconds verify_for = limits::kVerifyServed;
  Seconds verify_while_away = limits::kVerifyServedWhileAway;

  bool operator==(Settings const&) const = default;

  std::string path(std::string const& name) const { return name.starts_with("/") ? name : state_dir + "/" + name; }
};

// The settings in `file`; when it is empty those in STATE/agent.toml, or the defaults when there is none either.
// Errc::settings with file, line and key; Errc::file.
Result<Settings> load_settings(std::string const& state_dir, std::string const& file = "");
Result<Settings> parse_settings(std::string_view text, std::string const& file_name, std::string const& state_dir);

}  // namespace lenscap::agent
