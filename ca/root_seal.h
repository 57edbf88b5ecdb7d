// Moving the root's key off the server: copied, proved to be readable there, and only then destroyed here. Afterwards
// the service goes on as before, since it never needs the root's key; another issuing certificate does.
#pragma once

#include <string>

#include "base/secret.h"
#include "base/x509/certificate.h"

namespace lenscap::ca {

struct SealedRoot {
  x509::Certificate root;
  std::string key_file;           // where the key now lies, still encrypted under its passphrase
  std::string certificate_file;   // and the root's certificate beside it
  bool on_the_same_disk = false;  // as the state directory: not yet away from this machine
};

// Of the newest root whose key is here (known_roots.h): copies root.key and root.pem to `directory` (made with mode
// 0700 when absent), reads both back from there, opens the copy with `passphrase`, and only then overwrites and removes
// STATE/keys/root.key. What a disk keeps of overwritten blocks is beyond a program: the passphrase is what protects
// those. Errc::file when there is no root key here, or when something cannot be read or written;
// Errc::wrong_passphrase; Errc::conflict when the key is not the root's, or the directory holds another root.key or a
// link to this one, or lies inside STATE. A refusal leaves the key where it was. Takes about 2 s: scrypt.
Result<SealedRoot> seal_root(std::string const& state_dir, std::string const& directory, SecretBytes const& passphrase);

}  // namespace lenscap::ca
