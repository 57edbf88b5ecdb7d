#include "tests/camsim/certificate_store.h"

#include <algorithm>

namespace lenscap::camsim {

bool is_served(State const& state, std::string_view alias) {
  return state.tls.enabled && state.tls.certificate_id() == alias;
}

bool is_full(State const& state) {
  return state.certificates.size() >= static_cast<std::size_t>(state.switches.max_certificates);
}

void erase_certificate(State& state, std::string_view alias) {
  std::erase_if(state.certificates, [&](StoredCertificate const& c) { return c.alias == alias; });
}

void erase_ca(State& state, std::string_view alias) {
  std::erase_if(state.ca_certificates, [&](CaCertificate const& c) { return c.alias == alias; });
}

std::optional<Keystore> find_keystore(State const& state, std::string_view id) {
  for (Keystore const& keystore : state.keystores())
    if (keystore.id == id) return keystore;
  return std::nullopt;
}

}  // namespace lenscap::camsim
