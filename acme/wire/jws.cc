#include "acme/wire/jws.h"

#include <algorithm>
#include <array>

namespace lenscap::acme {
namespace {

constexpr std::array kSignatureAlgorithms{
    // name      key                       hash                    octets of r || s
    SignatureAlgorithm{"ES256", x509::KeyType::ec_p256, HashAlgorithm::sha256, 64},
    SignatureAlgorithm{"ES384", x509::KeyType::ec_p384, HashAlgorithm::sha384, 96},
    SignatureAlgorithm{"ES512", x509::KeyType::ec_p521, HashAlgorithm::sha512, 132},
    SignatureAlgorithm{"EdDSA", x509::KeyType::ed25519, HashAlgorithm::sha512, 64},
    SignatureAlgorithm{"RS256", x509::KeyType::rsa, HashAlgorithm::sha256, 0},
};

struct MacRow {
  MacAlgorithm algorithm;
  std::string_view name;
  HashAlgorithm hash;
};
constexpr std::array kMacAlgorithms{
    MacRow{MacAlgorithm::hs256, "HS256", HashAlgorithm::sha256},
    MacRow{MacAlgorithm::hs384, "HS384", HashAlgorithm::sha384},
    MacRow{MacAlgorithm::hs512, "HS512", HashAlgorithm::sha512},
};

MacRow const& row(MacAlgorithm algorithm) {
  for (auto const& candidate : kMacAlgorithms) {
    if (candidate.algorithm == algorithm) return candidate;
  }
  bug("unknown MAC algorithm");
}

bool is_ec(x509::KeyType type) { return type != x509::KeyType::rsa && type != x509::KeyType::ed25519; }

// What the outer JWS and the inner one of an external account binding have in common.
struct Flattened {
  json::Object header;
  std::string payload;
  std::string signing_input;
  Bytes signature;
};

Result<Flattened> read_flattened(json::Object const& object) {
  if (object.find("signatures") != nullptr) {  // 8555-6.2-2, 8555-6.2-3
    return Error(Errc::malformed, "the JWS must be in flattened form with one signature");
  }
  if (object.find("header") != nullptr) {  // 8555-6.2-4
    return Error(Errc::malformed, "the JWS has an unprotected header; put everything into `protected`");
  }
  TRY(auto const header_text, json::need_text(object, "protected"));
  TRY(auto const payload_text, json::need_text(object, "payload"));  // 8555-6.2-6
  TRY(auto const signature_text, json::need_text(object, "signature"));

  auto const decode = [](std::string_view text, char const* member) -> Result<Bytes> {
    auto octets = from_base64url(text);  // 8555-6.1-5
    if (!octets.ok()) return std::move(octets).error().with_context(std::string("JWS member ") + member + ": ");
    return octets;
  };
  TRY(auto const header_octets, decode(header_text, "protected"));
  TRY(auto const payload, decode(payload_text, "payload"));
  TRY(auto signature, decode(signature_text, "signature"));
  if (signature.empty()) return Error(Errc::malformed, "the JWS has an empty signature");

  auto header = json::parse_object(as_text(header_octets));
  if (!header.ok()) return std::move(header).error().with_context("JWS protected header: ");
  // 8555-6.2-5. No extension is understood here, so every `crit` is refused, and `b64` has none but harmful uses.
  if (header->find("crit") != nullptr || header->find("b64") != nullptr) {
    return Error(Errc::malformed, "JWS protected header: `crit` and `b64` are not supported");
  }
  std::string signing_input;
  signing_input.reserve(header_text.size() + 1 + payload_text.size());
  signing_input.append(header_text).append(1, '.').append(payload_text);
  return Flattened{std::move(header).value(), std::string(as_text(payload)), std::move(signing_input),
                   std::move(signature)};
}

Error unsupported_algorithm() {
  std::string list;
  for (auto const& algorithm : kSignatureAlgorithms) list += (list.empty() ? "" : ", ") + std::string(algorithm.name);
  return Error(Errc::bad_signature_algorithm, "this signature algorithm is not supported; use one of " + list);
}

Error unfit_algorithm(SignatureAlgorithm const& wanted) {
  return Error(Errc::bad_signature_algorithm,
               "the algorithm does not fit the key, which is used with " + std::string(wanted.name));
}

// Fills in the key of the header: its jwk, or the kid. 8555-6.2-7, 8555-6.2-8
Result<> read_signer(json::Object const& header, Jws& jws) {
  TRY(auto const jwk_object, json::get_object(header, "jwk"));
  TRY(auto const kid, json::get_string(header, "kid"));
  if (jwk_object.has_value() == kid.has_value()) {
    return Error(Errc::malformed, "JWS protected header: exactly one of `jwk` and `kid` must be there");
  }
  if (kid) {
    if (kid->empty()) return Error(Errc::malformed, "JWS protected header: `kid` is empty");
    jws.kid = *kid;
    return {};
  }
  TRY(auto jwk, read_jwk(*jwk_object));
  auto const& fitting = signature_algorithm_for(jwk.key.type());
  if (&fitting != jws.algorithm) return unfit_algorithm(fitting);
  if (jwk.alg && *jwk.alg != jws.algorithm->name) {
    return Error(Errc::bad_signature_algorithm, "the `alg` of the jwk is not that of the protected header");
  }
  jws.jwk = std::move(jwk.key);
  return {};
}

// Big-endian r or s: from 1 to n - 1 for the curve's order n (SEC 1, 4.1.4). Zeros are how CVE-2022-21449 went.
bool is_in_range(ByteView number, x509::KeyType curve) {
  static Bytes const kOrders[] = {
      from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value(),
      from_hex("ffffffffffffffffffffffffffffffffffffffffffffffff"
               "c7634d81f4372ddf581a0db248b0a77aecec196accc52973")
          .value(),
      from_hex("01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
               "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409")
          .value(),
  };
  Bytes const& order = kOrders[curve == x509::KeyType::ec_p256 ? 0 : curve == x509::KeyType::ec_p384 ? 1 : 2];
  if (number.size() != order.size()) return false;
  if (std::all_of(number.begin(), number.end(), [](auto octet) { return octet == 0; })) return false;
  return std::lexicographical_compare(number.begin(), number.end(), order.begin(), order.end());
}

// Appends the INTEGER of a positive number.
void append_integer(Bytes& der, ByteView number) {
  while (number.size() > 1 && number.front() == 0) number = number.subspan(1);
  bool const looks_negative = number.front() >= 0x80;
  der.push_back(0x02);
  der.push_back(static_cast<std::uint8_t>(number.size() + (looks_negative ? 1 : 0)));
  if (looks_negative) der.push_back(0);
  der.insert(der.end(), number.begin(), number.end());
}

// r || s of RFC 7518 3.4 to the Ecdsa-Sig-Value (RFC 3279 2.2.3) that OpenSSL reads.
Result<Bytes> ecdsa_der(ByteView raw, x509::KeyType curve) {
  auto const r = raw.first(raw.size() / 2);
  auto const s = raw.last(raw.size() / 2);
  if (!is_in_range(r, curve) || !is_in_range(s, curve)) {
    return Error(Errc::malformed, "the JWS signature holds a number that is out of range");
  }
  Bytes numbers;  // two of at most 66 octets and their frames: 138
  numbers.reserve(raw.size() + 8);
  append_integer(numbers, r);
  append_integer(numbers, s);
  Bytes der{0x30};
  der.reserve(numbers.size() + 3);
  if (numbers.size() >= 0x80) der.push_back(0x81);
  der.push_back(static_cast<std::uint8_t>(numbers.size()));
  der.insert(der.end(), numbers.begin(), numbers.end());
  return der;
}

Bytes ecdsa_raw(ByteView der, std::size_t octets) {
  auto const* in = der.data();
  ossl::EcdsaSigPtr const signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  ossl::check(signature != nullptr, "d2i_ECDSA_SIG");
  Bytes raw(octets);
  int const half = static_cast<int>(octets / 2);
  ossl::check(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), half) == half &&
                  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + half, half) == half,
              "BN_bn2binpad");
  return raw;
}

