// The state in which a camera leaves the factory, and the way back to it.
#include "tests/camsim/certificates.h"
#include "tests/camsim/device.h"
#include "tests/camsim/device_pki.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr long long kDaySeconds = 86'400;
// Cameras with a web server key of their own; with more cameras than this, some share one.
constexpr std::size_t kWebServerKeys = 16;
constexpr std::size_t kIdentityKeys = 1;  // RSA identities are listed, never served
constexpr std::string_view kFactoryAlias = "Default(self-signed)";
constexpr long long kTenYearsSeconds = 10LL * 365 * 86'400;
constexpr std::array<std::string_view, 16> kCertSetNames{"EAPTLS_WIRED",
                                                         "EAPTLS_WIRED_SERVER",
                                                         "EAPTLS_WIFI",
                                                         "EAPPEAP_MSCHAPV2_WIFI",
                                                         "EAPPEAP_MSCHAPV2_WIRED",
                                                         "AUDIOSITE",
                                                         "MediaPlayerClient",
                                                         "NTS",
                                                         "AVHS",
                                                         "SIP",
                                                         "Streaming_RTSPS",
                                                         "RemoteSyslog",
                                                         "StreamingMediaClient",
                                                         "StreamingDeviceEventClient",
                                                         "mqtt_client",
                                                         "O3C"};

}  // namespace

StoredCertificate Device::make_factory_certificate(KeyRef key) {
  if (key == nullptr) key = world_.keys.factory(state.switches.soap_key_type, kWebServerKeys);
  Bytes der = make_self_signed(key.get(), {.subject = {{"CN", "axis-" + lower(state.serial)}},
                                           .subject_alt_names = {},
                                           .not_before = now() - kDaySeconds,
                                           .not_after = now() + kTenYearsSeconds});
  return {.alias = std::string(kFactoryAlias),
          .chain = {std::move(der)},
          .key = key,
          .keystore = state.switches.default_keystore,
          .device_id = false,
          .factory = true};
}

void Device::make_factory_state() {
  Switches const& switches = state.switches;
  std::vector<StoredCertificate> identities;  // device IDs are burnt in
  KeyRef kept;
  for (StoredCertificate& old : state.certificates) {
    if (old.factory && !old.device_id && switches.factory_key == "kept") kept = old.key;
    if (old.device_id) identities.push_back(std::move(old));
  }
  if (identities.empty())
    for (std::string const& type : split(switches.device_ids, ',')) {
      KeyRef const key = world_.keys.factory(type, kIdentityKeys);
      identities.push_back({.alias = DevicePki::alias_of(type),
                            .chain = world_.pki.issue(state.serial, type, key.get()),
                            .key = key,
                            .keystore = switches.default_keystore,
                            .device_id = true,
                            .factory = true});
    }
  state.users.clear();
  state.parameters.clear();
  state.hostname = "axis-" + lower(state.serial);
  state.default_keystore = switches.default_keystore;
  state.certificates = std::move(identities);
  state.ca_certificates.clear();
  if (!state.certificates.empty()) {
    std::vector<Bytes> const authorities = world_.pki.authorities();
    for (std::size_t i = 0; i < authorities.size(); ++i)
      state.ca_certificates.push_back({"[CA]_" + sha256_hex(authorities[i]).substr(0, 16), authorities[i]});
  }
  std::string served = state.certificates.empty() ? "" : state.certificates.front().alias;
  if (switches.factory_certificate == "self_signed") {
    state.certificates.push_back(make_factory_certificate(kept));
    served = kFactoryAlias;
  }
  state.cert_sets.clear();
  for (std::string_view const name : kCertSetNames) state.cert_sets[std::string(name)] = {};
  if (!state.certificates.empty() && state.certificates.front().device_id)
    for (char const* name : {"EAPTLS_WIRED", "Streaming_RTSPS"})
      state.cert_sets[name].certificates = {state.certificates.front().alias};
  state.tls = {};
  state.tls.enabled = switches.https_factory && !served.empty() && switches.factory_certificate != "none";
  state.tls.ciphers = split(state.generation->ciphers, ':');
  if (state.tls.enabled) {
    state.tls.set.certificates = {served};
    state.tls.policies = {switches.factory_policy, switches.factory_policy, switches.factory_policy};
  } else {
    state.tls.policies = {"Http", "Http", "Http"};
  }
}

void Device::factory_default(bool hard) {
  make_factory_state();
  if (hard) state.clock_offset_s = 0;
  reboot();
}

}  // namespace lenscap::camsim
