#include "acme/server/audit_key.h"

#include "acme/server/records/meta.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kPrivate = "audit_key";        // sealed PKCS#8
constexpr std::string_view kPublic = "audit_key_public";  // hex of the SubjectPublicKeyInfo

}  // namespace

Result<x509::PrivateKey> open_audit_key(store::Store& store, Sealer const& sealer) {
  std::optional<std::string> sealed;
  store.write([&](store::WriteTxn& txn) {
    sealed = load_meta(txn, kPrivate);
    if (sealed) return false;
    auto const made = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    sealed = sealer.seal(made.to_pem(), kPrivate);
    save_meta(txn, kPrivate, *sealed);
    save_meta(txn, kPublic, to_hex(made.public_key().spki()));
    return true;
  });
  TRY(auto const pem, sealer.open(*sealed, kPrivate));
  return x509::PrivateKey::from_pem(pem.text(), SecretBytes());
}

std::optional<x509::PublicKey> find_audit_key(store::ReadTxn& txn) {
  auto const text = load_meta(txn, kPublic);
  if (!text) return std::nullopt;
  auto const octets = from_hex(*text);
  auto key = octets ? x509::PublicKey::from_spki(*octets) : octets.error();
  if (!key) throw store::Broken("the public key of the audit trail cannot be read");
  return *std::move(key);
}

}  // namespace lenscap::acme
