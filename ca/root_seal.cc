#include "ca/root_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/directory.h"
#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/known_roots.h"

namespace lenscap::ca {
namespace {

Error refusal(std::string const& path) { return {Errc::file, path + ": " + std::strerror(errno)}; }

Result<SecretBytes> read_key(std::string const& path) {
  TRY(auto text, read_file(path));
  SecretBytes held{std::string_view(text)};
  OPENSSL_cleanse(text.data(), text.size());
  return held;
}

// Does it open, and is it the root's?
Result<> check_key(std::string const& path, SecretBytes const& pem, SecretBytes const& passphrase,
                   x509::Certificate const& root) {
  auto const key = x509::PrivateKey::from_pem(pem.text(), passphrase);
  if (!key.ok()) return Error(key.error()).with_context(path + ": ");
  if (key->public_key() == root.key()) return {};
  return Error(Errc::conflict, path + " is not the key of the root certificate " + root.subject());
}

// Under its own name at once: the file systems of USB sticks have no links, by which a whole file could be put there.
Result<> write_new(std::string const& path, std::string_view content, mode_t mode) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return refusal(path);
  auto written = write_all(fd, content) ? Result<>() : refusal(path);
  ::close(fd);
  if (!written.ok()) ::unlink(path.c_str());
  return written;
}

// The same again is fine: an earlier attempt may have ended between copying and removing.
Result<> put(std::string const& path, std::string_view content, mode_t mode) {
  if (!file_exists(path)) return write_new(path, content, mode);
  TRY(auto const there, read_key(path));
  if (there.text() == content) return {};
  return Error(Errc::conflict,
               path + " exists and holds something else; nothing is overwritten: give another directory");
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

// Of the key, by a process that was killed while it wrote it.
Result<> destroy_left_overs(std::string const& keys_dir) {
  std::error_code error;
  std::vector<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(keys_dir, error)) {
    auto const name = entry.path().filename().string();
    if (is_left_over(name) && name.starts_with("root.key.")) files.push_back(entry.path().string());
  }
  if (error) return Error(Errc::file, keys_dir + ": " + error.message());
  for (auto const& file : files) CHECK_OK(destroy_file(file));
  return {};
}

}  // namespace

Result<SealedRoot> seal_root(std::string const& state_dir, std::string const& directory,
                             SecretBytes const& passphrase) {
  TRY(auto const chain, load_chain(state_dir));
  TRY(auto const known, load_known_roots(state_dir, chain.root()));
  auto index = known.roots.size() - 1;
  while (index > 0 && !file_exists(root_directory(state_dir, index) + "/root.key")) --index;
  auto const& root = known.roots[index];
  auto const keys_dir = root_directory(state_dir, index);
  auto const key_file = keys_dir + "/root.key";
  if (!file_exists(key_file))
    return Error(Errc::file, chain.has_parent ? "this CA stands below a parent's root, whose key was never here"
                                              : key_file + " is not there: the root's key was moved away already");
  if (lies_within(directory, state_dir))
    return Error(Errc::conflict,
                 directory + " lies inside the state directory: give one on a medium that leaves this machine");
  TRY(auto const pem, read_key(key_file));
  CHECK_OK(check_key(key_file, pem, passphrase, root));

  CHECK_OK(make_directory(directory));
  auto sealed = SealedRoot{.root = root,
                           .key_file = directory + "/root.key",
                           .certificate_file = directory + "/root.pem",
                           .on_the_same_disk = same_disk(directory, state_dir)};
  CHECK_OK(put(sealed.key_file, pem.text(), 0600));
  CHECK_OK(put(sealed.certificate_file, root.pem(), 0644));
  if (same_file(sealed.key_file, key_file))
    return Error(Errc::conflict, sealed.key_file + " is a link to the key itself and no copy; give another directory");
  auto const parent = std::filesystem::absolute(directory).lexically_normal() / "..";
  for (auto const& path : {sealed.key_file, sealed.certificate_file, directory, parent.string()})
    CHECK_OK(make_durable(path));
  TRY(auto const copy, read_key(sealed.key_file));
  CHECK_OK(check_key(sealed.key_file, copy, passphrase, root));

  CHECK_OK(destroy_left_overs(keys_dir));
  CHECK_OK(destroy_file(key_file));
  return sealed;
}

}  // namespace lenscap::ca
