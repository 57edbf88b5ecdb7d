#include "base/x509/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <span>

#include "base/random.h"
#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

struct Curve {
  KeyType type;
  char const* group;       // OpenSSL's name
  std::size_t coordinate;  // octets of x and of y
  int bits;
  std::array<std::uint8_t, 10> oid;  // DER element, zero-filled
  std::size_t oid_size;
};
constexpr Curve kCurves[] = {
    {KeyType::ec_p256, "P-256", 32, 256, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10},
    {KeyType::ec_p384, "P-384", 48, 384, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7},
    {KeyType::ec_p521, "P-521", 66, 521, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7},
};
ByteView oid_of(Curve const& curve) { return ByteView(curve.oid).first(curve.oid_size); }

Curve const* find_curve(KeyType type) {
  for (auto const& curve : kCurves) {
    if (curve.type == type) return &curve;
  }
  return nullptr;
}

constexpr std::array<std::uint8_t, 11> kRsaOid{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
constexpr std::array<std::uint8_t, 9> kEcOid{0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<std::uint8_t, 5> kEd25519Oid{0x06, 0x03, 0x2b, 0x65, 0x70};
constexpr std::array<std::uint8_t, 2> kDerNull{0x05, 0x00};

// Above this a modulus is not even loaded: the cost of one check rises with its square.
constexpr std::size_t kRsaModulusOctetsMax = 8192 / 8;
// A public exponent is at most 2^256 (security: the cost of RSA verification rises with its length).
constexpr std::size_t kRsaExponentOctetsMax = 33;

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Error bad_key(std::string_view why) { return {Errc::bad_public_key, "the public key " + std::string(why)}; }

using ParamsPtr = ossl::Ptr<OSSL_PARAM, OSSL_PARAM_free>;
using ParamsBuilderPtr = ossl::Ptr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

// EVP_PKEY_fromdata costs a sixth of OpenSSL 3.0's decoders. Null when the numbers are no key.
ossl::PkeyPtr public_from(char const* type, OSSL_PARAM* params) {
  ossl::QuietErrors const quiet;
  ossl::PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  ossl::check(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) return nullptr;
  return ossl::PkeyPtr(key);
}

}  // namespace

std::string_view to_string(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return "EC-P256";
    case KeyType::ec_p384:
      return "EC-P384";
    case KeyType::ec_p521:
      return "EC-P521";
    case KeyType::rsa:
      return "RSA";
    case KeyType::ed25519:
      return "Ed25519";
  }
  bug("unknown key type");
}

namespace {

EVP_MD const* message_digest(KeyType type, HashAlgorithm hash) {
  return type == KeyType::ed25519 ? nullptr : evp_digest(hash);
}

// Null when OpenSSL does not verify with such a key.
ossl::MdCtxPtr verifying_context(EVP_PKEY* key, EVP_MD const* digest) {
  ossl::MdCtxPtr context(EVP_MD_CTX_new());
  ossl::check(context != nullptr, "EVP_MD_CTX_new");
  if (EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) != 1) return nullptr;
  return context;
}

}  // namespace

// What the copies of a key have in common.
struct PublicKey::Shared {
  ossl::PkeyPtr key;
  KeyType type;
  Bytes spki;

  // To begin a verification OpenSSL 3.0 walks through its table of all algorithm names. A key that is used again and
  // again, as that of an account is, begins with a copy of one that has begun; it is never changed.
  bool is_used_again() const { return used_.exchange(true, std::memory_order_relaxed); }
  EVP_MD_CTX const* begun(HashAlgorithm hash) const {
    std::call_once(once_, [&] {
      hash_ = hash;
      if (type != KeyType::ed25519) begun_ = verifying_context(key.get(), message_digest(type, hash));
    });
    return hash == hash_ ? begun_.get() : nullptr;
  }

  Shared(ossl::PkeyPtr k, KeyType t, Bytes s) : key(std::move(k)), type(t), spki(std::move(s)) {}

 private:
  mutable std::atomic<bool> used_ = false;
  mutable std::once_flag once_;
  mutable HashAlgorithm hash_{};
  mutable ossl::MdCtxPtr begun_;
};

PublicKey::PublicKey(ossl::PkeyPtr key, KeyType type, Bytes spki)
    : shared_(std::make_shared<Shared const>(std::move(key), type, std::move(spki))) {}

