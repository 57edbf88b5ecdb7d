#include "acme/wire/key_change.h"

namespace lenscap::acme {

Result<KeyChange> read_key_change(std::string_view payload) {
  auto const context = [](Error error) { return std::move(error).with_context("key change: "); };
  auto jws = parse_inner_jws(payload);
  if (!jws.ok()) return context(std::move(jws).error());
  if (auto good = verify(*jws, *jws->jwk); !good.ok()) return context(std::move(good).error());
  auto const object = json::parse_object(jws->payload);
  if (!object.ok()) return context(object.error());
  auto account = json::need_string(*object, "account");
  if (!account.ok()) return context(std::move(account).error());
  auto const old_jwk = json::need_object(*object, "oldKey");
  if (!old_jwk.ok()) return context(old_jwk.error());
  auto old_key = read_jwk(*old_jwk);
  if (!old_key.ok()) return context(std::move(old_key).error().with_context("oldKey: "));
  return KeyChange{*std::move(jws->jwk), std::move(jws->url), *std::move(account), std::move(old_key->key)};
}

std::string make_key_change(x509::PrivateKey const& new_key, std::string_view url, std::string_view account,
                            x509::PublicKey const& old_key) {
  json::Object const payload{{"account", account}, {"oldKey", to_jwk(old_key)}};
  return sign_jws(new_key, {.url = std::string(url), .nonce = {}, .kid = {}}, json::write(payload));
}

}  // namespace lenscap::acme
