#include "ca/root_crl_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/file_set.h"
#include "base/limits.h"
#include "ca/issued_by.h"

namespace lenscap::ca {
namespace {

Result<std::optional<RootCrl>> load_one(std::string const& file, x509::Certificate const& root) {
  TRY(auto const der, read_file_if_there(file));
  if (!der) return std::optional<RootCrl>();
  auto list = parse_root_crl(as_bytes(*der), root);
  if (list) return std::optional<RootCrl>(*std::move(list));
  return std::move(list).error().with_context(file +
                                              ": put it back from a back-up, since it says which issuers are "
                                              "revoked; ");
}

// As the last one, unless that was cut short by the root's end.
Seconds lifetime_after(std::optional<RootCrl> const& last) {
  if (!last) return kRootCrlLifetime;
  auto const lifetime = last->next_update - last->this_update - limits::kIssuerBackdate;
  return std::clamp(lifetime, kRootCrlLifetimeMin, kRootCrlLifetimeMax);
}

// On the root's certificate, which is never replaced; the folder is for those who put files in place (base/file_set.h).
Result<int> take_lock(std::string const& folder) {
  auto const file = folder + "/root.pem";
  int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error(Errc::file, file + ": " + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return Error(Errc::conflict, "another command is just making a list of the root in " + folder);
}

}  // namespace

std::string root_crl_file(std::string const& state_dir, std::size_t index) {
  return root_directory(state_dir, index) + "/root.crl";
}

Result<std::vector<std::optional<RootCrl>>> load_root_crls(std::string const& state_dir, KnownRoots const& known) {
  std::vector<std::optional<RootCrl>> lists;
  for (std::size_t i = 0; i < known.roots.size(); ++i) {
    TRY(auto list, load_one(root_crl_file(state_dir, i), known.roots[i]));
    lists.push_back(std::move(list));
  }
  return lists;
}

std::optional<std::size_t> root_that_signed(KnownRoots const& known, x509::Certificate const& certificate) {
  for (std::size_t i = 0; i < known.roots.size(); ++i)
    if (is_issued_by(certificate, known.roots[i])) return i;
  return std::nullopt;
}

std::optional<std::size_t> root_of_key(KnownRoots const& known, x509::PublicKey const& key) {
  auto const found = std::ranges::find(known.roots, key, [](x509::Certificate const& root) { return root.key(); });
  if (found == known.roots.end()) return std::nullopt;
  return static_cast<std::size_t>(found - known.roots.begin());
}

Result<NextRootCrl> NextRootCrl::make(std::string const& state_dir, KnownRoots const& known, std::size_t index,
                                      x509::PrivateKey const& key, std::vector<RootRevocation> const& more,
                                      std::optional<Seconds> lifetime, Time now) {
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const lock, take_lock(root_directory(state_dir, index)));
  NextRootCrl next(root_crl_file(state_dir, index), owner, lock);
  TRY(auto const last, load_one(next.file_, known.roots[index]));
  TRY(next.list_, make_root_crl(known.roots[index], key, last, more, lifetime.value_or(lifetime_after(last)), now));
  return next;
}

NextRootCrl::NextRootCrl(NextRootCrl&& other) noexcept
    : list_(std::move(other.list_)),
      file_(std::move(other.file_)),
      owner_(other.owner_),
      lock_(std::exchange(other.lock_, -1)) {}

NextRootCrl::~NextRootCrl() {
  if (lock_ >= 0) ::close(lock_);
}

Result<> NextRootCrl::put_in_place() const {
  TRY(auto const its_owner, ActingAs::begin(owner_));
  return replace_files({{file_, std::string(as_text(list_.der)), 0644}});
}

}  // namespace lenscap::ca
