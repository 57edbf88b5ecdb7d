// The roots of this CA: the first, and those that came after it (next_root.h), each with the two certificates by which
// it and the one before vouch for each other. They lie in STATE/keys/roots/N, N from 2. It does NOT hold keys.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "ca/next_root.h"

namespace lenscap::ca {

struct KnownRoots {
  std::vector<x509::Certificate> roots;     // oldest first; one where no other came after it
  std::vector<x509::Certificate> vouchers;  // of the next by the former and of the former by the next, pair by pair

  std::size_t leading = 0;  // of `roots`: the one that chains lead to where they can

  bool leads_to_newest() const { return leading + 1 == roots.size(); }
  bool has_next() const { return roots.size() > 1; }
  x509::Certificate const& newest() const { return roots.back(); }
  x509::Certificate const& leader() const { return roots[leading]; }
  // From the newest root, as the one before it vouches for it, down to the first: what stands above an issuing
  // certificate that the newest signs. The first alone where there is one.
  std::vector<x509::Certificate> above_newest() const;
  // Everything that leads from one root to another, roots first: what an agent that trusts one of them is given.
  std::vector<x509::Certificate> all() const;
};

// `first` is the root that the CA began with. Errc::file, settings for files that do not belong together.
Result<KnownRoots> load_known_roots(std::string const& state_dir, x509::Certificate const& first);

// Where root.pem, root.key and root.crl of KnownRoots::roots[index] lie; the first one's are in STATE/keys.
std::string root_directory(std::string const& state_dir, std::size_t index);
// Of the newest.
std::string root_directory(std::string const& state_dir, KnownRoots const& known);

// Writes the next root and its list behind `known`, its key sealed under `passphrase`: root.pem is written last, and
// without it there is no such root. The directory. `then` comes last, and what it refuses leaves no next root.
// Errc::file. Takes about 2 s: scrypt.
Result<std::string> keep_next_root(std::string const& state_dir, KnownRoots const& known, NextRoot const& next,
                                   SecretBytes const& passphrase, std::function<Result<>()> const& then = {});
// From now on chains lead to the newest root. Errc::conflict when there is one only, or when they do already.
Result<> lead_to_newest(std::string const& state_dir, KnownRoots const& known, Time now);

// The ways from an issuing certificate up to each root that it can be verified by, where `above` is one: by a later
// root itself where `above` has it vouched for, and on through what later roots say of the ones before. Each ends with
// a root; those that end with the leading one come first. Pure.
std::vector<std::vector<x509::Certificate>> ways_up(std::vector<x509::Certificate> const& above,
                                                    KnownRoots const& known);

}  // namespace lenscap::ca
