// The root's key, which a command uses once: where it lies, and what opens it.
#pragma once

#include <string>

#include "acme/server/commands/commands.h"
#include "ca/known_roots.h"

namespace lenscap::acme {

struct RootKeyOptions {
  std::string file;             // empty: beside the newest root's certificate in STATE
  std::string passphrase_file;  // empty: the person is asked
};
void add_root_key_options(CLI::App& command, RootKeyOptions& options);

// The newest root's; asks for the passphrase when the file is there. Errc::file when it is not, since root seal has
// moved it; wrong_passphrase.
Result<x509::PrivateKey> open_root_key(CommandLine const& line, ca::KnownRoots const& roots,
                                       RootKeyOptions const& options);

}  // namespace lenscap::acme
