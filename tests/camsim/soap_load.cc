// Certificates that come from outside, and their removal.
#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim::soap_load {
namespace {

// Base64 of DER, with line breaks; public clients also paste whole PEM files here.
Bytes data_of(std::string_view text) {
  if (text.find("-----BEGIN") != std::string_view::npos) {
    auto const begin = text.find("-----\n");
    auto const end = text.find("-----END");
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
    text = text.substr(begin + 6, end - begin - 6);
  }
  auto decoded = from_base64(text);
  return decoded.ok() ? std::move(decoded).value() : Bytes();
}

Response bad_certificate(Exchange const& x, std::string detail) {
  return declared_fault(x, FaultSide::sender, "CertificateFormatFault", std::move(detail));
}

bool is_usable_id(State const& state, std::string_view id) {
  return !id.empty() && id.size() <= static_cast<std::size_t>(state.switches.id_length_max);
}

struct Incoming {
  std::string id;
  std::vector<Bytes> chain;
  KeyRef key;
};

// A certificate that brings its key.
Outcome store_with_key(Exchange& x, Incoming incoming) {
  State& state = x.device->state;
  if (!is_usable_id(state, incoming.id)) return invalid_id(x);
  if (state.is_taken(incoming.id)) {
    StoredCertificate const* old = state.find_certificate(incoming.id);
    bool const replaceable = state.switches.duplicate_id == "replace" && old != nullptr && !old->device_id;
    if (!replaceable)
      return declared_fault(x, FaultSide::sender, "CertificateIdInUseFault", "The certificate ID is in use");
  } else if (is_full(state)) {
    return declared_fault(x, FaultSide::receiver, "MaxNumberOfCertificatesFault", "The certificate store is full");
  }
  if (strikes(x, "F24")) return bad_certificate(x, "The certificate does not match the private key");
  if (strikes(x, "F23")) return empty_answer(x.soap->name);
  erase_certificate(state, incoming.id);
  state.certificates.push_back({.alias = incoming.id,
                                .chain = std::move(incoming.chain),
                                .key = std::move(incoming.key),
                                .keystore = state.default_keystore});
  return empty_answer(x.soap->name);
}

}  // namespace

// The answer to a request for a key of this device. Sources disagree on whose id it carries: switch load_certificates.
Outcome load_certificates(Exchange& x) {
  State& state = x.device->state;
  std::vector<pugi::xml_node> const list = children_of(x.soap->operation, "tds:NVTCertificate");
  if (list.empty()) return bad_argument(x, "Missing argument", "NVTCertificate is missing");
  for (pugi::xml_node const& item : list) {
    std::string const id = text_at(item, "tt:CertificateID");
    Bytes const der = data_of(text_at(item, "tt:Certificate/tt:Data"));
    ossl::X509Ptr const certificate = parse_certificate(der);
    if (certificate == nullptr) return bad_certificate(x, "The certificate cannot be read");
    KeyRef const key = public_key_of(certificate.get());
    if (key == nullptr) return bad_certificate(x, "The public key cannot be read");
    if (state.find_ca(id) != nullptr)
      return declared_fault(x, FaultSide::sender, "CertificateIdInUseFault", "The certificate ID is in use");
    StoredCertificate* own = state.find_certificate(id);
    if (own == nullptr && state.switches.load_certificates == "match_key" && is_usable_id(state, id)) {
      for (StoredCertificate& candidate : state.certificates)
        if (!candidate.device_id && candidate.key != nullptr && same_public_key(candidate.key.get(), key.get()))
          own = &candidate;
      if (own == nullptr) return bad_certificate(x, "No key on this device matches the certificate");
    }
    if (own == nullptr || own->device_id) return invalid_id(x);
    bool const refuse = strikes(x, "F24");
    if (refuse || own->key == nullptr || !same_public_key(own->key.get(), key.get()))
      return bad_certificate(x, "The certificate does not match the private key");
    if (strikes(x, "F23")) continue;
    if (own->alias == id) {
      own->chain = {der};
    } else {
      // The key has a second name now; the self-signed certificate stays under the first, as on the one client's
      // device.
      StoredCertificate const renamed{.alias = id, .chain = {der}, .key = own->key, .keystore = own->keystore};
      std::string const old_id = own->alias;
      if (state.switches.match_key_leaves == "remove") erase_certificate(state, old_id);
      state.certificates.push_back(renamed);
    }
  }
  return empty_answer("tds:LoadCertificates");
}

