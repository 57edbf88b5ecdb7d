// The front end's side of the signer (signing_service.h): asks over a socket and waits. Many threads may wait at a
// time; what they ask travels together. It does NOT start the process, nor connect to one.
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
  // Takes the socket; hands the passphrase over (an empty one where the signer has its own) and waits until the key is
  // open. The refusal is the signer's own, or Errc::unavailable when it ends without a word, or says none for long.
  // `on_end`, from another thread, when it has ended, also by the destructor.
  static Result<std::unique_ptr<RemoteSigner>> open(int socket, SecretBytes const& passphrase,
                                                    std::function<void()> on_end = {});
  ~RemoteSigner() override;  // closes the socket, so the signer ends

  // What the signer gave up.
  Ready const& ready() const { return ready_; }

  bool has_key(x509::PublicKey const& key) const override;
  Result<Bytes> sign(Draft const& draft, HashAlgorithm hash) override;
  Result<Bytes> sign(CrlDraft const& draft, HashAlgorithm hash) override;
  // Not while the signer's cap or its full disk makes it refuse, and never again once it has ended.
  Result<> check_ready() const override;
  // What it signed of late, by its own ledger.
  Result<RecentlySigned> recently_signed();
  bool is_elsewhere() const override { return true; }

 private:
  struct Waiting {
    std::condition_variable wake;
    std::optional<Result<Answer>> outcome;
  };

  RemoteSigner(int socket, Ready ready, std::function<void()> on_end);
  // `rest`: of the frame, where it stands elsewhere in memory; borrowed.
  Result<Answer> ask(std::uint64_t id, ByteView frame, ByteView rest = {});
  Result<Bytes> ask_to_sign(std::uint64_t id, ByteView frame, ByteView rest = {});
  void listen();  // the thread
  void take(Answer answer);

  int const socket_;
  Ready const ready_;
  std::function<void()> const on_end_;
  std::atomic<std::uint64_t> last_id_ = 0;
  std::mutex write_mutex_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::uint64_t, Waiting*> waiting_;
  bool has_ended_ = false;
  std::chrono::steady_clock::time_point ready_at_{};
  std::thread thread_;
};

}  // namespace lenscap::ca
