#include "ca/audit_head.h"

#include <algorithm>

namespace lenscap::ca {
namespace {

constexpr HashAlgorithm kHash = HashAlgorithm::sha256;

}  // namespace

std::string signed_text(AuditHead const& head, Time at) {
  return "lenscap audit head\n" + std::to_string(head.number) + "\n" + to_hex(head.hash) + "\n" +
         std::to_string(to_unix(at)) + "\n";
}

SignedAuditHead sign_audit_head(x509::PrivateKey const& key, AuditHead const& head, Time now) {
  return {head, now, key.public_key(), key.sign(kHash, to_bytes(signed_text(head, now)))};
}

json::Object to_json(SignedAuditHead const& head) {
  return {{"number", static_cast<std::int64_t>(head.head.number)},
          {"hash", to_hex(head.head.hash)},
          {"at", to_unix(head.at)},
          {"signed", signed_text(head.head, head.at)},
          {"signature", to_base64(head.signature)},
          {"key", to_base64(head.key.spki())}};
}

Result<SignedAuditHead> read_audit_head(std::string_view text) {
  TRY(auto const object, json::parse_object(text, {.bytes = 16 * 1024, .depth = 1, .members = 16}));
  TRY(auto const number, json::need_int(object, "number"));
  TRY(auto const hash_text, json::need_string(object, "hash"));
  TRY(auto const at, json::need_int(object, "at"));
  TRY(auto const signature_text, json::need_string(object, "signature"));
  TRY(auto const key_text, json::need_string(object, "key"));
  TRY(auto const hash, from_hex(hash_text));
  TRY(auto signature, from_base64(signature_text));
  TRY(auto const spki, from_base64(key_text));
  AuditHead head{static_cast<std::uint64_t>(number), {}};
  if (number < 0 || hash.size() != head.hash.size())
    return Error(Errc::malformed, "the head of the audit trail has no number from 0 on, or no hash of 32 octets");
  std::ranges::copy(hash, head.hash.begin());
  TRY(auto key, x509::PublicKey::from_spki(spki));
  if (!key.verify(kHash, to_bytes(signed_text(head, from_unix(at))), signature))
    return Error(Errc::unauthorized, "the head of the audit trail was not signed by the key that stands in it");
  return SignedAuditHead{head, from_unix(at), std::move(key), std::move(signature)};
}

}  // namespace lenscap::ca
