// The front end's side of the signer (issuer_process.h): asks over a socket and waits. Many threads may wait at a time;
// what they ask travels together. It does NOT start the process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "ca/issuer_messages.h"
#include "ca/signer.h"

namespace lenscap::ca {

class RemoteSigner final : public Signer {
 public:
  // Takes the socket; hands the passphrase over and waits until the key is open. The refusal is the signer's own, or
  // Errc::unavailable when it ends without a word.
  static Result<std::unique_ptr<RemoteSigner>> open(int socket, SecretBytes const& passphrase);
  ~RemoteSigner() override;  // closes the socket, so the signer ends

  // What the signer gave up.
  Ready const& ready() const { return ready_; }

  bool has_key(x509::PublicKey const& key) const override;
  Result<Bytes> sign(Draft const& draft, HashAlgorithm hash) override;
  Result<Bytes> sign(CrlDraft const& draft, HashAlgorithm hash) override;
  // Not while the signer's cap or its full disk makes it refuse, and never again once it has ended.
  Result<> check_ready() const override;
  bool is_elsewhere() const override { return true; }

 private:
  struct Waiting {
    std::condition_variable wake;
    std::optional<Result<Bytes>> outcome;
  };

  RemoteSigner(int socket, Ready ready);
  Result<Bytes> ask(std::uint64_t id, ByteView frame);
  void listen();  // the thread
  void take(Answer answer);

  int const socket_;
  Ready const ready_;
  std::atomic<std::uint64_t> last_id_ = 0;
  std::mutex write_mutex_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::uint64_t, Waiting*> waiting_;
  bool has_ended_ = false;
  std::chrono::steady_clock::time_point ready_at_{};
  std::thread thread_;
};

}  // namespace lenscap::ca
