#include "base/x509/rsa_modulus.h"

#include <openssl/bn.h>

#include <array>
#include <vector>

namespace lenscap::x509 {
namespace {

Error bad_key(std::string_view why) { return {Errc::bad_public_key, "the public key " + std::string(why)}; }

using BnCtxPtr = ossl::Ptr<BN_CTX, BN_CTX_free>;

ossl::BnPtr new_number() {
  ossl::BnPtr number(BN_new());
  ossl::check(number != nullptr, "BN_new");
  return number;
}

// Four primes below 2^16 at a time fit one word, and the modulus is divided by their product but once.
bool has_factor_of_16_bits(BIGNUM const* n) {
  constexpr std::size_t kEnd = 65536;
  static_assert(sizeof(BN_ULONG) == 8, "four primes of 16 bits are to fit one word");
  std::vector<bool> composite(kEnd);
  std::array<BN_ULONG, 4> primes{};
  std::size_t count = 0;
  auto const divides = [&] {
    BN_ULONG product = 1;
    for (std::size_t i = 0; i < count; ++i) product *= primes[i];
    auto const rest = BN_mod_word(n, product);
    for (std::size_t i = 0; i < count; ++i)
      if (rest % primes[i] == 0) return true;
    count = 0;
    return false;
  };
  for (std::size_t p = 2; p < kEnd; ++p) {
    if (composite[p]) continue;
    for (std::size_t multiple = p * p; multiple < kEnd; multiple += p) composite[multiple] = true;
    primes[count++] = p;
    if (count == primes.size() && divides()) return true;
  }
  return count > 0 && divides();
}

// Of n = p^k every a has a^n = a modulo p, by Fermat. Of a product of different primes that holds for a = 2 by a chance
// that is none.
bool is_prime_power(BIGNUM const* n) {
  BnCtxPtr const context(BN_CTX_new());
  ossl::check(context != nullptr, "BN_CTX_new");
  auto const two = new_number();
  auto const power = new_number();
  ossl::check(BN_set_word(two.get(), 2) == 1 && BN_mod_exp(power.get(), two.get(), n, n, context.get()) == 1 &&
                  BN_mod_sub(power.get(), power.get(), two.get(), n, context.get()) == 1,
              "BN_mod_exp");
  if (BN_is_zero(power.get()) == 1) return true;
  ossl::check(BN_gcd(power.get(), power.get(), n, context.get()) == 1, "BN_gcd");
  return BN_is_one(power.get()) == 0;
}

}  // namespace

Result<> check_modulus(PublicKey const& key) {
  if (key.type() != KeyType::rsa) return {};
  auto const octets = key.rsa_numbers().modulus;
  ossl::BnPtr const n(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  ossl::check(n != nullptr, "BN_bin2bn");
  if (has_factor_of_16_bits(n.get())) return bad_key("(RSA) has a small factor: it was made by a broken generator");
  if (is_prime_power(n.get()))
    return bad_key(
        "(RSA) is one prime, or the power of one, instead of a product of two, so anybody can compute its private key; "
        "make another one, best EC P-256");
  return {};
}

}  // namespace lenscap::x509
