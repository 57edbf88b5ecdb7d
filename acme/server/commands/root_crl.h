// lenscap-ca root crl, and what other commands need that make a list of a root or name one.
#pragma once

#include <optional>
#include <string>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/root_key.h"

namespace lenscap::acme {

void add_root_crl(CLI::App& root, CommandLine& line);

// See ca::CeremonySettings::lists_url: where lists are served by these settings, for certificates that name one.
std::string lists_url(Settings const& settings);

// Errc::conflict below a parent, whose root has its list elsewhere.
Result<ca::KnownRoots> load_listed_roots(CommandLine const& line);

struct OpenedRoot {
  std::size_t index;  // of KnownRoots::roots
  x509::PrivateKey key;
};
// The key of this root; without `wanted` the newest's, or of whichever --root-key names. As open_root_key(), and
// Errc::conflict for the key of another.
Result<OpenedRoot> open_key_of_root(CommandLine const& line, ca::KnownRoots const& roots, RootKeyOptions options,
                                    std::optional<std::size_t> wanted = {});

}  // namespace lenscap::acme
