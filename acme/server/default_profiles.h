// The certificate profiles of conf/profiles, built in so that `init` can write them into a new state directory.
#pragma once

#include <span>
#include <string_view>

namespace lenscap::acme {

struct DefaultProfile {
  std::string_view name;  // the file is NAME.toml
  std::string_view text;
};
std::span<DefaultProfile const> default_profiles();

}  // namespace lenscap::acme
