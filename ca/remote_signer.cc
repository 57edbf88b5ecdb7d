#include "ca/remote_signer.h"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ca/crl.h"
#include "ca/issuer.h"

namespace lenscap::ca {
namespace {

constexpr Seconds kAfterItsEnd{30};
// To open a key takes a second or two, of a token in a network some more; and another front end may have to go first.
constexpr Seconds kPatience{60};

Error ended() {
  Error error(Errc::unavailable, "the signer has ended; nothing can be issued until the service is started again");
  error.retry_after = kAfterItsEnd;
  return error;
}

bool send_all(int socket, ByteView octets) {
  while (!octets.empty()) {
    auto const count = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

// The next message; nothing when the other end is closed or talks nonsense.
std::optional<Answer> receive(int socket, Frames& frames) {
  while (true) {
    auto next = frames.next();
    if (!next) return std::nullopt;
    if (*next) {
      auto answer = decode_answer(**next);
      return answer ? std::optional(*std::move(answer)) : std::nullopt;
    }
    std::uint8_t block[16 * 1024];
    auto const count = ::recv(socket, block, sizeof block, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    frames.feed(ByteView(block, static_cast<std::size_t>(count)));
  }
}

void wait_at_most(int socket, Seconds time) {
  timeval const patience{time.count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

Result<Ready> begin(int socket, SecretBytes const& passphrase) {
  auto message = encode(Opening{passphrase.clone()});
  bool const sent = send_all(socket, message);
  OPENSSL_cleanse(message.data(), message.size());
  wait_at_most(socket, kPatience);
  Frames frames;
  auto answer = sent ? receive(socket, frames) : std::nullopt;
  wait_at_most(socket, Seconds(0));
  if (!answer) return Error(Errc::unavailable, "the signer ended before it was ready, or is not ready in a minute");
  if (auto* refused = std::get_if<Refused>(&*answer)) return std::move(refused->error);
  if (auto* ready = std::get_if<Ready>(&*answer)) return std::move(*ready);
  return Error(Errc::unavailable, "the signer begins with something else than its readiness");
}

}  // namespace

Result<std::unique_ptr<RemoteSigner>> RemoteSigner::open(int socket, SecretBytes const& passphrase,
                                                         std::function<void()> on_end) {
  auto const opened = [&]() -> Result<std::unique_ptr<RemoteSigner>> {
    TRY(auto ready, begin(socket, passphrase));
    return std::unique_ptr<RemoteSigner>(new RemoteSigner(socket, std::move(ready), std::move(on_end)));
  };
  auto signer = opened();
  if (!signer) ::close(socket);
  return signer;
}

RemoteSigner::RemoteSigner(int socket, Ready ready, std::function<void()> on_end)
    : socket_(socket), ready_(std::move(ready)), on_end_(std::move(on_end)) {
  thread_ = std::thread([this] { listen(); });
}

RemoteSigner::~RemoteSigner() {
  ::shutdown(socket_, SHUT_RDWR);
  thread_.join();
  ::close(socket_);
}

bool RemoteSigner::has_key(x509::PublicKey const& key) const {
  return std::ranges::any_of(ready_.spkis, [&](Bytes const& spki) { return std::ranges::equal(spki, key.spki()); });
}

void RemoteSigner::listen() {
  Frames frames;
  while (auto answer = receive(socket_, frames)) take(*std::move(answer));
  ::shutdown(socket_, SHUT_RDWR);  // what is being sent to nobody comes back
  {
    std::lock_guard const lock(mutex_);
    has_ended_ = true;
    for (auto& [id, waiting] : waiting_) {
      waiting->outcome.emplace(ended());
      waiting->wake.notify_all();
    }
    waiting_.clear();
  }
  if (on_end_) on_end_();
}

void RemoteSigner::take(Answer answer) {
  std::uint64_t id = 0;
  std::optional<Result<Answer>> outcome;
  Seconds wait{};
  if (auto* signature = std::get_if<Signature>(&answer)) {
    id = signature->id;
    wait = signature->wait;
    outcome.emplace(std::move(*signature));
  } else if (auto* refused = std::get_if<Refused>(&answer)) {
    id = refused->id;
    wait = refused->error.retry_after.value_or(Seconds(0));
    outcome.emplace(std::move(refused->error));
  } else if (auto* recent = std::get_if<Recent>(&answer)) {
    id = recent->id;
    outcome.emplace(std::move(*recent));
  }
  std::lock_guard const lock(mutex_);
  if (wait > Seconds(0)) ready_at_ = std::chrono::steady_clock::now() + wait;
  auto const found = waiting_.find(id);
  if (found == waiting_.end()) return;
  found->second->outcome = std::move(outcome);
  found->second->wake.notify_all();
  waiting_.erase(found);
}

Result<> RemoteSigner::check_ready() const {
  std::lock_guard const lock(mutex_);
  if (has_ended_) return ended();
  auto const left = std::chrono::ceil<Seconds>(ready_at_ - std::chrono::steady_clock::now());
  if (left <= Seconds(0)) return {};
  Error error(Errc::unavailable, "as much was signed as the signer may sign in this time; come again later");
  error.retry_after = left;
  return error;
}

Result<Answer> RemoteSigner::ask(std::uint64_t id, ByteView frame, ByteView rest) {
  Waiting mine;
  {
    std::lock_guard const lock(mutex_);
    if (has_ended_) return ended();
    waiting_[id] = &mine;
  }
  {
    std::lock_guard const lock(write_mutex_);
    if (send_all(socket_, frame)) send_all(socket_, rest);  // where it fails, listen() sees the end, too
  }
  std::unique_lock lock(mutex_);
  mine.wake.wait(lock, [&] { return mine.outcome.has_value(); });
  return *std::move(mine.outcome);
}

namespace {

Error other_answer() { return {Errc::internal, "the signer gives an answer of another kind"}; }

}  // namespace

Result<Bytes> RemoteSigner::ask_to_sign(std::uint64_t id, ByteView frame, ByteView rest) {
  TRY(auto answer, ask(id, frame, rest));
  auto* signature = std::get_if<Signature>(&answer);
  if (signature == nullptr) return other_answer();
  return std::move(signature->octets);
}

Result<RecentlySigned> RemoteSigner::recently_signed() {
  auto const id = ++last_id_;
  TRY(auto answer, ask(id, encode(RecentWanted{id})));
  auto* recent = std::get_if<Recent>(&answer);
  if (recent == nullptr) return other_answer();
  return std::move(recent->entries);
}

Result<Bytes> RemoteSigner::sign(Draft const& draft, HashAlgorithm /*hash*/) {
  auto const id = ++last_id_;
  return ask_to_sign(id, encode(CertificateWanted{.id = id,
                                                  .issuer = draft.issuer_key_id(),
                                                  .request = draft.request(),
                                                  .profile_hash = draft.profile_hash(),
                                                  .serial = draft.what().serial,
                                                  .prepared_at = draft.prepared_at(),
                                                  .tbs_hash = sha256(draft.tbs())}));
}

Result<Bytes> RemoteSigner::sign(CrlDraft const& draft, HashAlgorithm /*hash*/) {
  auto const tbs = draft.tbs();
  // The signer would hang up, and certificates would be refused, too.
  if (!has_room_for_crl(tbs.size()))
    return Error(Errc::unavailable, "the revocation list has " + std::to_string(tbs.size()) +
                                        " octets, more than the signer takes; divide the certificates among more "
                                        "lists ([crl] shards of ca.toml), and replace those of the long list");
  auto const id = ++last_id_;
  return ask_to_sign(id, encode_crl_front(id, draft.issuer_key_id(), tbs.size()), tbs);
}

}  // namespace lenscap::ca
