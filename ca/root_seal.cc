#include "ca/root_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/directory.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/installed_chain.h"
#include "ca/known_roots.h"
#include "ca/root_share_text.h"

namespace lenscap::ca {
namespace {

Error refusal(std::string const& path) { return {Errc::file, path + ": " + std::strerror(errno)}; }

// --- where the key is ---

struct Source {
  std::string key_file;
  std::string keys_dir;                  // of STATE; empty where the key is elsewhere already
  std::vector<x509::Certificate> roots;  // it is the key of one of these
};

Result<Source> find_source(std::string const& state_dir, std::string const& key_file) {
  TRY(auto const chain, load_chain(state_dir));
  if (chain.has_parent)
    return Error(Errc::file, "this CA stands below a parent's root, whose key was never here, and is not its to seal");
  TRY(auto const known, load_known_roots(state_dir, chain.root()));
  if (!key_file.empty()) return Source{key_file, "", known.roots};
  auto index = known.roots.size() - 1;
  while (index > 0 && !file_exists(root_directory(state_dir, index) + "/root.key")) --index;
  auto const keys_dir = root_directory(state_dir, index);
  auto const file = keys_dir + "/root.key";
  if (!file_exists(file))
    return Error(Errc::file, file +
                                 " is not there: the root's key was moved away already. Where it is now, name it with "
                                 "--root-key to seal it anew");
  return Source{file, keys_dir, {known.roots[index]}};
}

Result<x509::PrivateKey> open_key(std::string const& path, SecretBytes const& pem, SecretBytes const& passphrase) {
  auto key = x509::PrivateKey::from_pem(pem.text(), passphrase);
  if (!key.ok()) return std::move(key).error().with_context(path + ": ");
  return key;
}

Result<x509::Certificate> root_of(Source const& source, x509::PrivateKey const& key) {
  auto const found = std::ranges::find(source.roots, key.public_key(), &x509::Certificate::key);
  if (found != source.roots.end()) return *found;
  return Error(Errc::conflict,
               source.key_file + " is not the key of the root certificate " + source.roots.back().subject());
}

// --- writing ---

// Under its own name at once: the file systems of USB sticks have no links, by which a whole file could be put there.
Result<> write_new(std::string const& path, std::string_view content, mode_t mode) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST)
    return Error(Errc::conflict, path +
                                     " exists, perhaps of an attempt that was broken off, and nothing is overwritten: "
                                     "give another directory");
  if (fd < 0) return refusal(path);
  auto written = write_all(fd, content) ? Result<>() : refusal(path);
  ::close(fd);
  if (!written.ok()) ::unlink(path.c_str());
  return written;
}

// The same again is fine: an earlier attempt may have ended between copying and removing.
Result<> put(std::string const& path, std::string_view content, mode_t mode) {
  if (!file_exists(path)) return write_new(path, content, mode);
  TRY(auto const there, read_secret_file(path));
  if (there.text() == content) return {};
  return Error(Errc::conflict,
               path + " exists and holds something else; nothing is overwritten: give another directory");
}

// What was made anew, and goes again unless all of it is good: half a sealing would puzzle whoever finds it.
class Made {
 public:
  Made() = default;
  Made(Made const&) = delete;
  Made& operator=(Made const&) = delete;
  ~Made() {
    for (auto const& file : files_) static_cast<void>(destroy_file(file));  // the refusal that is on its way counts
  }
  Result<> write(std::string const& path, SecretBytes const& content) {
    CHECK_OK(write_new(path, content.text(), 0600));
    files_.push_back(path);
    return {};
  }
  void keep() { files_.clear(); }

 private:
  std::vector<std::string> files_;
};

Result<> write_shares(std::vector<RootShare> const& shares, std::string const& directory, Made& made,
                      SealedRoot& sealed) {
  CHECK_OK(make_directory(directory));
  for (auto const& share : shares) {
    auto const file = directory + "/share-" + std::to_string(share.number) + ".txt";
    CHECK_OK(made.write(file, share_file(share)));
    sealed.share_files.push_back(file);
  }
  return {};
}

struct Place {
  dev_t disk{};
  ino_t file{};

  bool operator==(Place const&) const = default;
};
std::optional<Place> place_of(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Place{status.st_dev, status.st_ino};
}

bool same_disk(std::string const& a, std::string const& b) {
  auto const of_a = place_of(a), of_b = place_of(b);
  return of_a && of_b && of_a->disk == of_b->disk;
}

// A link to the key is no copy of it.
bool same_file(std::string const& a, std::string const& b) {
  auto const of_a = place_of(a);
  return of_a && of_a == place_of(b);
}

// Where its own name is written, too.
Result<> make_directory_durable(std::string const& directory) {
  CHECK_OK(make_durable(directory));
  return make_durable((std::filesystem::absolute(directory).lexically_normal() / "..").string());
}

Result<> make_all_durable(SealedRoot const& sealed, std::string const& directory, std::string const& shares_directory) {
  CHECK_OK(make_durable(sealed.key_file));
  CHECK_OK(make_durable(sealed.certificate_file));
  for (auto const& file : sealed.share_files) CHECK_OK(make_durable(file));
  CHECK_OK(make_directory_durable(directory));
  return sealed.share_files.empty() ? Result<>() : make_directory_durable(shares_directory);
}

// --- proving ---

