// Certificates with a key on the device.
#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/rest.h"

namespace lenscap::camsim::rest_certificates {
namespace {

json::Object to_json(StoredCertificate const& certificate) {
  std::string pem;
  for (Bytes const& der : certificate.chain) pem += to_pem("CERTIFICATE", der);
  return json::Object{
      {"alias", certificate.alias}, {"certificate", std::move(pem)}, {"keystore", certificate.keystore}};
}

Response mismatch(Exchange const& x) {
  return rest_error(x.device->state.switches.rest_mismatch, 7, "certificate does not match private key");
}

// A certificate that brings its key.
Outcome store(Exchange& x, StoredCertificate certificate, int status) {
  State& state = x.device->state;
  if (auto refusal = refuse_alias(x, certificate.alias)) return *refusal;
  if (!find_keystore(state, certificate.keystore)) return rest_invalid("unknown keystore " + certificate.keystore);
  if (strikes(x, "F24")) return mismatch(x);
  Response answer = rest_ok();
  answer.status = status;
  if (!strikes(x, "F23")) state.certificates.push_back(std::move(certificate));
  return answer;
}

}  // namespace

Outcome list(Exchange& x) {
  json::Array items;
  for (StoredCertificate const& certificate : x.device->state.certificates) items.emplace_back(to_json(certificate));
  return rest_ok(std::move(items));
}

Outcome get(Exchange& x, std::string const& alias) {
  StoredCertificate const* certificate = x.device->state.find_certificate(alias);
  return certificate == nullptr ? rest_not_found(x.request.path) : rest_ok(to_json(*certificate));
}

Outcome add(Exchange& x) {
  auto const data = rest_data(x, "alias certificate private_key keystore");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const alias = json::need_string(*data, "alias");
  auto const pem = json::need_string(*data, "certificate");
  auto const key_pem = json::need_string(*data, "private_key");
  auto const keystore = json::get_string(*data, "keystore");
  if (!alias.ok() || !pem.ok() || !key_pem.ok() || !keystore.ok())
    return rest_invalid("alias, certificate and private_key are texts that must be present");
  std::vector<Bytes> chain = parse_pem_chain(*pem);
  KeyRef const key = parse_private_key_pem(*key_pem);
  if (chain.empty() || key == nullptr) return rest_invalid("certificate or private_key is not PEM");
  KeyRef const public_key = public_key_of(parse_certificate(chain.front()).get());
  if (public_key == nullptr || !same_public_key(public_key.get(), key.get())) return mismatch(x);
  StoredCertificate certificate{.alias = *alias, .chain = std::move(chain), .key = key, .keystore = {}};
  certificate.keystore = keystore->value_or(x.device->state.default_keystore);
  return store(x, std::move(certificate), 201);
}

// Replaces the certificate of a key: only one for the same key is taken.
Outcome patch(Exchange& x, std::string const& alias) {
  State& state = x.device->state;
  StoredCertificate* certificate = state.find_certificate(alias);
  if (certificate == nullptr) return rest_not_found(x.request.path);
  auto const data = rest_data(x, "certificate");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const pem = json::need_string(*data, "certificate");
  if (!pem.ok()) return rest_invalid(pem.error().detail());
  if (certificate->device_id) return rest_invalid("the certificate belongs to the device");
  std::vector<Bytes> chain = parse_pem_chain(*pem);
  if (chain.empty()) return rest_invalid("certificate is not PEM");
  if (chain.size() > 1 && state.switches.chain_patch == "reject") return rest_invalid("one certificate is expected");
  KeyRef const key = public_key_of(parse_certificate(chain.front()).get());
  bool const refuse = strikes(x, "F24");
  if (refuse || key == nullptr || !same_public_key(key.get(), certificate->key.get())) return mismatch(x);
  if (state.switches.chain_patch == "accept_leaf_only") chain.resize(1);
  Response answer = rest_ok();
  if (strikes(x, "F23")) return answer;
  certificate->chain = std::move(chain);
  if (is_served(state, alias) && state.switches.reload_on_patch)
    answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

Outcome erase(Exchange& x, std::string const& alias) {
  State& state = x.device->state;
  StoredCertificate const* certificate = state.find_certificate(alias);
  if (certificate == nullptr) return rest_not_found(x.request.path);
  if (certificate->device_id && state.switches.delete_device_id == "refuse")
    return rest_invalid("the certificate belongs to the device");
  bool const served = is_served(state, alias);
  if (served && state.switches.delete_in_use_rest == "conflict") return rest_error(409, 9, "The certificate is in use");
  erase_certificate(state, alias);
  Response answer = rest_ok();
  if (served)
    answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

Outcome install_from_pkcs12(Exchange& x) {
  auto const data = rest_data(x, "alias pkcs12 passphrase keystore");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const alias = json::need_string(*data, "alias");
  auto const file = json::need_string(*data, "pkcs12");
  auto const passphrase = json::need_string(*data, "passphrase");
  auto const keystore = json::get_string(*data, "keystore");
  if (!alias.ok() || !file.ok() || !passphrase.ok() || !keystore.ok())
    return rest_invalid("alias, pkcs12 and passphrase are texts that must be present");
  auto const der = from_base64(*file);
  auto contents = der.ok() ? open_pkcs12(*der, *passphrase) : std::nullopt;
  if (!contents) return rest_invalid("pkcs12 cannot be opened with this passphrase");
  if (!x.device->state.switches.pkcs12_chain_kept) contents->chain.resize(1);
  StoredCertificate certificate{.alias = *alias, .chain = contents->chain, .key = contents->key, .keystore = {}};
  certificate.keystore = keystore->value_or(x.device->state.default_keystore);
  return store(x, std::move(certificate), 200);
}

}  // namespace lenscap::camsim::rest_certificates
