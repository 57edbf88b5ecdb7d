// Moving a root's key: copied, or sealed anew, proved to open there, and only then destroyed where it was. Off the
// server the service goes on as before, since it never needs the root's key; another issuing certificate does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/x509/certificate.h"
#include "ca/root_shares.h"

namespace lenscap::ca {

// How the key lies in its new place. By default as it was: the same octets, under the same passphrase.
struct SealAs {
  std::string key_file = {};                       // where it is; empty: root_key_here()
  std::optional<SecretBytes> new_passphrase = {};  // another one
  std::optional<ShareCount> shares = {};           // one that nobody knows, in shares; then no `new_passphrase`
  std::string shares_directory = {};               // where these go; empty: beside the key
};

struct SealedRoot {
  x509::Certificate root;
  std::string key_file;           // where the key now lies, still encrypted under its passphrase
  std::string certificate_file;   // and the root's certificate beside it
  bool on_the_same_disk = false;  // as the state directory: not yet away from this machine
  std::optional<Sealing> sealing;
  std::vector<std::string> share_files;  // share-1.txt and so on
};

// The key of the newest root whose key is here (known_roots.h). Errc::file when there is none.
Result<std::string> root_key_here(std::string const& state_dir);

// By a seal that was stopped between writing zeros over the key and removing the file: then the copy was proved.
bool is_erased(SecretBytes const& content);

// Writes root.key and root.pem to `directory` (made with mode 0700 when absent), reads both back from there, opens the
// new key, and only then overwrites and removes the old one. The new key is opened with `passphrase`, or the one that
// takes its place: of shares, with the one that comes from shares as they were read back, and every share is shown to
// be good for that, whichever `needed` of them people bring. What a disk keeps of overwritten blocks is beyond a
// program: the passphrase is what protects those, and shares should be written to no disk from which they are to be
// taken away again. Errc::file when there is no key, or when something cannot be read or written;
// Errc::wrong_passphrase; Errc::conflict when the key is not the root's, or a directory holds another such file or a
// link to this one, or lies inside STATE. A refusal leaves the key where it was, and no share nor new key behind; one
// that says so leaves both keys. Takes about 3 s: scrypt.
Result<SealedRoot> seal_root(std::string const& state_dir, std::string const& directory, SecretBytes const& passphrase,
                             SealAs const& as = {});

}  // namespace lenscap::ca
