#include "acme/wire/jwk.h"

#include <array>

namespace lenscap::acme {
namespace {

struct Curve {
  std::string_view name;  // RFC 7518 6.2.1.1
  x509::KeyType type;
  std::size_t octets;  // of one coordinate: it is never shortened (RFC 7518 6.2.1.2)
};
constexpr std::array kCurves{
    Curve{"P-256", x509::KeyType::ec_p256, 32},
    Curve{"P-384", x509::KeyType::ec_p384, 48},
    Curve{"P-521", x509::KeyType::ec_p521, 66},
};

constexpr std::string_view kEd25519 = "Ed25519";

Result<Bytes> need_octets(json::Object const& jwk, std::string_view member) {
  TRY(auto const text, json::need_string(jwk, member));
  auto octets = from_base64url(text);
  if (!octets.ok()) return std::move(octets).error().with_context("jwk member " + std::string(member) + ": ");
  return octets;
}

// RFC 7518 6.3.1: the fewest octets that hold the number.
Result<Bytes> need_number(json::Object const& jwk, std::string_view member) {
  TRY(auto octets, need_octets(jwk, member));
  if (octets.empty() || octets.front() == 0) {
    return Error(Errc::malformed, "jwk member " + std::string(member) + ": empty, or with leading zeros");
  }
  return octets;
}

Result<Bytes> need_exactly(json::Object const& jwk, std::string_view member, std::size_t count) {
  TRY(auto octets, need_octets(jwk, member));
  if (octets.size() != count) {
    return Error(Errc::malformed,
                 "jwk member " + std::string(member) + ": must be exactly " + std::to_string(count) + " octets");
  }
  return octets;
}

Result<x509::PublicKey> read_ec(json::Object const& jwk) {
  TRY(auto const name, json::need_string(jwk, "crv"));
  for (auto const& curve : kCurves) {
    if (curve.name != name) continue;
    TRY(auto const x, need_exactly(jwk, "x", curve.octets));
    TRY(auto const y, need_exactly(jwk, "y", curve.octets));
    return x509::PublicKey::from_ec(curve.type, x, y);
  }
  return Error(Errc::bad_public_key, "jwk: this curve is not accepted; use P-256, P-384 or P-521");
}

Result<x509::PublicKey> read_rsa(json::Object const& jwk) {
  TRY(auto const modulus, need_number(jwk, "n"));
  TRY(auto const exponent, need_number(jwk, "e"));
  return x509::PublicKey::from_rsa(modulus, exponent);
}

Result<x509::PublicKey> read_okp(json::Object const& jwk) {
  TRY(auto const name, json::need_string(jwk, "crv"));
  if (name != kEd25519) return Error(Errc::bad_public_key, "jwk: this curve is not accepted; use Ed25519");
  TRY(auto const octets, need_exactly(jwk, "x", 32));
  return x509::PublicKey::from_ed25519(octets);
}

Result<x509::PublicKey> read_key(json::Object const& jwk) {
  TRY(auto const kind, json::need_string(jwk, "kty"));
  if (kind == "EC") return read_ec(jwk);
  if (kind == "RSA") return read_rsa(jwk);
  if (kind == "OKP") return read_okp(jwk);
  return Error(Errc::bad_public_key, "jwk: this kind of key is not accepted; use EC, RSA or OKP");
}

}  // namespace

Result<Jwk> read_jwk(json::Object const& object) {
  // Whoever sends a private key has lost it; nothing may go on with it (8555-6.2-18). `k` is a symmetric key.
  for (char const* member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    if (object.find(member) != nullptr) {
      return Error(Errc::malformed, "jwk: holds a private or symmetric key; send the public members only");
    }
  }
  TRY(auto const use, json::get_string(object, "use"));
  if (use && *use != "sig") return Error(Errc::bad_public_key, "jwk: its `use` is not \"sig\"");
  TRY(auto alg, json::get_string(object, "alg"));
  TRY(auto key, read_key(object));
  CHECK_OK(x509::check_key(key, /*allow_ed25519=*/true));  // 8555-6.2-13
  return Jwk{std::move(key), std::move(alg)};
}

json::Object to_jwk(x509::PublicKey const& key) {
  if (key.type() == x509::KeyType::rsa) {
    auto const numbers = key.rsa_numbers();
    return {{"e", to_base64url(numbers.exponent)}, {"kty", "RSA"}, {"n", to_base64url(numbers.modulus)}};
  }
  if (key.type() == x509::KeyType::ed25519) {
    return {{"crv", kEd25519}, {"kty", "OKP"}, {"x", to_base64url(key.ed25519_octets())}};
  }
  for (auto const& curve : kCurves) {
    if (curve.type != key.type()) continue;
    auto const point = key.ec_point();
    return {{"crv", curve.name}, {"kty", "EC"}, {"x", to_base64url(point.x)}, {"y", to_base64url(point.y)}};
  }
  bug("a key type without a JWK form");
}

std::string thumbprint(x509::PublicKey const& key) {
  // RFC 7638 3: required members only, in lexicographic order, no white space: what to_jwk and json::write give.
  return to_base64url(sha256(as_bytes(json::write(to_jwk(key)))));
}

}  // namespace lenscap::acme
