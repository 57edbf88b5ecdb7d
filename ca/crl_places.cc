#include "ca/crl_places.h"

#include <numeric>

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

namespace {

std::uint32_t last_octets(ByteView serial) {
  std::uint32_t number = 0;
  for (std::uint8_t const octet : serial) number = number << 8 | octet;  // the earlier ones fall out
  return number;
}

}  // namespace

unsigned crl_part_of(ByteView serial, unsigned parts) { return last_octets(serial) % parts; }

void CrlPartsSeen::add(ByteView serial) {
  auto const number = last_octets(serial);
  if (!first_) first_ = number;
  auto const distance = number > *first_ ? number - *first_ : *first_ - number;
  // Of random ones it is soon the number of parts, or 1.
  if (common_ == 0 || distance % common_ != 0) common_ = std::gcd(common_, distance);
}

// All are in the part of the first if and only if every distance is a multiple of the number of parts.
bool CrlPartsSeen::all_in(unsigned parts, unsigned part) const {
  return !first_ || (*first_ % parts == part && common_ % parts == 0);
}

}  // namespace lenscap::ca