KeyType PublicKey::type() const { return shared_->type; }
Bytes const& PublicKey::spki() const { return shared_->spki; }
EVP_PKEY* PublicKey::native() const { return shared_->key.get(); }

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, ByteView exponent) {
  if (modulus.empty() || exponent.empty() || modulus[0] == 0 || exponent[0] == 0) {
    return bad_key("(RSA) has a number that is zero or begins with a zero octet");
  }
  if (modulus.size() > kRsaModulusOctetsMax) return bad_key("(RSA) has a modulus of more than 8192 bits");
  if (exponent.size() > kRsaExponentOctetsMax) return bad_key("(RSA) has an exponent of more than 256 bits");
  if (modulus.size() < 64) return bad_key("(RSA) has a modulus of less than 512 bits");
  ossl::BnPtr const n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  ossl::BnPtr const e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  ParamsBuilderPtr const builder(OSSL_PARAM_BLD_new());
  ossl::check(n && e && builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
              "RSA parameters");
  ParamsPtr const params(OSSL_PARAM_BLD_to_param(builder.get()));
  ossl::check(params != nullptr, "RSA parameters");
  auto key = public_from("RSA", params.get());
  if (!key) return bad_key("(RSA) has numbers that OpenSSL refuses");
  auto const numbers = der::element(der::kSequence, {der::unsigned_integer(modulus), der::unsigned_integer(exponent)});
  auto const algorithm = der::element(der::kSequence, {kRsaOid, kDerNull});
  return PublicKey(std::move(key), KeyType::rsa, der::element(der::kSequence, {algorithm, der::bit_string(numbers)}));
}

Result<PublicKey> PublicKey::from_ec(KeyType type, ByteView x, ByteView y) {
  auto const* curve = find_curve(type);
  if (curve == nullptr) return bad_key("is of a type that has no curve");
  if (x.size() != curve->coordinate || y.size() != curve->coordinate) {
    return bad_key("(EC) has coordinates that are not " + std::to_string(curve->coordinate) + " octets long");
  }
  Bytes point{0x04};  // uncompressed
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  std::string group = curve->group;  // OSSL_PARAM wants it writable
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end(),
  };
  auto key = public_from("EC", params);  // checks that the point is on the curve; the cofactor of these curves is 1
  if (!key) return bad_key("(EC) is not a point on its curve");
  auto const algorithm = der::element(der::kSequence, {kEcOid, oid_of(*curve)});
  return PublicKey(std::move(key), type, der::element(der::kSequence, {algorithm, der::bit_string(point)}));
}

Result<PublicKey> PublicKey::from_ed25519(ByteView octets) {
  if (octets.size() != 32) return bad_key("(Ed25519) is not 32 octets long");
  ossl::QuietErrors const quiet;
  ossl::PkeyPtr key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets.data(), octets.size()));
  if (!key) return bad_key("(Ed25519) is refused by OpenSSL");
  auto const algorithm = der::element(der::kSequence, {kEd25519Oid});
  return PublicKey(std::move(key), KeyType::ed25519,
                   der::element(der::kSequence, {algorithm, der::bit_string(octets)}));
}

namespace {

Result<PublicKey> ec_from_spki(der::Reader algorithm, ByteView octets) {
  if (algorithm.next_is(der::kSequence)) {
    return bad_key("(EC) describes its own curve; only the named curves P-256, P-384 and P-521 are accepted");
  }
  TRY(auto name, algorithm.next(der::kOid, "curve"));
  CHECK_OK(algorithm.end());
  for (auto const& curve : kCurves) {
    if (!same(name.whole, oid_of(curve))) continue;
    if (octets.size() != 1 + 2 * curve.coordinate || octets[0] != 0x04) {
      return bad_key("(EC) is not an uncompressed point of " + std::string(to_string(curve.type)));
    }
    return PublicKey::from_ec(curve.type, octets.subspan(1, curve.coordinate), octets.subspan(1 + curve.coordinate));
  }
  return bad_key("(EC) is on a curve that is not accepted; use P-256, P-384 or P-521");
}

Result<PublicKey> rsa_from_spki(der::Reader algorithm, ByteView octets) {
  TRY(auto null, algorithm.next(der::kNull, "NULL parameters"));
  CHECK_OK(algorithm.end());
  if (!null.content.empty()) return bad_key("(RSA) has parameters, where NULL belongs");
  der::Reader outer(octets, Errc::bad_public_key, "the RSA public key");
  TRY(auto numbers, outer.enter(der::kSequence, "numbers"));
  CHECK_OK(outer.end());
  TRY(auto modulus, numbers.unsigned_integer("modulus"));
  TRY(auto exponent, numbers.unsigned_integer("exponent"));
  CHECK_OK(numbers.end());
  return PublicKey::from_rsa(modulus, exponent);
}

}  // namespace

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  der::Reader outer(der, Errc::bad_public_key, "the public key");
  TRY(auto spki, outer.enter(der::kSequence, "SubjectPublicKeyInfo"));
  CHECK_OK(outer.end());
  TRY(auto algorithm, spki.enter(der::kSequence, "algorithm"));
  TRY(auto octets, spki.bit_string("key"));
  CHECK_OK(spki.end());
  TRY(auto oid, algorithm.next(der::kOid, "algorithm identifier"));
  if (same(oid.whole, kEcOid)) return ec_from_spki(algorithm, octets);
  if (same(oid.whole, kRsaOid)) return rsa_from_spki(algorithm, octets);
  if (same(oid.whole, kEd25519Oid)) {
    CHECK_OK(algorithm.end());
    return from_ed25519(octets);
  }
  return bad_key("is of a type that is not accepted; use RSA, or EC on P-256, P-384 or P-521");
}

