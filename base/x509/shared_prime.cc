#include "base/x509/shared_prime.h"

#include <openssl/bn.h>

namespace lenscap::x509 {
namespace {

ossl::BnPtr number_of(ByteView octets) {
  ossl::BnPtr number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  ossl::check(number != nullptr, "BN_bin2bn");
  return number;
}

}  // namespace

SharedPrimeSearch::SharedPrimeSearch(PublicKey const& key)
    : context_(BN_CTX_new()),
      montgomery_(BN_MONT_CTX_new()),
      modulus_(number_of(key.rsa_numbers().modulus)),
      product_(BN_new()),
      next_(BN_new()) {
  ossl::check(context_ && montgomery_ && product_ && next_, "BN_new");
  if (BN_is_odd(modulus_.get()) == 0) bug("an RSA key with an even modulus");
  ossl::check(BN_MONT_CTX_set(montgomery_.get(), modulus_.get(), context_.get()) == 1, "BN_MONT_CTX_set");
  begin();
}

void SharedPrimeSearch::begin() { ossl::check(BN_one(product_.get()) == 1, "BN_one"); }

// In Montgomery's form each product is divided by a power of two, which changes nothing of what it has in common with
// an odd number.
void SharedPrimeSearch::add(ByteView modulus) {
  auto* const next = next_.get();
  ossl::check(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), next) != nullptr, "BN_bin2bn");
  // Of numbers of one length, as most are, a subtraction does what a division would.
  if (BN_num_bits(next) > BN_num_bits(modulus_.get()))
    ossl::check(BN_nnmod(next, next, modulus_.get(), context_.get()) == 1, "BN_nnmod");
  else if (BN_ucmp(next, modulus_.get()) >= 0)
    ossl::check(BN_usub(next, next, modulus_.get()) == 1, "BN_usub");
  ossl::check(BN_mod_mul_montgomery(product_.get(), product_.get(), next, montgomery_.get(), context_.get()) == 1,
              "BN_mod_mul_montgomery");
}

bool SharedPrimeSearch::found() {
  ossl::check(BN_gcd(next_.get(), product_.get(), modulus_.get(), context_.get()) == 1, "BN_gcd");
  begin();
  return BN_is_one(next_.get()) == 0;
}

}  // namespace lenscap::x509
