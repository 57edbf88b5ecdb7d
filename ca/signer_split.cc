#include "ca/signer_split.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"
#include "ca/signing_ledger.h"

namespace lenscap::ca {
namespace {

constexpr std::string_view kFile = "file:";
constexpr char const* kKeyFile = "/keys/issuing.key";

Result<> make_directory(std::string const& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Error(Errc::file, path + ": " + std::strerror(errno));
  return {};
}

// --- copies of what the signer judges by ---

Result<> copy(std::string const& from, std::string const& to) {
  TRY(auto const content, read_file(from));
  return write_file(to, content, 0644);
}

Result<std::size_t> copy_files(SplitFrom const& from, std::string const& to) {
  std::size_t count = 1;
  CHECK_OK(copy(from.config, to + "/ca.toml"));
  for (std::string const folder : {"/keys", "/profiles"}) {
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator(from.state_dir + folder, error)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".key") continue;
      CHECK_OK(copy(entry.path().string(), to + folder + "/" + entry.path().filename().string()));
      ++count;
    }
    if (error) return Error(Errc::file, from.state_dir + folder + ": " + error.message());
  }
  return count;
}

// --- the key ---

Result<x509::PrivateKey> open_key(std::string const& path, SecretBytes const& passphrase,
                                  x509::PublicKey const& expected) {
  TRY(auto text, read_file(path));
  SecretBytes const pem{std::string_view(text)};
  OPENSSL_cleanse(text.data(), text.size());
  auto key = x509::PrivateKey::from_pem(pem.text(), passphrase);
  if (!key) return Error(key.error()).with_context(path + ": ");
  if (!(key->public_key() == expected))
    return Error(Errc::conflict, path + " is not the key of this issuing certificate");
  return key;
}

Result<> check_new(SplitPassphrases const& words) {
  if (words.later.view().size() < kPassphraseCharactersMin)
    return Error(Errc::usage,
                 "the new passphrase must have at least " + std::to_string(kPassphraseCharactersMin) + " characters");
  if (equal_constant_time(words.now.view(), words.later.view()))
    return Error(Errc::usage, "the new passphrase is the one that the server has, and would keep nothing from it");
  return {};
}

// True: it was moved now.
Result<bool> move_key(SplitFrom const& from, std::string const& to,
                      std::function<Result<SplitPassphrases>()> const& ask) {
  if (!from.key.starts_with(kFile)) return false;
  if (from.key != std::string(kFile) + (kKeyFile + 1))
    return Error(Errc::settings, "ca.key of the settings is " + from.key + "; only file:keys/issuing.key can be moved");
  auto const old_file = from.state_dir + kKeyFile;
  auto const new_file = to + kKeyFile;
  if (!file_exists(old_file)) {
    if (file_exists(new_file)) return false;
    return Error(Errc::file, "the issuing key is neither in " + old_file + " nor in " + new_file);
  }
  TRY(auto const chain, load_chain(from.state_dir));
  TRY(auto const words, ask());
  CHECK_OK(check_new(words));
  TRY(auto const key, open_key(old_file, words.now, chain.issuing.key()));
  if (!file_exists(new_file)) CHECK_OK(create_file(new_file, key.to_encrypted_pem(words.later), 0600));
  CHECK_OK(open_key(new_file, words.later, chain.issuing.key()));
  CHECK_OK(destroy_file(old_file));
  return true;
}

// --- the ledger ---

// It may be long, and is copied as a file. Opening makes sure that every line can be read, and syncs.
Result<> copy_ledger(std::string const& from, std::string const& to) {
  auto const beside = to + ".new";
  std::error_code error;
  std::filesystem::copy_file(from, beside, std::filesystem::copy_options::overwrite_existing, error);
  if (error) return Error(Errc::file, beside + ": " + error.message());
  CHECK_OK(SigningLedger::open(beside, [](SignedEntry const&) {}));
  if (::chmod(beside.c_str(), 0600) != 0 || ::rename(beside.c_str(), to.c_str()) != 0)
    return Error(Errc::file, to + ": " + std::strerror(errno));
  return {};
}

}  // namespace

Result<SplitDone> split_signer(SplitFrom const& from, std::string const& to,
                               std::function<Result<SplitPassphrases>()> const& ask) {
  if (lies_within(to, from.state_dir))
    return Error(Errc::conflict, to + " lies inside the state directory, where the server's user can write");
  auto const old_ledger = signing_ledger_file(from.state_dir);
  auto const new_ledger = signing_ledger_file(to);
  std::optional<SigningLedger> held;  // so that no signer works meanwhile
  if (file_exists(old_ledger)) {
    TRY(auto ledger, SigningLedger::open(old_ledger, [](SignedEntry const&) {}));
    held.emplace(std::move(ledger));
  }
  for (auto const& directory : {to, to + "/keys", to + "/profiles"}) CHECK_OK(make_directory(directory));
  SplitDone done;
  TRY(done.files, copy_files(from, to));
  // Once the key has gone, nothing can have been signed here, and what is there is newer. Of a token nobody knows.
  bool const in_token = !from.key.starts_with(kFile);
  bool const key_is_here = file_exists(from.state_dir + kKeyFile);
  if (held && in_token && file_exists(new_ledger))
    return Error(Errc::conflict, "there is a ledger in both directories: see which of " + old_ledger + " and " +
                                     new_ledger + " is the right one, and move the other one away");
  if (held && (key_is_here || !file_exists(new_ledger))) CHECK_OK(copy_ledger(old_ledger, new_ledger));
  TRY(done.key_moved, move_key(from, to, ask));
  if (held && ::unlink(old_ledger.c_str()) != 0) return Error(Errc::file, old_ledger + ": " + std::strerror(errno));
  done.ledger_moved = held.has_value();
  return done;
}

}  // namespace lenscap::ca
