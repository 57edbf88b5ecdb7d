#include "tests/conformance/jws.h"

#include "base/digest.h"
#include "base/ossl.h"

namespace lenscap::conformance {
namespace {

struct Row {
  x509::KeyType type;
  char const* name;
  HashAlgorithm hash;
  int half;  // octets of r and of s; 0: the signature is taken as it is
};
constexpr Row kRows[] = {
    {x509::KeyType::ec_p256, "ES256", HashAlgorithm::sha256, 32},
    {x509::KeyType::ec_p384, "ES384", HashAlgorithm::sha384, 48},
    {x509::KeyType::ec_p521, "ES512", HashAlgorithm::sha512, 66},
    {x509::KeyType::rsa, "RS256", HashAlgorithm::sha256, 0},
    {x509::KeyType::ed25519, "EdDSA", HashAlgorithm::sha512, 0},
};

Row const& row_of(x509::KeyType type) {
  for (auto const& row : kRows)
    if (row.type == type) return row;
  bug("a key type without a row");
}

json::Object flattened(std::string const& protected_text, std::string const& payload_text, ByteView signature) {
  return {{"protected", protected_text}, {"payload", payload_text}, {"signature", to_base64url(signature)}};
}

}  // namespace

std::string algorithm_of(x509::KeyType type) { return row_of(type).name; }

json::Object sign(x509::PrivateKey const& key, json::Object const& header, std::string_view payload) {
  return sign_encoded(key, base64url_of(json::write(header)), base64url_of(payload));
}

json::Object sign_encoded(x509::PrivateKey const& key, std::string const& protected_text,
                          std::string const& payload_text) {
  auto const& row = row_of(key.public_key().type());
  auto signature = key.sign(row.hash, as_bytes(protected_text + "." + payload_text));
  if (row.half != 0) {
    auto const* in = signature.data();
    ossl::EcdsaSigPtr const parsed(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(signature.size())));
    ossl::check(parsed != nullptr, "d2i_ECDSA_SIG");
    Bytes raw(2 * static_cast<std::size_t>(row.half));
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), raw.data(), row.half);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), raw.data() + row.half, row.half);
    signature = std::move(raw);
  }
  return flattened(protected_text, payload_text, signature);
}

json::Object sign_with_der(x509::PrivateKey const& key, json::Object const& header, std::string_view payload) {
  auto const protected_text = base64url_of(json::write(header));
  auto const payload_text = base64url_of(payload);
  auto const signature = key.sign(row_of(key.public_key().type()).hash, as_bytes(protected_text + "." + payload_text));
  return flattened(protected_text, payload_text, signature);
}

json::Object sign_by_mac(ByteView mac_key, json::Object const& header, std::string_view payload) {
  auto const* alg = header.find("alg");
  auto const name = alg != nullptr && alg->as_string() != nullptr ? *alg->as_string() : "HS256";
  auto const hash = name == "HS512"   ? HashAlgorithm::sha512
                    : name == "HS384" ? HashAlgorithm::sha384
                                      : HashAlgorithm::sha256;
  auto const protected_text = base64url_of(json::write(header));
  auto const payload_text = base64url_of(payload);
  return flattened(protected_text, payload_text, hmac(hash, mac_key, as_bytes(protected_text + "." + payload_text)));
}

std::string base64url_of(std::string_view text) { return to_base64url(as_bytes(text)); }

json::Object without(json::Object const& object, std::string_view member) {
  json::Object out;
  for (auto const& [name, value] : object.members())
    if (name != member) out.set(name, value);
  return out;
}

}  // namespace lenscap::conformance
