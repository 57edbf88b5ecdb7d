// The signer's process as `serve` has it: a child of its own, or another user's process at a socket.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "acme/server/app.h"
#include "acme/server/commands/commands.h"
#include "base/child_process.h"
#include "ca/remote_signer.h"

namespace lenscap::acme {

class SignerProcess {
 public:
  // Starts the child, which gets the passphrase, or connects to the process at `settings.signer.socket`, which has its
  // own; waits for that one as long as `patience` when nobody is there. With `accept_clock` a child believes the clock.
  static Result<SignerProcess> reach(CommandLine const& line, Settings const& settings, SecretBytes const& passphrase,
                                     bool accept_clock, std::chrono::milliseconds patience, Log const& log);
  // Has a child open all that it would open, but for its ledger, and end.
  static Result<ca::Issuing> rehearse(CommandLine const& line, Settings const& settings, SecretBytes const& passphrase);

  std::shared_ptr<ca::Signer> signer() const { return signer_; }
  // What it signed of late, after that was held against the store: nothing that it signed is forgotten, and no number
  // of a list comes twice, also when the store was restored.
  Result<ca::RecentlySigned> compare_with(App& app, Log const& log) const;

  // Its end comes with SIGCHLD.
  bool has_ended() { return child_ ? child_->has_ended() : connection_ended_->load(); }
  std::string how_it_ended() const { return child_ ? child_->how_it_ended() : "the end of its connection"; }

 private:
  SignerProcess() = default;
  static Result<SignerProcess> start(CommandLine const& line, SecretBytes const& passphrase, bool accept_clock);
  static Result<SignerProcess> connect(std::string const& path, std::chrono::milliseconds patience);

  std::optional<ChildProcess> child_;
  std::unique_ptr<std::atomic<bool>> connection_ended_;  // of the other user's
  std::shared_ptr<ca::RemoteSigner> signer_;             // before the child, which ends with its socket
};

// The wall between two users is of use only where the key is behind it: warns of keys that are not.
void look_for_a_key_here(Settings const& settings, Log const& log);

}  // namespace lenscap::acme
