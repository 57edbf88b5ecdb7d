// The rules of the certificate store that SOAP and REST share: both show the same objects.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/camsim/device.h"

namespace lenscap::camsim {

bool is_served(State const& state, std::string_view alias);  // chosen for the web server
bool is_full(State const& state);
// Takes the certificate away; HTTPS breaks at its next start when it was the served one.
void erase_certificate(State& state, std::string_view alias);
void erase_ca(State& state, std::string_view alias);
// The keystore's entry, or nullptr.
std::optional<Keystore> find_keystore(State const& state, std::string_view id);

}  // namespace lenscap::camsim