Outcome load_certificate_with_private_key(Exchange& x) {
  pugi::xml_node const item = child_of(x.soap->operation, "tds:CertificateWithPrivateKey");
  Bytes const der = data_of(text_at(item, "tt:Certificate/tt:Data"));
  ossl::X509Ptr const certificate = parse_certificate(der);
  if (certificate == nullptr) return bad_certificate(x, "The certificate cannot be read");
  KeyRef const key = parse_private_key_der(data_of(text_at(item, "tt:PrivateKey/tt:Data")));
  if (key == nullptr) return bad_certificate(x, "The private key cannot be read");
  KeyRef const public_key = public_key_of(certificate.get());
  bool const matches = public_key != nullptr && same_public_key(public_key.get(), key.get());
  if (!matches && x.device->state.switches.load_key_must_match)
    return bad_certificate(x, "The certificate does not match the private key");
  return store_with_key(x, {text_at(item, "tt:CertificateID"), {der}, key});
}

Outcome load_pkcs12(Exchange& x) {
  pugi::xml_node const item = child_of(x.soap->operation, "acertificates:Pkcs12");
  auto contents = open_pkcs12(data_of(text_at(item, "acert:Certificate")), text_at(item, "acert:Password"));
  if (!contents) return bad_certificate(x, "The PKCS#12 file cannot be opened with this password");
  if (!x.device->state.switches.pkcs12_chain_kept) contents->chain.resize(1);
  return store_with_key(x, {text_at(item, "acert:Id"), std::move(contents->chain), contents->key});
}

Outcome load_ca_certificates(Exchange& x) {
  State& state = x.device->state;
  std::vector<pugi::xml_node> const list = children_of(x.soap->operation, "tds:CACertificate");
  if (list.empty()) return bad_argument(x, "Missing argument", "CACertificate is missing");
  for (pugi::xml_node const& item : list) {
    std::string const id = text_at(item, "tt:CertificateID");
    Bytes const der = data_of(text_at(item, "tt:Certificate/tt:Data"));
    if (parse_certificate(der) == nullptr) return bad_certificate(x, "The certificate cannot be read");
    if (!is_usable_id(state, id)) return invalid_id(x);
    if (state.is_taken(id))
      return declared_fault(x, FaultSide::sender, "CertificateIdInUseFault", "The certificate ID is in use");
    state.ca_certificates.push_back({id, der});
  }
  return empty_answer("tds:LoadCACertificates");
}

Outcome delete_certificates(Exchange& x) {
  State& state = x.device->state;
  std::vector<std::string> ids;
  for (pugi::xml_node const& item : children_of(x.soap->operation, "tds:CertificateID"))
    ids.push_back(trim(item.text().get()));
  if (ids.empty()) return bad_argument(x, "Missing argument", "CertificateID is missing");
  // All or nothing: the ids are looked at before anything goes.
  for (std::string const& id : ids) {
    StoredCertificate const* own = state.find_certificate(id);
    if (own == nullptr && state.find_ca(id) == nullptr) return invalid_id(x);
    if (own != nullptr && own->device_id && state.switches.delete_device_id == "refuse")
      return bad_argument(x, "Not allowed", "The certificate belongs to the device and cannot be deleted");
    if (is_served(state, id) && state.switches.delete_in_use_soap == "refuse")
      return bad_argument(x, "Certificate in use", "The certificate is used by the web server");
  }
  bool served = false;
  for (std::string const& id : ids) {
    served = served || is_served(state, id);
    erase_certificate(state, id);
    erase_ca(state, id);
  }
  Response answer = empty_answer("tds:DeleteCertificates");
  if (served)
    answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

}  // namespace lenscap::camsim::soap_load