json::Object flattened(std::string const& header, std::string const& payload, ByteView signature) {
  return {{"protected", header}, {"payload", payload}, {"signature", to_base64url(signature)}};
}

}  // namespace

std::span<SignatureAlgorithm const> signature_algorithms() { return kSignatureAlgorithms; }

SignatureAlgorithm const* find_signature_algorithm(std::string_view name) {
  for (auto const& algorithm : kSignatureAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

SignatureAlgorithm const& signature_algorithm_for(x509::KeyType type) {
  for (auto const& algorithm : kSignatureAlgorithms) {
    if (algorithm.key == type) return algorithm;
  }
  bug("a key type without a signature algorithm");
}

namespace {

// What is signed, by which algorithm and by whom; `url` and `nonce` are the caller's, who knows which of them belong.
Result<Jws> read_signed(Flattened& parts) {
  Jws jws;
  TRY(auto const alg, json::need_text(parts.header, "alg"));
  jws.algorithm = find_signature_algorithm(alg);
  if (jws.algorithm == nullptr) return unsupported_algorithm();  // 8555-6.2-9, 8555-6.2-12
  CHECK_OK(read_signer(parts.header, jws));
  if (is_ec(jws.algorithm->key) && parts.signature.size() != jws.algorithm->signature_octets) {
    return Error(Errc::malformed, "the JWS signature must be r || s of " +
                                      std::to_string(jws.algorithm->signature_octets) + " octets for " +
                                      std::string(jws.algorithm->name));
  }
  jws.payload = std::move(parts.payload);
  jws.signing_input = std::move(parts.signing_input);
  jws.signature = std::move(parts.signature);
  return jws;
}

}  // namespace

Result<Jws> parse_jws(std::string_view body) {
  TRY(auto const object, json::parse_object(body));  // 8555-6.2-19
  TRY(auto parts, read_flattened(object));
  TRY(auto jws, read_signed(parts));
  TRY(auto url, json::get_string(parts.header, "url"));
  if (!url) return Error(Errc::unauthorized, "JWS protected header: `url` is missing");  // 8555-6.4-1
  TRY(auto nonce, json::get_string(parts.header, "nonce"));
  if (!nonce || nonce->empty()) {  // 8555-6.5-5
    return Error(Errc::bad_nonce, "JWS protected header: `nonce` is missing; take one from Replay-Nonce");
  }
  if (!from_base64url(*nonce).ok()) {  // 8555-6.5.2-1
    return Error(Errc::malformed, "JWS protected header: `nonce` is not base64url");
  }
  jws.url = *std::move(url);
  jws.nonce = *std::move(nonce);
  return jws;
}

Result<Jws> parse_inner_jws(std::string_view body) {
  TRY(auto const object, json::parse_object(body));
  TRY(auto parts, read_flattened(object));
  TRY(auto jws, read_signed(parts));
  if (!jws.jwk) return Error(Errc::malformed, "JWS protected header: it must carry the key itself (`jwk`)");
  if (parts.header.find("nonce") != nullptr) {
    return Error(Errc::malformed, "JWS protected header: an inner JWS has no `nonce`");
  }
  TRY(jws.url, json::need_string(parts.header, "url"));
  return jws;
}

Result<> verify(Jws const& jws, x509::PublicKey const& key) {
  auto const& fitting = signature_algorithm_for(key.type());
  if (&fitting != jws.algorithm) return unfit_algorithm(fitting);  // 8555-6.2-18
  auto const wrong = [] { return Error(Errc::malformed, "the JWS signature is wrong"); };
  if (fitting.signature_octets != 0 && jws.signature.size() != fitting.signature_octets) return wrong();
  auto const is_signed_by = [&](ByteView signature) {
    return key.verify(fitting.hash, as_bytes(jws.signing_input), signature);
  };
  if (!is_ec(key.type())) return is_signed_by(jws.signature) ? Result<>() : wrong();
  TRY(auto const der, ecdsa_der(jws.signature, key.type()));
  return is_signed_by(der) ? Result<>() : wrong();
}

std::string sign_jws(x509::PrivateKey const& key, SigningHeader const& header, std::string_view payload) {
  auto const& algorithm = signature_algorithm_for(key.public_key().type());
  json::Object fields{{"alg", algorithm.name}};
  if (header.kid.empty()) {
    fields.set("jwk", to_jwk(key.public_key()));
  } else {
    fields.set("kid", header.kid);
  }
  if (!header.nonce.empty()) fields.set("nonce", header.nonce);
  fields.set("url", header.url);
  auto const protected_text = to_base64url(as_bytes(json::write(fields)));
  auto const payload_text = to_base64url(as_bytes(payload));
  auto signature = key.sign(algorithm.hash, as_bytes(protected_text + '.' + payload_text));
  if (is_ec(algorithm.key)) signature = ecdsa_raw(signature, algorithm.signature_octets);
  return json::write(flattened(protected_text, payload_text, signature));
}

std::string_view to_string(MacAlgorithm algorithm) { return row(algorithm).name; }

Result<EabJws> read_eab(json::Object const& binding) {
  auto const context = [](Error error) { return std::move(error).with_context("external account binding: "); };
  auto parts = read_flattened(binding);
  if (!parts.ok()) return context(std::move(parts).error());
  // 8555-7.3.4-2
  for (char const* member : {"nonce", "jwk"}) {
    if (parts->header.find(member) != nullptr) {
      return context(Error(Errc::malformed, std::string("`") + member + "` must not be in its header"));
    }
  }
  auto alg = json::need_string(parts->header, "alg");
  auto kid = json::need_string(parts->header, "kid");
  auto url = json::need_string(parts->header, "url");
  for (auto const* field : {&alg, &kid, &url}) {
    if (!field->ok()) return context(field->error());
  }
  auto const* mac = std::find_if(kMacAlgorithms.begin(), kMacAlgorithms.end(),
                                 [&](MacRow const& candidate) { return candidate.name == *alg; });
  // Not badSignatureAlgorithm: its list names what is right for the outer JWS.
  if (mac == kMacAlgorithms.end()) {
    return context(Error(Errc::malformed, "its algorithm must be HS256, HS384 or HS512"));
  }
  auto const is_printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (kid->empty() || !std::all_of(kid->begin(), kid->end(), is_printable)) {  // 8555-7.3.4-1
    return context(Error(Errc::malformed, "its kid must be ASCII"));
  }
  auto const payload = json::parse_object(parts->payload);
  if (!payload.ok()) return context(Error(Errc::malformed, "its payload must be a JWK"));
  auto jwk = read_jwk(*payload);
  if (!jwk.ok()) return context(std::move(jwk).error());
  return EabJws{mac->algorithm,      std::move(kid).value(),          std::move(url).value(),
                std::move(jwk->key), std::move(parts->signing_input), std::move(parts->signature)};
}

Result<> verify(EabJws const& eab, SecretBytes const& mac_key) {
  auto const expected = hmac(row(eab.algorithm).hash, mac_key.view(), as_bytes(eab.signing_input));
  if (mac_key.empty() || !equal_constant_time(expected, eab.mac)) {
    return Error(Errc::unauthorized, "external account binding: key id and MAC do not belong together");
  }
  return {};
}

json::Object make_eab(std::string_view kid, SecretBytes const& mac_key, MacAlgorithm algorithm, std::string_view url,
                      x509::PublicKey const& account_key) {
  json::Object const header{{"alg", to_string(algorithm)}, {"kid", kid}, {"url", url}};
  auto const protected_text = to_base64url(as_bytes(json::write(header)));
  auto const payload_text = to_base64url(as_bytes(json::write(to_jwk(account_key))));
  auto const mac = hmac(row(algorithm).hash, mac_key.view(), as_bytes(protected_text + '.' + payload_text));
  return flattened(protected_text, payload_text, mac);
}

}  // namespace lenscap::acme
