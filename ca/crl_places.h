// Where the revocation lists of an issuer are served, and which of them a certificate belongs to (RFC 5280 4.2.1.13,
// 5.2.5). A list is whole, or it is a part: then the certificates are divided by their serial numbers. How many parts
// there are stands in each part's name, so that a certificate of the time when there were others never finds a list
// that looks like its own and lacks it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/x509/certificate.h"

namespace lenscap::ca {

constexpr unsigned kCrlPartsMax = 256;

struct CrlPlaces {
  std::string base = {};  // "http://pki.cams.example/crl/<hex key id>"; empty: no list is served, and none named
  unsigned parts = 1;     // that new certificates are divided among, 1 to kCrlPartsMax; 1: the list is whole

  bool is_served() const { return !base.empty(); }
  std::string url(std::string_view scope) const;  // of the list of this scope
  std::string url_for(ByteView serial) const;     // of the list that a new certificate belongs to; empty: of none
};

// "/crl/<hex key id>" of a CA certificate: what `base` ends with.
std::string crl_path(x509::Certificate const& issuer);

// What tells the lists of one issuer apart: empty for the whole list, "16-5" for the part 5 of 0 to 15.
std::string crl_scope(unsigned parts, unsigned part);

// Did all of these serial numbers belong to one part? For who reads them before he reads how many parts there are. Its
// size does not depend on how many they are.
class CrlPartsSeen {
 public:
  void add(ByteView serial);
  bool all_in(unsigned parts, unsigned part) const;  // true where there were none

 private:
  std::optional<std::uint32_t> first_;
  std::uint32_t common_ = 0;  // the greatest common divisor of all distances from the first
};

// The part of a serial number: its last four octets, which are random, modulo the number of parts.
unsigned crl_part_of(ByteView serial, unsigned parts);

}  // namespace lenscap::ca
