// The ca.toml of a new CA, as `init` writes it: the chosen values, and the others as comments with their defaults; and
// what a command changes in it later, which leaves every other octet to whoever wrote it.
// settings.h reads it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "ca/name_rules.h"

namespace lenscap::acme {

struct NewSettings {
  std::string url, name;
  std::vector<std::string> listen, http, permit_dns, permit_ip;
  std::string key = "file:keys/issuing.key";
  std::string passphrase;
  bool is_intermediate = false;
  ca::NameRules name_rules = {};
};
std::string settings_text(NewSettings const& values);

// `text` with another value of ca.key. Errc::settings where that stands otherwise than as a line `key = "..."` of the
// table [ca]: then a person has to write it.
Result<std::string> settings_with_key(std::string const& text, std::string const& key);

}  // namespace lenscap::acme
