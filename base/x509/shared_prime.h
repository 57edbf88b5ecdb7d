// Does an RSA key share a prime with one of many others? Devices whose generator has too little to draw from, as at
// their first start, come upon the same prime; whoever has both public keys then computes both private ones, by one
// greatest common divisor (Heninger et al., "Mining Your Ps and Qs", 2012).
#pragma once

#include "base/ossl.h"
#include "base/x509/key.h"

namespace lenscap::x509 {

// Takes the others' moduli one by one, at one multiplication each (about 1.5 us at 2048 bits), and keeps their product
// modulo the key's own: memory does not grow with their number.
class SharedPrimeSearch {
 public:
  explicit SharedPrimeSearch(PublicKey const& key);  // bug unless RSA with an odd modulus

  void add(ByteView modulus);  // of another key: big-endian
  // Have the moduli since the last question a factor in common with the key's? The key's own modulus is one, too.
  bool found();

 private:
  using Context = ossl::Ptr<BN_CTX, BN_CTX_free>;
  using Montgomery = ossl::Ptr<BN_MONT_CTX, BN_MONT_CTX_free>;
  void begin();

  Context context_;
  Montgomery montgomery_;
  ossl::BnPtr modulus_, product_, next_;
};

}  // namespace lenscap::x509
