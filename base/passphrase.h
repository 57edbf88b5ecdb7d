// Where a passphrase or key file comes from: a systemd credential, a file, or the terminal; never argv or the
// environment.
#pragma once

#include <string>

#include "base/secret.h"

namespace lenscap {

// "credential:NAME" ($CREDENTIALS_DIRECTORY/NAME), "file:PATH", "prompt". The trailing newline is cut.
// Errc::file when it cannot be read, when others may read it (a file: mode & 077; a credential: mode & 007, as systemd
// shows its access list in the group's bits), or when it is empty;
// Errc::needs_confirmation when a prompt is needed and there is no terminal.
Result<SecretBytes> read_passphrase(std::string const& source, std::string_view what);
// Asks twice and compares.
Result<SecretBytes> new_passphrase(std::string const& source, std::string_view what);

}  // namespace lenscap
