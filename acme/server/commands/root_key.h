// The root's key, which a command uses once: where it lies, and what opens it. The only place where commands open it,
// whether one passphrase does or the shares of several people (ca/root_shares.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/server/commands/commands.h"
#include "ca/known_roots.h"
#include "ca/root_shares.h"

namespace lenscap::acme {

struct RootKeyOptions {
  std::string file;                 // empty: beside the newest root's certificate in STATE
  std::string passphrase_file;      // empty: the person is asked
  std::vector<std::string> shares;  // files; empty: the people are asked, where the key says that it is in shares
};
void add_root_key_options(CLI::App& command, RootKeyOptions& options);

// The newest root's; asks for the passphrase, or for the shares, when the file is there. Errc::file when it is not,
// since root seal has moved it, or for a damaged share; usage for shares that do not go together, or are too few;
// wrong_passphrase.
Result<x509::PrivateKey> open_root_key(CommandLine const& line, ca::KnownRoots const& roots,
                                       RootKeyOptions const& options);

struct OpenedRootKey {
  x509::PrivateKey key;
  SecretBytes passphrase;  // what opened it
  bool of_shares = false;  // that is, nobody knows it
};
// The same of one file.
Result<OpenedRootKey> open_root_key_file(std::string const& file, RootKeyOptions const& options);

// One that a person chooses: from the file, or asked for twice where that is empty. Errc::usage when it is short, or
// that of the issuing key.
Result<SecretBytes> new_root_passphrase(Settings const& settings, std::string const& file);

}  // namespace lenscap::acme
