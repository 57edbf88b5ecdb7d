// A JWS that is accepted is what it says, and nobody but the owner of a key makes one that verifies. Any payload that
// we sign is read back and verifies; the octets are also tried as an external account binding.
#include <cstdint>
#include <string_view>

#include "acme/wire/jws.h"

using namespace lenscap;

namespace {

x509::PrivateKey const& our_key() {
  static auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  return key;
}

void read_anything(std::string_view text) {
  auto const jws = acme::parse_jws(text);
  if (!jws.ok()) return;
  if (jws->algorithm == nullptr) bug("a JWS without algorithm");
  if (jws->jwk.has_value() == !jws->kid.empty()) bug("both or neither of jwk and kid");
  if (jws->url.empty() && jws->nonce.empty()) bug("neither url nor nonce");
  auto const dot = jws->signing_input.find('.');
  if (from_base64url(jws->signing_input.substr(dot + 1)).value() != to_bytes(jws->payload)) bug("another payload");
  // Corpora hold signatures of other keys only.
  if (acme::verify(*jws, our_key().public_key()).ok()) bug("a forged signature");
  if (jws->jwk) (void)acme::verify(*jws, *jws->jwk);
}

void sign_anything(std::string_view payload) {
  if (payload.size() > 32 * 1024) return;
  acme::SigningHeader const header{.url = "https://ca/x", .nonce = "bm9uY2U", .kid = payload.size() % 2 ? "kid" : ""};
  auto jws = acme::parse_jws(acme::sign_jws(our_key(), header, payload));
  if (!jws.ok() || jws->payload != payload || jws->kid != header.kid) bug("a JWS does not survive a round trip");
  if (!acme::verify(*jws, our_key().public_key()).ok()) bug("our own signature does not verify");
  jws->signing_input += 'A';
  if (acme::verify(*jws, our_key().public_key()).ok()) bug("a signature verifies for another text");
}

void read_binding(std::string_view text) {
  auto const object = json::parse_object(text);
  if (!object.ok()) return;
  auto const eab = acme::read_eab(*object);
  if (!eab.ok()) return;
  SecretBytes const mac_key(Bytes(32, 0x42));
  if (acme::verify(*eab, mac_key).ok()) bug("a forged binding");
  auto const made = acme::read_eab(acme::make_eab(eab->kid, mac_key, eab->algorithm, eab->url, eab->key));
  if (!made.ok() || !acme::verify(*made, mac_key).ok() || made->kid != eab->kid || made->url != eab->url ||
      made->key != eab->key) {
    bug("a binding does not survive a round trip");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  read_anything(text);
  sign_anything(text);
  read_binding(text);
  return 0;
}
