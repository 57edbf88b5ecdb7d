// Key pairs made on the device, and requests for them.
#include "base/bytes.h"
#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim::soap_keys {
namespace {

// The Subject element in its own order; empty parts are left out, as the vendor's example sends them.
Dn subject_of_call(pugi::xml_node operation) {
  Dn dn;
  for (pugi::xml_node part : child_of(operation, "acertificates:Subject").children()) {
    if (part.type() != pugi::node_element) continue;
    std::string const value = trim(part.text().get());
    std::string const name = canonical_name(part);
    if (!value.empty()) dn.emplace_back(name.substr(name.find(':') + 1), value);
  }
  return dn;
}

}  // namespace

Outcome create_certificate(Exchange& x) {
  State& state = x.device->state;
  pugi::xml_node const call = x.soap->operation;
  std::string const id = text_at(call, "acertificates:Id");
  if (id.empty() || id.size() > static_cast<std::size_t>(state.switches.id_length_max)) return invalid_id(x);
  if (state.is_taken(id))
    return declared_fault(x, FaultSide::sender, "CertificateIdInUseFault", "The certificate ID is in use");
  if (is_full(state))
    return declared_fault(x, FaultSide::receiver, "MaxNumberOfCertificatesFault", "The certificate store is full");
  long long const now = x.device->now();
  SelfSigned what{.subject = subject_of_call(call),
                  .subject_alt_names = {},
                  .not_before = now,
                  .not_after = now + 86'400LL * state.switches.certificate_days};
  if (to_name(what.subject) == nullptr)
    return declared_fault(x, FaultSide::sender, "CertificateFormatFault", "The subject cannot be encoded");
  for (auto const& [name, field] : {std::pair{"acertificates:ValidNotBefore", &what.not_before},
                                    std::pair{"acertificates:ValidNotAfter", &what.not_after}}) {
    std::string const text = text_at(call, name);
    if (text.empty()) continue;
    auto const time = parse_local_time(text);
    if (!time) return bad_argument(x, "Invalid date", "Dates look like 2020-10-16T04:08:32");
    *field = *time;
  }
  return Outcome::with_key(state.switches.soap_key_type, [&x, id, what](KeyRef key) -> Outcome {
    State& now_state = x.device->state;
    if (now_state.is_taken(id))
      return declared_fault(x, FaultSide::sender, "CertificateIdInUseFault", "The certificate ID is in use");
    Bytes const der = make_self_signed(key.get(), what);
    now_state.certificates.push_back({.alias = id, .chain = {der}, .key = key, .keystore = now_state.default_keystore});
    return soap_answer(wrap("acertificates:CreateCertificate2Response",
                            element("acertificates:Id", id) + element("acertificates:Certificate", to_base64(der))));
  });
}

Outcome get_pkcs10_request(Exchange& x) {
  State& state = x.device->state;
  StoredCertificate const* own = state.find_certificate(text_at(x.soap->operation, "acertificates:Id"));
  if (own == nullptr || own->key == nullptr) return invalid_id(x);
  if (own->device_id)
    return declared_fault(x, FaultSide::sender, "Pkcs10GenerationFault", "The key may not be used for a request");
  CsrContents contents{.subject = nullptr, .subject_alt_names = {}, .sha1 = state.switches.csr_digest == "sha1"};
  Dn const subject = subject_of_call(x.soap->operation);
  contents.subject = subject.empty() ? subject_of(parse_certificate(own->chain.front()).get()) : to_name(subject);
  if (contents.subject == nullptr)
    return declared_fault(x, FaultSide::sender, "Pkcs10GenerationFault", "The subject cannot be encoded");
  Bytes const der = make_csr(own->key.get(), contents);
  return soap_answer(
      wrap("acertificates:GetPkcs10Request2Response", element("acertificates:Pkcs10Request", to_base64(der))));
}

}  // namespace lenscap::camsim::soap_keys
