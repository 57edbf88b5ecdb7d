// The key that seals the agent's secrets (camera passwords, the account key): where it comes from, and whether it
// deserves the name. A key that lies beside the data it seals protects nothing from a thief of the directory: that is
// reported as not sealed.
#pragma once

#include "agent/settings.h"
#include "base/seal.h"
#include "store/store.h"

namespace lenscap::agent {

class Vault {
 public:
  // Reads the key from its source. A first call makes the default key file (mode 0600) when the source is a file in the
  // state directory that does not exist, and writes salt and check value to the store. Errc::wrong_passphrase when it
  // is another key than the one that the store was sealed with.
  static Result<Vault> open(Settings const& settings, store::Store& store);

  Sealer const& sealer() const { return sealer_; }
  bool is_sealed() const { return sealed_; }  // false: the key lies beside the data

 private:
  Vault(Sealer sealer, bool sealed) : sealer_(std::move(sealer)), sealed_(sealed) {}
  Sealer sealer_;
  bool sealed_;
};

}  // namespace lenscap::agent
