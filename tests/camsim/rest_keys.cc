// Key pairs made on the device, requests for them, and the keystores that hold them.
#include <algorithm>

#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/rest.h"

namespace lenscap::camsim::rest_keys {
namespace {

// What the recorded error calls the keystore: "... is not supported on TPM".
std::string hardware_name(Keystore const& keystore) {
  if (keystore.id.starts_with("TPM")) return "TPM";
  if (keystore.id.starts_with("SE")) return "secure element";
  return keystore.id.starts_with("TEE") ? "TEE" : "software keystore";
}

json::Object to_json(Keystore const& keystore) {
  json::Array certifications;
  if (keystore.id.starts_with("SE")) certifications.emplace_back("CC EAL6+");
  if (keystore.id.starts_with("TPM")) certifications = {json::Value("CC EAL4+"), json::Value("FIPS 140-2 Level 2")};
  return json::Object{{"certifications", std::move(certifications)},
                      {"id", keystore.id},
                      {"key_types", json::Value::strings(keystore.key_types)},
                      {"security_level", keystore.security_level}};
}

bool all_usable(std::vector<std::string> const& names) {
  return std::all_of(names.begin(), names.end(), [](std::string const& name) { return is_usable_alt_name(name); });
}

}  // namespace

Outcome create_certificate(Exchange& x) {
  State& state = x.device->state;
  auto const data = rest_data(x, "alias subject key_type keystore subject_alt_names valid_from valid_to");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const alias = json::need_string(*data, "alias");
  auto const subject_text = json::need_string(*data, "subject");
  auto const key_type = json::get_string(*data, "key_type");
  auto const keystore_id = json::get_string(*data, "keystore");
  auto const names = json::get_strings(*data, "subject_alt_names");
  auto const from = json::get_int(*data, "valid_from");
  auto const to = json::get_int(*data, "valid_to");
  if (!alias.ok() || !subject_text.ok()) return rest_invalid("alias and subject must be present");
  if (!key_type.ok() || !keystore_id.ok() || !names.ok() || !from.ok() || !to.ok())
    return rest_invalid("a field has the wrong type");
  if (auto refusal = refuse_alias(x, *alias)) return *refusal;
  auto const subject = parse_rfc4514(*subject_text);
  if (!subject || to_name(*subject) == nullptr) return rest_invalid("subject is not a distinguished name");
  std::string const type = key_type->value_or(state.switches.rest_key_type);
  if (!is_key_type(type)) return rest_invalid("unknown key type " + type);
  auto const keystore = find_keystore(state, keystore_id->value_or(state.default_keystore));
  if (!keystore) return rest_invalid("unknown keystore");
  if (std::find(keystore->key_types.begin(), keystore->key_types.end(), type) == keystore->key_types.end())
    return rest_error(400, 5,
                      "Validation error: Failed to generate key pair: This key algorithm is not supported on " +
                          hardware_name(*keystore));
  SelfSigned what{.subject = *subject, .subject_alt_names = names->value_or(std::vector<std::string>())};
  if (!all_usable(what.subject_alt_names)) return rest_invalid("subject_alt_names look like DNS:name or IP:address");
  long long const now = x.device->now();
  what.not_before = from->value_or(now);
  what.not_after = to->value_or(now + 86'400LL * state.switches.certificate_days);
  return Outcome::with_key(type, [&x, alias = *alias, what, id = keystore->id](KeyRef key) -> Outcome {
    if (auto refusal = refuse_alias(x, alias)) return *refusal;
    Bytes der = make_self_signed(key.get(), what);
    x.device->state.certificates.push_back({.alias = alias, .chain = {std::move(der)}, .key = key, .keystore = id});
    return rest_ok();
  });
}

// A field that is left out is copied from the present certificate; an empty one is left out of the request.
Outcome get_csr(Exchange& x, std::string const& alias) {
  State& state = x.device->state;
  StoredCertificate const* own = state.find_certificate(alias);
  if (own == nullptr) return rest_not_found(x.request.path);
  auto const data = rest_data(x, "subject subject_alt_names");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const subject_text = json::get_string(*data, "subject");
  auto const names = json::get_strings(*data, "subject_alt_names");
  if (!subject_text.ok() || !names.ok()) return rest_invalid("a field has the wrong type");
  if (own->device_id) return rest_invalid("the certificate belongs to the device");
  ossl::X509Ptr const present = parse_certificate(own->chain.front());
  CsrContents contents{.subject = nullptr, .subject_alt_names = {}, .sha1 = state.switches.csr_digest == "sha1"};
  if (*subject_text) {
    auto const dn = parse_rfc4514(**subject_text);
    if (dn) contents.subject = to_name(*dn);
  } else {
    contents.subject = subject_of(present.get());
  }
  if (contents.subject == nullptr) return rest_invalid("subject is not a distinguished name");
  if (*names)
    contents.subject_alt_names = **names;
  else if (state.switches.csr_names_copied)
    contents.subject_alt_names = subject_alt_names_of(present.get());
  if (!all_usable(contents.subject_alt_names))
    return rest_invalid("subject_alt_names look like DNS:name or IP:address");
  return rest_ok(to_pem("CERTIFICATE REQUEST", make_csr(own->key.get(), contents)));
}

Outcome list_keystores(Exchange& x) {
  json::Array items;
  for (Keystore const& keystore : x.device->state.keystores()) items.emplace_back(to_json(keystore));
  return rest_ok(std::move(items));
}

Outcome get_keystore(Exchange& x, std::string const& id) {
  auto const keystore = find_keystore(x.device->state, id);
  return keystore ? rest_ok(to_json(*keystore)) : rest_not_found(x.request.path);
}

Outcome get_default_keystore(Exchange& x) { return rest_ok(x.device->state.default_keystore); }

Outcome set_default_keystore(Exchange& x) {
  auto const body = json::parse_object(x.request.body);
  if (!body.ok()) return rest_invalid(body.error().detail());
  auto const id = json::need_string(*body, "data");
  if (!id.ok() || !find_keystore(x.device->state, *id)) return rest_invalid("unknown keystore");
  x.device->state.default_keystore = *id;
  return rest_ok();
}

}  // namespace lenscap::camsim::rest_keys
