// Where the revocation list of each root lies: root.crl, in DER, beside the root's certificate (known_roots.h). A CA
// that was made by an older program has none until somebody makes it, and one below a parent never has one: its root's
// list is the parent's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/acting_as.h"
#include "ca/known_roots.h"
#include "ca/root_crl.h"

namespace lenscap::ca {

// That of KnownRoots::roots[index].
std::string root_crl_file(std::string const& state_dir, std::size_t index);

// In the order of the roots; nothing where there is no list. Errc::file; settings when one is there that cannot be
// used: then nobody knows what it revoked.
Result<std::vector<std::optional<RootCrl>>> load_root_crls(std::string const& state_dir, KnownRoots const& known);

// The root that signed a certificate of an issuer, by its place; nothing when none did.
std::optional<std::size_t> root_that_signed(KnownRoots const& known, x509::Certificate const& certificate);
// The root whose key this is.
std::optional<std::size_t> root_of_key(KnownRoots const& known, x509::PublicKey const& key);

// The next list of a root, signed, and not yet where the last one is. While it lives no other process makes one, so
// that no revocation is lost.
class NextRootCrl {
 public:
  // make_root_crl() after the list that is there; without `lifetime` it lives as long as that one did. Also Errc::file,
  // and conflict while another command makes one.
  static Result<NextRootCrl> make(std::string const& state_dir, KnownRoots const& known, std::size_t index,
                                  x509::PrivateKey const& key, std::vector<RootRevocation> const& more,
                                  std::optional<Seconds> lifetime, Time now);
  NextRootCrl(NextRootCrl&& other) noexcept;
  NextRootCrl& operator=(NextRootCrl&&) = delete;
  ~NextRootCrl();

  RootCrl const& list() const { return list_; }
  std::string const& file() const { return file_; }
  // A refusal (Errc::file, conflict) leaves the last one.
  Result<> put_in_place() const;

 private:
  NextRootCrl(std::string file, Owner const& owner, int lock) : file_(std::move(file)), owner_(owner), lock_(lock) {}
  RootCrl list_{};
  std::string file_;
  Owner owner_;  // of the state directory
  int lock_;
};

}  // namespace lenscap::ca
