// Which public keys are good enough: see check_key() in key.h.
#include <openssl/bn.h>

#include <algorithm>
#include <array>

#include "base/x509/key.h"

namespace lenscap::x509 {
namespace {

Error bad_key(std::string_view why) { return {Errc::bad_public_key, "the public key " + std::string(why)}; }

constexpr int kFermatRounds = 100;            // Baseline Requirements 6.1.1.3
constexpr std::size_t kSmallFactorEnd = 752;  // Baseline Requirements 6.1.6: no factor below it

using BnCtxPtr = ossl::Ptr<BN_CTX, BN_CTX_free>;

ossl::BnPtr new_number() {
  ossl::BnPtr number(BN_new());
  ossl::check(number != nullptr, "BN_new");
  return number;
}

bool has_small_factor(BIGNUM const* n) {
  std::array<bool, kSmallFactorEnd> composite{};
  for (std::size_t p = 2; p < kSmallFactorEnd; ++p) {
    if (composite[p]) continue;
    for (std::size_t multiple = p * p; multiple < kSmallFactorEnd; multiple += p) composite[multiple] = true;
    if (BN_mod_word(n, p) == 0) return true;
  }
  return false;
}

// CVE-2017-15361 (ROCA): Infineon's library made primes that are powers of 65537 modulo a product of small primes, so
// the modulus is one too. A good modulus passes all of these by chance with a probability of 2^-28.
bool is_roca(BIGNUM const* n) {
  static constexpr BN_ULONG kPrimes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};
  for (BN_ULONG const prime : kPrimes) {
    BN_ULONG const rest = BN_mod_word(n, prime);
    BN_ULONG power = 1;
    bool found = false;
    do {
      found = found || power == rest;
      power = power * 65537 % prime;
    } while (power != 1);
    if (!found) return false;
  }
  return true;
}

// The largest r with r*r <= n, by Newton's steps from above.
ossl::BnPtr square_root(BIGNUM const* n, BN_CTX* context) {
  auto r = new_number();
  auto next = new_number();
  ossl::check(BN_set_bit(r.get(), (BN_num_bits(n) + 1) / 2) == 1, "BN_set_bit");
  for (;;) {
    ossl::check(BN_div(next.get(), nullptr, n, r.get(), context) == 1 && BN_add(next.get(), next.get(), r.get()) == 1 &&
                    BN_rshift1(next.get(), next.get()) == 1,
                "square root");
    if (BN_cmp(next.get(), r.get()) >= 0) return r;
    std::swap(r, next);
  }
}

// Squares are rare modulo these: four words tell almost every other number apart without a root.
bool may_be_square(BIGNUM const* n) {
  static constexpr BN_ULONG kModuli[] = {64, 63, 65, 11};
  for (BN_ULONG const modulus : kModuli) {
    BN_ULONG const rest = BN_mod_word(n, modulus);
    bool found = false;
    for (BN_ULONG i = 0; i <= modulus / 2 && !found; ++i) found = i * i % modulus == rest;
    if (!found) return false;
  }
  return true;
}

// Fermat's method: p and q close together are found from n = a^2 - b^2 with a just above the root.
bool has_close_primes(BIGNUM const* n) {
  BnCtxPtr const context(BN_CTX_new());
  ossl::check(context != nullptr, "BN_CTX_new");
  auto a = square_root(n, context.get());
  auto rest = new_number();  // a^2 - n
  auto check_root = [&](BIGNUM const* square) {
    auto const root = square_root(square, context.get());
    auto again = new_number();
    ossl::check(BN_sqr(again.get(), root.get(), context.get()) == 1, "BN_sqr");
    return BN_cmp(again.get(), square) == 0;
  };
  if (check_root(n)) return true;
  ossl::check(BN_add_word(a.get(), 1) == 1 && BN_sqr(rest.get(), a.get(), context.get()) == 1 &&
                  BN_sub(rest.get(), rest.get(), n) == 1,
              "Fermat");
  for (int i = 0; i < kFermatRounds; ++i) {
    if (may_be_square(rest.get()) && check_root(rest.get())) return true;
    // (a+1)^2 - n = (a^2 - n) + 2a + 1
    ossl::check(BN_add(rest.get(), rest.get(), a.get()) == 1 && BN_add(rest.get(), rest.get(), a.get()) == 1 &&
                    BN_add_word(rest.get(), 1) == 1 && BN_add_word(a.get(), 1) == 1,
                "Fermat");
  }
  return false;
}

// Sixteen equal octets in a row: of good moduli one in 2^112 has them, of those whose primes were searched from round
// numbers or from memory that was never filled all.
bool has_pattern(ByteView modulus) {
  std::size_t run = 1;
  for (std::size_t i = 1; i < modulus.size(); ++i) {
    run = modulus[i] == modulus[i - 1] ? run + 1 : 1;
    if (run == 16) return true;
  }
  return false;
}

Result<> check_rsa(PublicKey const& key) {
  auto const numbers = key.rsa_numbers();
  ossl::BnPtr const n(BN_bin2bn(numbers.modulus.data(), static_cast<int>(numbers.modulus.size()), nullptr));
  ossl::BnPtr const e(BN_bin2bn(numbers.exponent.data(), static_cast<int>(numbers.exponent.size()), nullptr));
  ossl::check(n && e, "BN_bin2bn");
  int const bits = BN_num_bits(n.get());
  if (bits != 2048 && bits != 3072 && bits != 4096) {
    return bad_key("(RSA) has " + std::to_string(bits) + " bits; use 2048, 3072 or 4096");
  }
  auto const limit = new_number();
  ossl::check(BN_set_bit(limit.get(), 256) == 1, "BN_set_bit");
  bool const in_range = BN_num_bits(e.get()) >= 17 && BN_cmp(e.get(), limit.get()) <= 0;
  if (!in_range || BN_is_odd(e.get()) == 0) {
    return bad_key("(RSA) has an exponent that is even or not between 65537 and 2^256; use 65537");
  }
  if (has_small_factor(n.get())) return bad_key("(RSA) has a small factor: it was made by a broken generator");
  if (has_pattern(numbers.modulus)) {
    return bad_key("(RSA) has one octet sixteen times in a row: it was made by a broken generator");
  }
  if (is_roca(n.get())) return bad_key("(RSA) was made by a chip with the ROCA weakness (CVE-2017-15361)");
  if (has_close_primes(n.get())) return bad_key("(RSA) is a product of primes that are too close together");
  return {};
}

// Points whose order divides 8: a signature under such a key can be written by anybody, as with an RSA exponent of 1.
// The sign bit (the top one) is left out; the last two are spellings of 0 and 1 that are not reduced.
bool has_small_order(ByteView octets) {
  static constexpr std::array<std::uint8_t, 32> kOrder8{
      0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05};
  static constexpr std::array<std::uint8_t, 32> kOtherOrder8{
      0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a};
  Bytes y = to_bytes(octets);
  y.back() &= 0x7f;
  auto const rest_is = [&](std::uint8_t value) {
    return std::all_of(y.begin() + 1, y.end() - 1, [&](auto octet) { return octet == value; });
  };
  bool const zero_or_one = y.front() <= 1 && rest_is(0x00) && y.back() == 0x00;
  bool const near_prime = y.front() >= 0xec && y.front() <= 0xee && rest_is(0xff) && y.back() == 0x7f;
  return zero_or_one || near_prime || std::ranges::equal(y, kOrder8) || std::ranges::equal(y, kOtherOrder8);
}

}  // namespace

Result<> check_key(PublicKey const& key, bool allow_ed25519) {
  switch (key.type()) {
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521:
      return {};  // on the curve since it was made
    case KeyType::ed25519:
      if (!allow_ed25519) return bad_key("is Ed25519, which cannot be used here; use EC P-256 or RSA");
      if (has_small_order(key.ed25519_octets())) return bad_key("(Ed25519) is a point of small order");
      return {};
    case KeyType::rsa:
      return check_rsa(key);
  }
  bug("unknown key type");
}

}  // namespace lenscap::x509
