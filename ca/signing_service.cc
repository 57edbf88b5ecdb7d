#include "ca/signing_service.h"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/local_socket.h"
#include "base/sandbox.h"

namespace lenscap::ca {
namespace {

// What comes out of the socket.
class Inbox {
 public:
  explicit Inbox(int socket) : socket_(socket), block_(std::size_t{256} * 1024) {}

  // The first message. Nothing: the other end is closed, or says what cannot be read.
  std::optional<Bytes> opening(Log const& log) {
    while (true) {
      // It would be kept whole here.
      if (frames_.next_of_list()) return unreadable({Errc::malformed, "a list before the opening"}, log), std::nullopt;
      auto next = frames_.next();
      if (!next) return unreadable(next.error(), log), std::nullopt;
      if (*next) return **std::move(next);
      bool const more = fill();
      // The passphrase must not stay behind.
      OPENSSL_cleanse(block_.data(), block_.size());
      if (!more) return std::nullopt;
    }
  }
  bool is_empty() const { return frames_.is_empty(); }

  // Whole messages, as many as have come, at least one; of a list nothing is kept. Empty: as of opening().
  std::vector<IssuerProcess::Arrived> wait(IssuerProcess const& process, Log const& log) {
    std::vector<IssuerProcess::Arrived> arrived;
    while (arrived.size() < kBatch) {
      if (auto const piece = frames_.next_of_list()) {
        take(*piece, process, arrived);
        continue;
      }
      auto next = frames_.next();
      if (!next) return unreadable(next.error(), log), std::vector<IssuerProcess::Arrived>();
      if (*next)
        arrived.push_back({.message = **std::move(next)});
      else if (!arrived.empty())
        return arrived;
      else if (!fill())
        return {};
    }
    return arrived;
  }

 private:
  static constexpr std::size_t kBatch = 64;

  void take(Frames::ListPiece const& piece, IssuerProcess const& process,
            std::vector<IssuerProcess::Arrived>& arrived) {
    if (piece.is_first)
      list_.emplace(process.begin_list(piece.octets));
    else
      list_->add(piece.octets);
    if (!piece.is_last) return;
    arrived.push_back({.list = std::move(list_)});
    list_.reset();
  }

  bool fill() {
    while (true) {
      auto const count = ::read(socket_, block_.data(), block_.size());
      if (count < 0 && errno == EINTR) continue;
      if (count > 0) frames_.feed(ByteView(block_).first(static_cast<std::size_t>(count)));
      return count > 0;
    }
  }

  static void unreadable(Error const& error, Log const& log) {
    log.error("signer.unreadable", {{"error", error.detail()}});
  }

  int socket_;
  Frames frames_;
  Bytes block_;
  std::optional<CrlReading> list_;  // that is on its way
};

Result<std::unique_ptr<IssuerProcess>> open_with(Bytes& message, IssuerProcessSettings const& settings, Time now) {
  auto opening = decode_opening(message);
  OPENSSL_cleanse(message.data(), message.size());
  if (!opening) return std::move(opening).error();
  return IssuerProcess::open(settings, opening->passphrase, now);
}

// Gives up every right that signing does not need.
Ready be_confined(IssuerProcess const& process, std::string_view key, Connections connections) {
  keep_memory_from_swap();
  // Of the default's; all others are of the same kind (open_issuer_key).
  auto const how = key.starts_with("file:") ? Confinement::key_in_memory : Confinement::key_in_module;
  auto const confined = confine(how, connections);
  return {process.spkis(), confined.calls, confined.files, confined.why};
}

// Answers until the other end is closed, or until the ledger is broken.
void converse(IssuerProcess& process, int socket, Inbox& inbox, Clock const& clock, Log const& log) {
  while (!process.is_broken()) {
    auto arrived = inbox.wait(process, log);
    if (arrived.empty()) return;
    auto const answers = process.answer(std::move(arrived), clock.now());
    for (auto const& answer : answers)
      if (!write_all(socket, as_text(answer))) return;
  }
  log.error("signer.ledger_broken", {{"what_to_do", "see docs/when-something-is-wrong.md; the signer ends now"}});
}

}  // namespace

void serve_signing(int socket, IssuerProcessSettings const& settings, Clock const& clock, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto process = open_with(*first, settings, clock.now());
  if (!process) {
    write_all(socket, as_text(encode(Refused{0, process.error()})));
    return;
  }
  if (write_all(socket, as_text(encode(be_confined(**process, settings.authority.key, Connections::none)))))
    converse(**process, socket, inbox, clock, log);
}

void rehearse_signing(int socket, IssuerProcessSettings const& settings, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto const opening = decode_opening(*first);
  OPENSSL_cleanse(first->data(), first->size());
  auto const look = [&]() -> Result<Ready> {
    if (!opening) return opening.error();
    TRY(auto spkis, IssuerProcess::rehearse(settings.authority, opening->passphrase));
    return Ready{std::move(spkis), false, false, ""};
  };
  auto ready = look();
  write_all(socket, as_text(ready ? encode(*ready) : encode(Refused{0, ready.error()})));
}

namespace {

// A front end that begins as one does. It has no passphrase for us, and what it says instead is not looked at.
void serve_one(IssuerProcess& process, Ready const& ready, int socket, Clock const& clock, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto const opening = decode_opening(*first);
  OPENSSL_cleanse(first->data(), first->size());
  if (!opening || !inbox.is_empty()) {
    write_all(socket,
              as_text(encode(Refused{0, Error(Errc::malformed, "the first message to the signer is its opening")})));
    return;
  }
  if (write_all(socket, as_text(encode(ready)))) converse(process, socket, inbox, clock, log);
}

}  // namespace

Result<> serve_signing_at(int listening, uid_t front, SecretBytes const& passphrase,
                          IssuerProcessSettings const& settings, std::function<void()> const& ready, Clock const& clock,
                          Log const& log) {
  TRY(auto const process, IssuerProcess::open(settings, passphrase, clock.now()));
  ready();
  auto const begin = be_confined(*process, settings.authority.key, Connections::taken);
  log.info("signer.waiting", {{"calls_filtered", begin.calls_filtered}, {"files_walled", begin.files_walled}});
  if (!begin.why.empty()) log.warning("signer.not_confined", {{"why", begin.why}});
  while (!process->is_broken()) {
    int const socket = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (socket < 0) return Error(Errc::unavailable, std::string("no front end can be taken: ") + std::strerror(errno));
    auto const peer = peer_of(socket);
    if (peer == front) {
      log.info("signer.front_came");
      serve_one(*process, begin, socket, clock, log);
      log.info("signer.front_went");
    } else {
      log.warning("signer.refused", {{"uid", peer ? static_cast<long long>(*peer) : -1}});
    }
    ::close(socket);
  }
  return Error(Errc::file, "the signer's ledger could not be written");
}

}  // namespace lenscap::ca
