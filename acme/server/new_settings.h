// The ca.toml of a new CA, as `init` writes it: the chosen values, and the others as comments with their defaults.
// settings.h reads it.
#pragma once

#include <string>
#include <vector>

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

}  // namespace lenscap::acme
