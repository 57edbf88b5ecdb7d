#include "acme/server/store_sealer.h"

#include "acme/server/db.h"
#include "acme/server/records.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kSalt = "seal_salt";
constexpr std::string_view kCheck = "seal_check";  // a known text under the key: tells a wrong passphrase at once

// Nothing of a store that has nothing sealed yet.
Result<std::optional<Sealer>> open_present(Db& db, SecretBytes const& passphrase) {
  auto load = [&](store::ReadTxn& txn) { return std::pair(load_meta(txn, kSalt), load_meta(txn, kCheck)); };
  auto const [salt, check] = db.read_blocking(load);
  if (!salt || !check) return std::optional<Sealer>();
  TRY(auto octets, from_hex(*salt));
  auto sealer = Sealer::from_passphrase(passphrase, octets);
  if (!sealer.open(*check, kCheck))
    return Error(Errc::wrong_passphrase, "the store's secrets are sealed under another passphrase than this one");
  return std::optional(std::move(sealer));
}

}  // namespace

Result<> check_sealer(store::Store& store, SecretBytes const& passphrase) {
  Db db(store);
  TRY([[maybe_unused]] auto const present, open_present(db, passphrase));
  return {};
}

Result<Sealer> open_sealer(store::Store& store, SecretBytes const& passphrase) {
  Db db(store);
  TRY(auto present, open_present(db, passphrase));
  if (present) return *std::move(present);
  auto const fresh = random_bytes(16);
  auto sealer = Sealer::from_passphrase(passphrase, fresh);
  auto save = [&](store::WriteTxn& txn) -> Result<> {
    save_meta(txn, kSalt, to_hex(fresh));
    save_meta(txn, kCheck, sealer.seal(SecretBytes(std::string_view("lenscap")), kCheck));
    return {};
  };
  CHECK_OK(db.write_blocking(save));
  return sealer;
}

}  // namespace lenscap::acme
