#include "ca/signer_split.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/acting_as.h"
#include "base/directory.h"
#include "base/file.h"
#include "ca/ceremony.h"
#include "ca/installed_issuers.h"
#include "ca/signing_ledger.h"

namespace lenscap::ca {
namespace {

constexpr std::string_view kFile = "file:";
constexpr char const* kKeyFile = "/keys/issuing.key";

// --- copies of what the signer judges by ---

Result<> copy(std::string const& from, std::string const& to, Owner const& owner) {
  TRY(auto const content, read_file(from));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return write_file(to, content, 0644);
}

Result<> make_directory_of(Owner const& owner, std::string const& path) {
  TRY(auto const its_owner, ActingAs::begin(owner));
  return make_directory(path);
}

Result<std::size_t> copy_folder(std::string const& from, std::string const& to, Owner const& owner) {
  std::size_t count = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator each(from, error);
  for (; !error && each != std::filesystem::recursive_directory_iterator(); each.increment(error)) {
    auto const& entry = *each;
    auto const name = entry.path().filename().string();
    if (is_left_over(name) || name.ends_with(kPendingSuffix)) {  // who waits for a certificate signs nothing
      each.disable_recursion_pending();
      continue;
    }
    auto const there = to + "/" + std::filesystem::relative(entry.path(), from, error).string();
    if (entry.is_directory()) CHECK_OK(make_directory_of(owner, there));
    if (!entry.is_regular_file() || entry.path().extension() == ".key") continue;
    CHECK_OK(copy(entry.path().string(), there, owner));
    ++count;
  }
  if (error) return Error(Errc::file, from + ": " + error.message());
  return count;
}

Result<std::size_t> copy_files(SplitFrom const& from, std::string const& to, Owner const& owner) {
  std::size_t count = 1;
  CHECK_OK(copy(from.config, to + "/ca.toml", owner));
  for (std::string const folder : {"/keys", "/profiles", "/issuers"}) {
    if (folder == "/issuers" && !file_exists(from.state_dir + folder)) continue;
    CHECK_OK(make_directory_of(owner, to + folder));
    TRY(auto const copied, copy_folder(from.state_dir + folder, to + folder, owner));
    count += copied;
  }
  return count;
}

// --- the keys ---

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

struct IssuingKey {
  std::string file;  // below either directory
  x509::PublicKey expected;
};

// Of every issuer that has its key in a file.
Result<std::vector<IssuingKey>> issuing_keys(SplitFrom const& from) {
  std::vector<IssuingKey> keys;
  if (!from.key.starts_with(kFile)) return keys;
  if (from.key != std::string(kFile) + (kKeyFile + 1))
    return Error(Errc::settings, "ca.key of the settings is " + from.key + "; only file:keys/issuing.key can be moved");
  TRY(auto const issuers, load_issuers(from.state_dir));
  for (auto const& each : issuers)
    keys.push_back(
        {each.name == kDefaultIssuer ? kKeyFile : "/issuers/" + each.name + "/issuing.key", each.chain.issuing.key()});
  return keys;
}

// The signer opens all of its keys with one passphrase.
Result<> move_key(std::string const& from, std::string const& to, Owner const& owner, IssuingKey const& key,
                  SplitPassphrases const& words) {
  // One that is there already may be of an attempt that ended while it wrote zeros over the first.
  if (!file_exists(to + key.file)) {
    TRY(auto const opened, open_key(from + key.file, words.now, key.expected));
    TRY(auto const its_owner, ActingAs::begin(owner));
    CHECK_OK(create_file(to + key.file, opened.to_encrypted_pem(words.later), 0600));
  }
  CHECK_OK(open_key(to + key.file, words.later, key.expected));
  return destroy_file(from + key.file);
}

// True: one was moved now.
Result<bool> move_keys(SplitFrom const& from, std::string const& to, Owner const& owner,
                       std::function<Result<SplitPassphrases>()> const& ask) {
  TRY(auto const keys, issuing_keys(from));
  std::vector<IssuingKey> here, there;
  for (auto const& key : keys) {
    bool const is_there = file_exists(to + key.file);
    if (file_exists(from.state_dir + key.file)) {
      here.push_back(key);
    } else if (!is_there) {
      return Error(Errc::file,
                   "the issuing key is neither in " + from.state_dir + key.file + " nor in " + to + key.file);
    }
    if (is_there) there.push_back(key);
  }
  if (here.empty()) return false;
  TRY(auto const words, ask());
  CHECK_OK(check_new(words));
  for (auto const& key : there) CHECK_OK(open_key(to + key.file, words.later, key.expected));
  for (auto const& key : here) CHECK_OK(move_key(from.state_dir, to, owner, key, words));
  return true;
}

// --- the ledger ---

// It may be long, and is copied as a file. Opening makes sure that every line can be read, and syncs.
Result<> copy_ledger(std::string const& from, std::string const& to, Owner const& owner) {
  auto const beside = to + ".new";
  std::ifstream in(from, std::ios::binary);
  if (!in) return Error(Errc::file, "cannot read " + from);
  TRY(auto const its_owner, ActingAs::begin(owner));
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  // To copy nothing counts as a failure of the stream.
  if (in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  out.close();
  if (!out) return Error(Errc::file, "cannot write " + beside);
  if (::chmod(beside.c_str(), 0600) != 0) return Error(Errc::file, beside + ": " + std::strerror(errno));
  CHECK_OK(SigningLedger::open(beside, [](SignedEntry const&) {}));
  if (::rename(beside.c_str(), to.c_str()) != 0) return Error(Errc::file, to + ": " + std::strerror(errno));
  return make_durable(parent_directory(to));
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
  CHECK_OK(make_directory(to));
  TRY(auto const owner, owner_of(to));
  SplitDone done;
  TRY(done.files, copy_files(from, to, owner));
  // Once the key has gone, nothing can have been signed here, and what is there is newer. Of a token nobody knows.
  bool const in_token = !from.key.starts_with(kFile);
  bool const key_is_here = file_exists(from.state_dir + kKeyFile);
  if (held && in_token && file_exists(new_ledger))
    return Error(Errc::conflict, "there is a ledger in both directories: see which of " + old_ledger + " and " +
                                     new_ledger + " is the right one, and move the other one away");
  if (held && (key_is_here || !file_exists(new_ledger))) CHECK_OK(copy_ledger(old_ledger, new_ledger, owner));
  TRY(done.key_moved, move_keys(from, to, owner, ask));
  if (held) {
    if (::unlink(old_ledger.c_str()) != 0) return Error(Errc::file, old_ledger + ": " + std::strerror(errno));
    CHECK_OK(make_durable(parent_directory(old_ledger)));
  }
  done.ledger_moved = held.has_value();
  return done;
}

}  // namespace lenscap::ca
