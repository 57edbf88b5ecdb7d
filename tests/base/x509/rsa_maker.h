// RSA keys whose primes a test chooses, as broken generators make them.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/x509/key.h"

namespace lenscap::x509::test {

// Good for the exponents 65537 and 65539, which one prime in 32,768 is not.
inline ossl::BnPtr make_prime(int bits = 1024) {
  ossl::BnPtr prime(BN_new());
  do ossl::check(BN_generate_prime_ex(prime.get(), bits, 0, nullptr, nullptr, nullptr) == 1, "BN_generate_prime_ex");
  while (BN_mod_word(prime.get(), 65537) == 1 || BN_mod_word(prime.get(), 65539) == 1);
  return prime;
}

// Of a modulus and the order of the numbers that have an inverse modulo it.
inline PrivateKey rsa_of_modulus(BIGNUM const* n, BIGNUM const* order, unsigned exponent = 65537) {
  ossl::Ptr<BN_CTX, BN_CTX_free> const context(BN_CTX_new());
  ossl::BnPtr const e(BN_new()), d(BN_new());
  ossl::check(BN_set_word(e.get(), exponent) == 1 && BN_mod_inverse(d.get(), e.get(), order, context.get()) != nullptr,
              "an RSA key of a modulus");
  ossl::Ptr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> const builder(OSSL_PARAM_BLD_new());
  ossl::check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
                  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1 &&
                  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get()) == 1,
              "OSSL_PARAM_BLD_push_BN");
  ossl::Ptr<OSSL_PARAM, OSSL_PARAM_free> const parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  ossl::Ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> const maker(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  ossl::check(EVP_PKEY_fromdata_init(maker.get()) == 1 &&
                  EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_KEYPAIR, parameters.get()) == 1,
              "EVP_PKEY_fromdata");
  ossl::PkeyPtr const key(made);
  return PrivateKey::from_evp(key.get()).value();
}

inline PrivateKey rsa_of(ossl::BnPtr const& p, ossl::BnPtr const& q, unsigned exponent = 65537) {
  ossl::Ptr<BN_CTX, BN_CTX_free> const context(BN_CTX_new());
  ossl::BnPtr const n(BN_new()), p1(BN_dup(p.get())), q1(BN_dup(q.get())), order(BN_new());
  ossl::check(BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1 &&
                  BN_mul(order.get(), p1.get(), q1.get(), context.get()) == 1 &&
                  BN_mul(n.get(), p.get(), q.get(), context.get()) == 1,
              "an RSA key of two primes");
  return rsa_of_modulus(n.get(), order.get(), exponent);
}

// A modulus of p alone, so many times.
inline PrivateKey rsa_of_power(ossl::BnPtr const& p, int times) {
  ossl::Ptr<BN_CTX, BN_CTX_free> const context(BN_CTX_new());
  ossl::BnPtr const n(BN_dup(p.get())), order(BN_dup(p.get()));
  ossl::check(BN_sub_word(order.get(), 1) == 1, "BN_sub_word");
  for (int i = 1; i < times; ++i)
    ossl::check(BN_mul(n.get(), n.get(), p.get(), context.get()) == 1 &&
                    BN_mul(order.get(), order.get(), p.get(), context.get()) == 1,
                "BN_mul");
  return rsa_of_modulus(n.get(), order.get());
}

}  // namespace lenscap::x509::test