// Rebuilt from its encoding: so the handle never holds a private part, and both ways lead to the same checks.
Result<PublicKey> PublicKey::from_evp(EVP_PKEY* key) {
  if (key == nullptr) return bad_key("is missing");
  ossl::QuietErrors const quiet;
  int const size = i2d_PUBKEY(key, nullptr);
  if (size <= 0) return bad_key("cannot be written as a SubjectPublicKeyInfo");
  return from_spki(ossl::to_der(key, i2d_PUBKEY));
}

int PublicKey::bits() const {
  auto const* curve = find_curve(type());
  if (curve != nullptr) return curve->bits;
  return type() == KeyType::ed25519 ? 256 : EVP_PKEY_get_bits(native());
}

Sha256 PublicKey::spki_hash() const { return sha256(spki()); }

bool PublicKey::verify(HashAlgorithm hash, ByteView data, ByteView signature) const {
  ossl::QuietErrors const quiet;
  ossl::MdCtxPtr context;
  if (auto const* begun = shared_->is_used_again() ? shared_->begun(hash) : nullptr; begun != nullptr) {
    context.reset(EVP_MD_CTX_new());
    ossl::check(context != nullptr && EVP_MD_CTX_copy_ex(context.get(), begun) == 1, "EVP_MD_CTX_copy_ex");
  } else {
    context = verifying_context(native(), message_digest(type(), hash));
  }
  // One is success; zero and negative numbers are different ways to fail.
  return context != nullptr &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
}

namespace {

// The octets inside the BIT STRING of an encoding that we wrote ourselves.
ByteView key_octets(ByteView spki) {
  der::Reader outer(spki, Errc::bad_public_key, "own SubjectPublicKeyInfo");
  auto info = outer.enter(der::kSequence, "SubjectPublicKeyInfo").value();
  info.next(der::kSequence, "algorithm").value();
  return info.bit_string("key").value();
}

}  // namespace

PublicKey::EcPoint PublicKey::ec_point() const {
  auto const* curve = find_curve(type());
  if (curve == nullptr) bug("ec_point of a key that is not EC");
  auto const octets = key_octets(spki()).subspan(1);
  return {to_bytes(octets.first(curve->coordinate)), to_bytes(octets.subspan(curve->coordinate))};
}

PublicKey::RsaNumbers PublicKey::rsa_numbers() const {
  if (type() != KeyType::rsa) bug("rsa_numbers of a key that is not RSA");
  der::Reader outer(key_octets(spki()), Errc::bad_public_key, "own RSA key");
  auto numbers = outer.enter(der::kSequence, "numbers").value();
  auto const modulus = numbers.unsigned_integer("modulus").value();
  auto const exponent = numbers.unsigned_integer("exponent").value();
  return {to_bytes(modulus), to_bytes(exponent)};
}

Bytes PublicKey::ed25519_octets() const {
  if (type() != KeyType::ed25519) bug("ed25519_octets of a key that is not Ed25519");
  return to_bytes(key_octets(spki()));
}

// --- which keys are good enough --------------------------------------------------------------------------------------

