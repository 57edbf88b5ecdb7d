#include "ca/crl_places.h"

namespace lenscap::ca {

std::string CrlPlaces::url(std::string_view scope) const {
  return base + (scope.empty() ? "" : "/" + std::string(scope)) + ".crl";
}

std::string CrlPlaces::url_for(ByteView serial) const {
  if (!is_served()) return {};
  return url(crl_scope(parts, crl_part_of(serial, parts)));
}

std::string crl_path(x509::Certificate const& issuer) { return "/crl/" + to_hex(issuer.subject_key_id()); }

std::string crl_scope(unsigned parts, unsigned part) {
  return parts == 1 ? std::string() : std::to_string(parts) + "-" + std::to_string(part);
}

unsigned crl_part_of(ByteView serial, unsigned parts) {
  std::uint32_t number = 0;
  for (std::uint8_t const octet : serial) number = number << 8 | octet;  // the earlier ones fall out
  return number % parts;
}

}  // namespace lenscap::ca
