// Divides a state directory between two users: the server keeps the store and its own secrets, and the signer gets a
// directory with the issuing keys, its ledger, and copies of what it judges by (settings, profiles, certificates). The
// keys are sealed anew on the way, so that the passphrase which the server goes on to have does not open them any more.
// It does NOT change who owns what: that is the administrator's, or systemd's.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace lenscap::ca {

struct SplitFrom {
  std::string state_dir;
  std::string config;  // the settings file
  std::string key;     // as in the settings, see key_holder.h
};

struct SplitPassphrases {
  SecretBytes now, later;
};

struct SplitDone {
  bool key_moved = false;  // false: they were all there already, or there is one in a token
  bool ledger_moved = false;
  std::size_t files = 0;  // that were copied
};

// A key is gone here only when its copy was read back from the disk and opened. What was interrupted is completed by
// another run; when there is nothing left to move, the other files are copied anew, and no passphrase is asked for.
// Errc::conflict while a signer has the ledger open, when the directory lies inside the state directory, or holds
// another CA's key; Errc::usage for a new passphrase that is too short or the old one; wrong_passphrase; file.
Result<SplitDone> split_signer(SplitFrom const& from, std::string const& to,
                               std::function<Result<SplitPassphrases>()> const& ask);

}  // namespace lenscap::ca