namespace {

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
  return zero_or_one || near_prime || same(y, kOrder8) || same(y, kOtherOrder8);
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

// --- private keys ----------------------------------------------------------------------------------------------------

PrivateKey PrivateKey::generate(KeyType type, int rsa_bits) {
  auto const* curve = find_curve(type);
  ossl::PkeyPtr key;
  if (curve != nullptr) {
    key.reset(EVP_EC_gen(curve->group));
  } else if (type == KeyType::rsa) {
    key.reset(EVP_RSA_gen(static_cast<unsigned>(rsa_bits)));
  } else {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  ossl::check(key != nullptr, "key generation");
  auto public_key = PublicKey::from_evp(key.get());
  return {std::move(key), std::move(public_key).value()};
}

namespace {

struct PassphraseCall {
  SecretBytes const* passphrase;
  bool asked = false;
};

int give_passphrase(char* buffer, int size, int /*writing*/, void* user) {
  auto* call = static_cast<PassphraseCall*>(user);
  call->asked = true;
  auto const view = call->passphrase->view();
  if (view.empty() || view.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(view.begin(), view.end(), buffer);
  return static_cast<int>(view.size());
}

}  // namespace

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, SecretBytes const& passphrase) {
  ossl::QuietErrors const quiet;
  ossl::BioPtr const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ossl::check(bio != nullptr, "BIO_new_mem_buf");
  PassphraseCall call{&passphrase};
  ossl::PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &call));
  if (!key) {
    if (!call.asked) return Error(Errc::file, "there is no private key in PEM form that can be read");
    if (passphrase.empty())
      return Error(Errc::wrong_passphrase, "the private key is encrypted: a passphrase is needed");
    return Error(Errc::wrong_passphrase, "the private key does not open with this passphrase (or is damaged)");
  }
  return from_evp(key.get());
}

Result<PrivateKey> PrivateKey::from_evp(EVP_PKEY* key) {
  auto public_key = PublicKey::from_evp(key);
  if (!public_key.ok()) return Error(Errc::file, "the private key cannot be used: " + public_key.error().detail());
  ossl::check(EVP_PKEY_up_ref(key) == 1, "EVP_PKEY_up_ref");
  return PrivateKey(ossl::PkeyPtr(key), std::move(public_key).value());
}

namespace {

using Pkcs8Ptr = ossl::Ptr<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using AlgorithmPtr = ossl::Ptr<X509_ALGOR, X509_ALGOR_free>;

// What OpenSSL 3.0 reads with its limit of 32 MiB; N=32768 would need more than that.
constexpr std::uint64_t kScryptN = 16'384;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 16;

}  // namespace

std::string PrivateKey::to_encrypted_pem(SecretBytes const& passphrase) const {
  if (passphrase.empty()) bug("a private key is to be encrypted with an empty passphrase");
  Pkcs8Ptr const info(EVP_PKEY2PKCS8(key_.get()));
  Bytes salt = random_bytes(16);
  AlgorithmPtr scheme(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt.data(), static_cast<int>(salt.size()), nullptr,
                                            kScryptN, kScryptR, kScryptP));
  ossl::check(info && scheme, "PKCS#8");
  ossl::X509SigPtr const sealed(
      PKCS8_set0_pbe(passphrase.text().data(), static_cast<int>(passphrase.size()), info.get(), scheme.get()));
  ossl::check(sealed != nullptr, "PKCS8_set0_pbe");
  static_cast<void>(scheme.release());  // `sealed` took it
  ossl::BioPtr const bio(BIO_new(BIO_s_mem()));
  ossl::check(bio && PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1, "PEM_write_bio_PKCS8");
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

SecretBytes PrivateKey::to_pem() const {
  ossl::BioPtr const bio(BIO_new(BIO_s_secmem()));  // wiped when it is freed
  ossl::check(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
              "PEM_write_bio_PKCS8PrivateKey");
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return SecretBytes(std::string_view(text, static_cast<std::size_t>(size)));
}

Bytes PrivateKey::sign(HashAlgorithm hash, ByteView data) const {
  ossl::MdCtxPtr const context(EVP_MD_CTX_new());
  ossl::check(context && EVP_DigestSignInit(context.get(), nullptr, message_digest(public_.type(), hash), nullptr,
                                            key_.get()) == 1,
              "EVP_DigestSignInit");
  std::size_t size = 0;
  ossl::check(EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) == 1, "EVP_DigestSign");
  Bytes signature(size);
  ossl::check(EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1, "EVP_DigestSign");
  signature.resize(size);
  return signature;
}

}  // namespace lenscap::x509
