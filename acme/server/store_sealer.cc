#include "acme/server/store_sealer.h"

#include "acme/server/db.h"
#include "acme/server/records.h"
#include "base/random.h"

namespace lenscap::acme {

Result<Sealer> open_sealer(store::Store& store, SecretBytes const& passphrase) {
  constexpr std::string_view kSalt = "seal_salt";
  constexpr std::string_view kCheck = "seal_check";  // a known text under the key: tells a wrong passphrase at once
  Db db(store);
  auto load = [&](store::ReadTxn& txn) { return std::pair(load_meta(txn, kSalt), load_meta(txn, kCheck)); };
  auto const [salt, check] = db.read_blocking(load);
  if (salt && check) {
    TRY(auto octets, from_hex(*salt));
    auto sealer = Sealer::from_passphrase(passphrase, octets);
    if (!sealer.open(*check, kCheck))
      return Error(Errc::wrong_passphrase, "the store's secrets are sealed under another passphrase than this one");
    return sealer;
  }
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
