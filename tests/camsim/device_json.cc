#include "tests/camsim/device_json.h"

#include "tests/camsim/certificates.h"

namespace lenscap::camsim {

json::Object summary(Device const& device) {
  State const& state = device.state;
  Bytes const served = device.served_certificate();
  std::string spki;
  if (!served.empty()) {
    KeyRef const key = public_key_of(parse_certificate(served).get());
    spki = sha256_hex(spki_of(key.get()));
  }
  auto const url = [&](char const* scheme, unsigned short port) {
    return std::string(scheme) + "://" + device.address() + ":" + std::to_string(port);
  };
  return json::Object{{"serial", state.serial},
                      {"generation", state.generation->id},
                      {"model", state.generation->product_short},
                      {"firmware", state.generation->firmware},
                      {"address", device.address()},
                      {"http_port", static_cast<int>(device.http_port())},
                      {"https_port", static_cast<int>(device.https_port())},
                      {"http_url", url("http", device.http_port())},
                      {"https_url", url("https", device.https_port())},
                      {"certificate_sha256", served.empty() ? "" : sha256_hex(served)},
                      {"spki_sha256", spki}};
}

namespace {

json::Object to_json(StoredCertificate const& certificate) {
  json::Array chain;
  for (Bytes const& der : certificate.chain) chain.emplace_back(to_pem("CERTIFICATE", der));
  return json::Object{{"alias", certificate.alias},
                      {"chain", std::move(chain)},
                      {"key_type", certificate.key ? key_type_of(certificate.key.get()) : ""},
                      {"spki_sha256", certificate.key ? sha256_hex(spki_of(certificate.key.get())) : ""},
                      {"keystore", certificate.keystore},
                      {"device_id", certificate.device_id},
                      {"factory", certificate.factory}};
}

json::Object to_json(CertSet const& set) {
  return json::Object{{"certificates", json::Value::strings(set.certificates)},
                      {"ca_certificates", json::Value::strings(set.ca_certificates)},
                      {"trusted", json::Value::strings(set.trusted)}};
}

}  // namespace

json::Object full_state(Device const& device) {
  State const& state = device.state;
  json::Object out = summary(device);
  json::Array certificates;
  for (StoredCertificate const& certificate : state.certificates) certificates.emplace_back(to_json(certificate));
  json::Array authorities;
  for (CaCertificate const& ca : state.ca_certificates)
    authorities.push_back(json::Object{{"alias", ca.alias}, {"certificate", to_pem("CERTIFICATE", ca.der)}});
  json::Object users;
  for (auto const& [name, user] : state.users) users.set(name, json::Value::strings(user.groups));
  json::Object sets;
  for (auto const& [name, set] : state.cert_sets) sets.set(name, to_json(set));
  out.set("life", device.life())
      .set("starts", static_cast<long long>(device.starts()))
      .set("hostname", state.hostname)
      .set("needs_setup", state.needs_setup())
      .set("users", std::move(users))
      .set("boot_id", state.boot_id)
      .set("uptime_s", device.uptime_s())
      .set("clock_offset_s", state.clock_offset_s)
      .set("default_keystore", state.default_keystore)
      .set("tls", json::Object{{"enabled", state.tls.enabled},
                               {"admin", state.tls.policies.admin},
                               {"operator", state.tls.policies.operator_},
                               {"viewer", state.tls.policies.viewer},
                               {"ciphers", json::Value::strings(state.tls.ciphers)},
                               {"set", to_json(state.tls.set)}})
      .set("certificates", std::move(certificates))
      .set("ca_certificates", std::move(authorities))
      .set("cert_sets", std::move(sets))
      .set("switches", to_json(state.switches))
      .set("faults", device.faults.to_json());
  return out;
}

}  // namespace lenscap::camsim
