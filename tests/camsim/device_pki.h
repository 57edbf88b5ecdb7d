// The test PKI behind the cameras' 802.1AR device identities: an own root and intermediates whose names end in
// "(TEST)", with the structure of the real ones. Nothing of a real manufacturer's PKI is used. Made anew by each
// process.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/camsim/keys.h"

namespace lenscap::camsim {

class DevicePki {
 public:
  // Leaf and intermediate, DER, for a key of this type ("EC-P256", "RSA-2048", "RSA-4096").
  std::vector<Bytes> issue(std::string const& serial, std::string const& key_type, EVP_PKEY* key);
  Bytes const& root();
  std::vector<Bytes> authorities();  // root and intermediates
  std::string pem();                 // the same as PEM

  static std::string alias_of(std::string_view key_type);  // "Axis device ID ECC-P256 (802.1AR)"

 private:
  struct Authority {
    KeyRef key;
    Bytes der;
  };
  Authority const& intermediate(std::string const& family);  // "ECC" or "RSA"
  Authority root_;
  std::map<std::string, Authority> intermediates_;
};

}  // namespace lenscap::camsim
