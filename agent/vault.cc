#include "agent/vault.h"

#include "base/file.h"
#include "base/passphrase.h"
#include "base/random.h"

namespace lenscap::agent {
namespace {

constexpr store::Table kVault{"vault"};
constexpr std::string_view kCheckContext = "vault/check";
constexpr std::string_view kCheckText = "lenscap";

// The source with a relative file made absolute.
std::string resolved(Settings const& settings) {
  if (!settings.vault_key.starts_with("file:")) return settings.vault_key;
  return "file:" + settings.path(settings.vault_key.substr(5));
}

}  // namespace

bool is_sealed(Settings const& settings) { return !resolved(settings).starts_with("file:" + settings.state_dir + "/"); }

Result<Vault> Vault::open(Settings const& settings, store::Store& store) {
  std::string const source = resolved(settings);
  if (!is_sealed(settings) && !file_exists(source.substr(5))) {
    bool used = false;
    store.read([&](store::ReadTxn& txn) { used = txn.get(kVault, "check").has_value(); });
    if (used) {
      return Error(Errc::file,
                   source.substr(5) +
                       " is gone; without it the sealed passwords and the account key cannot be read. Bring it back "
                       "from your backup, or join and add the devices anew in another state directory");
    }
    CHECK_OK(create_file(source.substr(5), to_base64url(random_bytes(32)) + "\n", 0600));
  }
  TRY(auto key, read_passphrase(source, "key of the agent's vault"));

  std::string salt;
  store.write([&](store::WriteTxn& txn) {
    auto const found = txn.get(kVault, "salt");
    salt = found ? *found : random_token();
    if (!found) txn.put(kVault, "salt", salt);
    return !found;
  });
  auto sealer = Sealer::from_passphrase(key, as_bytes(salt));

  bool right = true;
  store.write([&](store::WriteTxn& txn) {
    auto const check = txn.get(kVault, "check");
    right = !check || sealer.open(*check, kCheckContext).ok();
    if (!check) txn.put(kVault, "check", sealer.seal(SecretBytes(kCheckText), kCheckContext));
    return !check;
  });
  if (!right)
    return Error(Errc::wrong_passphrase, "the vault's key is not the one that this agent's secrets were sealed with");
  return Vault(std::move(sealer));
}

}  // namespace lenscap::agent
