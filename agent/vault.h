// The key that seals the agent's secrets (camera passwords, the account key): where it comes from, and whether it
// deserves the name. A key that lies beside the data it seals protects nothing from a thief of the directory: that is
// reported as not sealed.
#pragma once

#include "agent/settings.h"
#include "base/seal.h"
#include "store/store.h"

namespace lenscap::agent {

// Is the key kept apart from what it seals? A file in the state directory, in that of the store or beside it is not,
// whichever way its path is written.
bool is_sealed(Settings const& settings);

class Vault {
 public:
  // Reads the key from its source. A first call makes the default key file (mode 0600) when the source is a file in the
  // state directory that does not exist, and writes salt and check value to the store. Errc::wrong_passphrase when it
  // is another key than the one that the store was sealed with.
  static Result<Vault> open(Settings const& settings, store::Store& store);

  Sealer const& sealer() const { return sealer_; }

 private:
  explicit Vault(Sealer sealer) : sealer_(std::move(sealer)) {}
  Sealer sealer_;
};

}  // namespace lenscap::agent
