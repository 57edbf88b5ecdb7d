#include "agent/vault.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/passphrase.h"
#include "base/random.h"

namespace lenscap::agent {
namespace {

constexpr store::Table kVault{"vault"};
constexpr std::string_view kCheckContext = "vault/check";
constexpr std::string_view kCheckText = "lenscap";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kCredential = "credential:";
constexpr std::string_view kLmdb = "lmdb:";

// The source with a relative file made absolute.
std::string resolved(Settings const& settings) {
  if (!settings.vault_key.starts_with(kFile)) return settings.vault_key;
  return std::string(kFile) + settings.path(settings.vault_key.substr(kFile.size()));
}

// A credential reaches the processes that systemd starts and nobody else, so commands typed by hand need its help too.
Result<SecretBytes> read_key(std::string const& source) {
  if (source.starts_with(kCredential) && std::getenv("CREDENTIALS_DIRECTORY") == nullptr) {
    return Error(Errc::file,
                 fmt::format("the key of the agent's vault is the systemd credential '{0}', which this command was not "
                             "given. By hand, as root: systemd-run --quiet --pty --wait --collect --same-dir "
                             "-p LoadCredentialEncrypted={0}:/etc/credstore.encrypted/{0} lenscap-agent ...",
                             source.substr(kCredential.size())));
  }
  return read_passphrase(source, "key of the agent's vault");
}

}  // namespace

bool is_sealed(Settings const& settings) {
  std::string const source = resolved(settings);
  if (!source.starts_with(kFile)) return true;
  std::string const key = source.substr(kFile.size());
  if (lies_within(key, settings.state_dir)) return false;
  if (!settings.store.starts_with(kLmdb)) return true;
  // Beside the store is as good as within it.
  return !lies_within(key, settings.path(settings.store.substr(kLmdb.size())) + "/..");
}

Result<Vault> Vault::open(Settings const& settings, store::Store& store) {
  std::string const source = resolved(settings);
  if (!is_sealed(settings) && !file_exists(source.substr(kFile.size()))) {
    std::string const path = source.substr(kFile.size());
    bool used = false;
    store.read([&](store::ReadTxn& txn) { used = txn.get(kVault, "check").has_value(); });
    if (used) {
      return Error(Errc::file,
                   path +
                       " is gone; without it the sealed passwords and the account key cannot be read. Bring it back "
                       "from your backup, or join and add the devices anew in another state directory");
    }
    CHECK_OK(create_file(path, to_base64url(random_bytes(32)) + "\n", 0600));
  }
  TRY(auto key, read_key(source));

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
  if (!right) {
    return Error(Errc::wrong_passphrase, "the key of " + settings.vault_key +
                                             " is not the one that this agent's secrets were sealed with; give the "
                                             "former key, under vault.key in agent.toml");
  }
  return Vault(std::move(sealer));
}

}  // namespace lenscap::agent