// The passphrase from shares as they lie there. That the first `needed` give it, and that each other one does together
// with all but the first of these, shows that all lie on one curve: then any `needed` of them give it.
Result<SecretBytes> passphrase_of_shares(SealedRoot const& sealed) {
  std::vector<RootShare> shares;
  for (auto const& file : sealed.share_files) {
    TRY(auto const text, read_secret_file(file, kShareFileBytesMax));
    auto share = parse_share_file(text.text());
    if (!share.ok()) return std::move(share).error().with_context(file + ": ");
    shares.push_back(*std::move(share));
  }
  auto const needed = sealed.sealing->count.needed;
  std::vector<RootShare const*> some;
  for (unsigned i = 0; i < needed; ++i) some.push_back(&shares[i]);
  TRY(auto passphrase, combine(*sealed.sealing, some));
  for (std::size_t i = needed; i < shares.size(); ++i) {
    some.front() = &shares[i];
    TRY(auto const again, combine(*sealed.sealing, some));
    if (!equal_constant_time(again.view(), passphrase.view()))
      return Error(Errc::file, sealed.share_files[i] + " was read back and is not what was written; see to the disk");
  }
  return passphrase;
}

Result<> prove(SealedRoot const& sealed, SecretBytes const& passphrase) {
  TRY(auto const copy, read_secret_file(sealed.key_file));
  TRY(auto const key, open_key(sealed.key_file, copy, passphrase));
  if (key.public_key() == sealed.root.key()) return {};
  return Error(Errc::conflict, sealed.key_file + " is not the key of the root certificate " + sealed.root.subject());
}

// --- removing ---

// Of the key, by a process that was killed while it wrote it.
Result<> destroy_left_overs(std::string const& keys_dir) {
  TRY(auto const names, names_in(keys_dir));
  for (auto const& name : names)
    if (is_left_over(name) && name.starts_with("root.key.")) CHECK_OK(destroy_file(keys_dir + "/" + name));
  return {};
}

Result<> destroy_former(Source const& source, std::string const& directory) {
  auto destroyed = source.keys_dir.empty() ? Result<>() : destroy_left_overs(source.keys_dir);
  if (destroyed) destroyed = destroy_file(source.key_file);
  if (destroyed) return destroyed;
  return std::move(destroyed).error().with_context("the key in " + directory +
                                                   " is good, and the former one is still there, for you to remove: ");
}

Result<> check_places(std::string const& state_dir, std::vector<std::string> const& directories) {
  for (auto const& directory : directories)
    if (lies_within(directory, state_dir))
      return Error(Errc::conflict,
                   directory + " lies inside the state directory: give one on a medium that leaves this machine");
  return {};
}

}  // namespace

bool is_erased(SecretBytes const& content) {
  return content.size() != 0 && std::ranges::all_of(content.view(), [](std::uint8_t octet) { return octet == 0; });
}

Result<std::string> root_key_here(std::string const& state_dir) {
  TRY(auto source, find_source(state_dir, ""));
  TRY(auto const content, read_secret_file(source.key_file));
  if (!is_erased(content)) return std::move(source.key_file);
  CHECK_OK(destroy_file(source.key_file));
  return Error(Errc::file, source.key_file +
                               " was erased by a root seal that was stopped before it could remove the file, which is "
                               "done now: the key is where that seal has put it");
}

Result<SealedRoot> seal_root(std::string const& state_dir, std::string const& directory, SecretBytes const& passphrase,
                             SealAs const& as) {
  if (as.shares && as.new_passphrase) bug("a key is to be sealed in shares and under a passphrase that somebody chose");
  TRY(auto const source, find_source(state_dir, as.key_file));
  auto const shares_directory = as.shares_directory.empty() ? directory : as.shares_directory;
  CHECK_OK(check_places(state_dir, {directory, shares_directory}));
  TRY(auto const pem, read_secret_file(source.key_file));
  TRY(auto const key, open_key(source.key_file, pem, passphrase));
  TRY(auto const root, root_of(source, key));

  CHECK_OK(make_directory(directory));
  auto sealed = SealedRoot{.root = root,
                           .key_file = directory + "/root.key",
                           .certificate_file = directory + "/root.pem",
                           .on_the_same_disk = same_disk(directory, state_dir),
                           .sealing = {},
                           .share_files = {}};
  Made made;
  auto words = as.new_passphrase ? as.new_passphrase->clone() : passphrase.clone();
  if (as.shares) {
    sealed.sealing = new_sealing(root, *as.shares);
    auto const split = split_new_passphrase(*sealed.sealing);
    CHECK_OK(made.write(sealed.key_file,
                        SecretBytes(sealing_text(*sealed.sealing) + key.to_encrypted_pem(split.passphrase))));
    CHECK_OK(write_shares(split.shares, shares_directory, made, sealed));
  } else if (as.new_passphrase) {
    CHECK_OK(made.write(sealed.key_file, SecretBytes(key.to_encrypted_pem(words))));
  } else {
    CHECK_OK(put(sealed.key_file, pem.text(), 0600));
  }
  CHECK_OK(put(sealed.certificate_file, root.pem(), 0644));
  if (same_file(sealed.key_file, source.key_file))
    return Error(Errc::conflict, sealed.key_file + " is a link to the key itself and no copy; give another directory");
  CHECK_OK(make_all_durable(sealed, directory, shares_directory));
  // What was split is forgotten here: from now on there are only the shares.
  if (as.shares) {
    TRY(words, passphrase_of_shares(sealed));
  }
  CHECK_OK(prove(sealed, words));
  made.keep();
  CHECK_OK(destroy_former(source, directory));
  return sealed;
}

}  // namespace lenscap::ca
