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
// Would a person be asked? At "prompt", and for a credential where systemd handed none over ($CREDENTIALS_DIRECTORY is
// not there), as to a command that is run by hand.
bool is_typed(std::string const& source);
// read_passphrase(), but for a credential that was not handed over the terminal is asked, where there is one.
Result<SecretBytes> read_or_ask_passphrase(std::string const& source, std::string_view what);
// A file as it is, of which no copy is left in memory. Errc::file. It does NOT ask who else may read it.
Result<SecretBytes> read_secret_file(std::string const& path, std::size_t bytes_max = 64 * 1024L);
// One line of the terminal that is not shown while it is typed, at most 1024 octets. `instead`: what to do where there
// is no terminal, as the end of a sentence. Errc::needs_confirmation then, and when nothing was entered.
Result<SecretBytes> ask_unseen(std::string const& question, std::string_view instead);
// Asks twice and compares.
Result<SecretBytes> new_passphrase(std::string const& source, std::string_view what);

}  // namespace lenscap
