// CA certificates: the trust store.
#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/rest.h"

namespace lenscap::camsim::rest_authorities {
namespace {

json::Object to_json(CaCertificate const& ca) {
  return json::Object{{"alias", ca.alias}, {"certificate", to_pem("CERTIFICATE", ca.der)}};
}

}  // namespace

Outcome list(Exchange& x) {
  json::Array items;
  for (CaCertificate const& ca : x.device->state.ca_certificates) items.emplace_back(to_json(ca));
  return rest_ok(std::move(items));
}

Outcome get(Exchange& x, std::string const& alias) {
  CaCertificate const* ca = x.device->state.find_ca(alias);
  return ca == nullptr ? rest_not_found(x.request.path) : rest_ok(to_json(*ca));
}

Outcome add(Exchange& x) {
  auto const data = rest_data(x, "alias certificate");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const alias = json::need_string(*data, "alias");
  auto const pem = json::need_string(*data, "certificate");
  if (!alias.ok() || !pem.ok()) return rest_invalid("alias and certificate are texts that must be present");
  std::vector<Bytes> const chain = parse_pem_chain(*pem);
  if (chain.size() != 1) return rest_invalid("certificate is not one PEM certificate");
  if (auto refusal = refuse_alias(x, *alias)) return *refusal;
  x.device->state.ca_certificates.push_back({*alias, chain.front()});
  Response answer = rest_ok();
  answer.status = 201;
  return answer;
}

Outcome patch(Exchange& x, std::string const& alias) {
  CaCertificate* ca = x.device->state.find_ca(alias);
  if (ca == nullptr) return rest_not_found(x.request.path);
  auto const data = rest_data(x, "certificate");
  if (!data.ok()) return rest_invalid(data.error().detail());
  auto const pem = json::need_string(*data, "certificate");
  if (!pem.ok()) return rest_invalid(pem.error().detail());
  std::vector<Bytes> const chain = parse_pem_chain(*pem);
  if (chain.size() != 1) return rest_invalid("certificate is not one PEM certificate");
  KeyRef const old_key = public_key_of(parse_certificate(ca->der).get());
  KeyRef const new_key = public_key_of(parse_certificate(chain.front()).get());
  if (old_key == nullptr || new_key == nullptr || !same_public_key(old_key.get(), new_key.get()))
    return rest_error(x.device->state.switches.rest_mismatch, 7, "certificate does not match private key");
  ca->der = chain.front();
  return rest_ok();
}

Outcome erase(Exchange& x, std::string const& alias) {
  State& state = x.device->state;
  if (state.find_ca(alias) == nullptr) return rest_not_found(x.request.path);
  erase_ca(state, alias);
  return rest_ok();
}

}  // namespace lenscap::camsim::rest_authorities
