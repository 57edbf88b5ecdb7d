#include "base/x509/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <span>

#include "base/x509/der.h"
#include "base/x509/message_digest.h"

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

}  // namespace lenscap::x509
