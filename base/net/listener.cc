#include "base/net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <map>
#include <mutex>

#include "base/net/address_group.h"
#include "base/net/session.h"

namespace lenscap::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// --- TLS
// ---------------------------------------------------------------------------------------------------------------

struct TlsServerContext::State {
  mutable std::mutex mutex;  // held for a pointer's exchange and SSL_new
  ossl::SslCtxPtr context;
};

namespace {

// http/1.1 when the client offers it; else the handshake goes on without ALPN.
int select_alpn(SSL* /*ssl*/, unsigned char const** out, unsigned char* out_size, unsigned char const* offered,
                unsigned int offered_size, void* /*unused*/) {
  constexpr std::string_view kOurs = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  int const found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<unsigned char const*>(kOurs.data()),
                                          static_cast<unsigned int>(kOurs.size()), offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Result<ossl::SslCtxPtr> make_context(std::vector<x509::Certificate> const& chain, x509::PrivateKey const& key) {
  if (chain.empty()) return Error(Errc::tls, "the server's certificate chain is empty");
  if (!(chain.front().key() == key.public_key()))
    return Error(Errc::tls, "the server's private key does not belong to its certificate");
  ossl::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  ossl::check(context != nullptr, "SSL_CTX_new");
  SSL_CTX* ctx = context.get();
  ossl::check(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1, "SSL_CTX_set_min_proto_version");
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(ctx, select_alpn, nullptr);
  ossl::check(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1, "SSL_CTX_set_cipher_list");
  if (SSL_CTX_use_certificate(ctx, chain.front().native()) != 1 || SSL_CTX_use_PrivateKey(ctx, key.native()) != 1)
    return Error(Errc::tls, "the server's certificate cannot be used: " + ossl::take_errors());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(ctx, chain[i].native()) != 1)
      return Error(Errc::tls, "the server's certificate chain cannot be used: " + ossl::take_errors());
  }
  return context;
}

}  // namespace

TlsServerContext::TlsServerContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServerContext::~TlsServerContext() = default;

Result<std::unique_ptr<TlsServerContext>> TlsServerContext::make(std::vector<x509::Certificate> const& chain,
                                                                 x509::PrivateKey const& key) {
  TRY(auto context, make_context(chain, key));
  auto state = std::make_unique<State>();
  state->context = std::move(context);
  return std::unique_ptr<TlsServerContext>(new TlsServerContext(std::move(state)));
}

Result<> TlsServerContext::replace(std::vector<x509::Certificate> const& chain, x509::PrivateKey const& key) {
  TRY(auto context, make_context(chain, key));
  std::lock_guard const lock(state_->mutex);
  state_->context.swap(context);
  return {};
}

ossl::SslPtr TlsServerContext::new_connection() const {
  std::lock_guard const lock(state_->mutex);
  ossl::SslPtr ssl(SSL_new(state_->context.get()));  // keeps the context it was made from
  ossl::check(ssl != nullptr, "SSL_new");
  return ssl;
}

// --- accepting
// ---------------------------------------------------------------------------------------------------------

namespace {

constexpr std::chrono::milliseconds kPauseWithoutDescriptors{50};
constexpr std::chrono::seconds kWarnEvery{10};
constexpr std::chrono::seconds kHardStop{5};

std::string text_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

void set_close_on_exec(int fd) { fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC); }

bool lacks_descriptors(error_code ec) {
  return ec == boost::system::errc::too_many_files_open || ec == boost::system::errc::too_many_files_open_in_system ||
         ec == boost::system::errc::no_buffer_space || ec == boost::system::errc::not_enough_memory;
}

}  // namespace

// Lives on the acceptor's thread; `count` and `port` are for everybody.
struct Listener::State : std::enable_shared_from_this<State> {
  State(IoThreads& t, ListenerSettings s, Gate& gate, Log log)
      : threads(t),
        settings(std::move(s)),
        shared{gate, settings.limits, std::move(log)},
        executor(threads.next()),
        acceptor(executor),
        room(executor, asio::steady_timer::time_point::max()) {}
  ~State() {
    if (reserve >= 0) ::close(reserve);
  }

  IoThreads& threads;
  ListenerSettings settings;
  SessionShared shared;
  asio::any_io_executor executor;
  tcp::acceptor acceptor;
  asio::steady_timer room;  // cancelled when a connection ends
  int reserve = -1;         // a descriptor to give up when there are no more
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions;
  std::map<std::string, std::size_t> per_address;
  std::uint64_t last_id = 0;
  std::chrono::steady_clock::time_point warned{};
  bool accepting = true;
  bool stopping = false;
  std::promise<void> gone;
  std::atomic<std::size_t> count{0};
  std::uint16_t port = 0;
  bool stopped = false;  // the owner's

  void warn(std::string_view event, std::string const& detail) {
    auto const now = std::chrono::steady_clock::now();
    if (warned != std::chrono::steady_clock::time_point{} && now - warned < kWarnEvery) return;
    warned = now;
    shared.log.warning(event, {{"listener", settings.name}, {"detail", detail}});
  }

  // Out of descriptors, a waiting client would stay in the queue and wake us for ever: take it with the reserve and
  // close it, so that it learns at once.
  void shed() {
    if (reserve >= 0) ::close(reserve);
    int const victim = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (victim >= 0) ::close(victim);
    reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  void take(tcp::socket socket, tcp::endpoint const& from) {
    auto const peer = text_of(from.address());
    auto const group = address_group(peer);
    auto const counted = per_address.find(group);
    if (counted != per_address.end() && counted->second >= settings.limits.connections_per_address) {
      warn("net.too_many_connections", "more than " + std::to_string(counted->second) + " connections from " + group);
      return;  // closes it
    }
    set_close_on_exec(socket.native_handle());
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto const id = ++last_id;
    auto on_end = [self = shared_from_this(), id, group] {
      asio::post(self->executor, [self, id, group] { self->release(id, group); });
    };
    // Counted when nothing can fail any more: what is counted ends in release() alone.
    auto tls = settings.tls != nullptr ? settings.tls->new_connection() : nullptr;
    auto session = std::make_shared<Session>(shared, std::move(socket), std::move(tls), peer, std::move(on_end));
    auto& of_group = per_address[group];
    sessions.emplace(id, session);
    ++of_group;
    ++count;
    session->start();
    if (stopping) session->close_gently();  // it came at the last moment
  }

  void release(std::uint64_t id, std::string const& group) {
    sessions.erase(id);
    if (auto found = per_address.find(group); found != per_address.end() && --found->second == 0)
      per_address.erase(found);
    --count;
    room.cancel();
    report_end();
  }

  void report_end() {
    if (stopping && !accepting && sessions.empty()) gone.set_value();
  }

  // One step of the loop; errors that concern one connection alone are let pass.
  Awaitable<> accept_one() {
    error_code ec;
    if (sessions.size() >= settings.limits.connections) {
      warn("net.full", "all " + std::to_string(sessions.size()) + " connections are taken; others wait");
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      co_return;
    }
    tcp::socket socket(threads.next());
    tcp::endpoint from;
    co_await acceptor.async_accept(socket, from, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) {
      take(std::move(socket), from);
    } else if (stopping) {
      co_return;
    } else if (lacks_descriptors(ec)) {
      warn("net.no_descriptors", ec.message());
      shed();
      co_await sleep_for(kPauseWithoutDescriptors);
    }
  }

  static Awaitable<> accept_loop(std::shared_ptr<State> self) {
    while (!self->stopping) {
      bool failed = false;
      try {
        co_await self->accept_one();
      } catch (std::exception const& e) {
        self->shared.log.error("net.accept_failed", {{"listener", self->settings.name}, {"what", e.what()}});
        failed = true;
      }
      if (failed) co_await sleep_for(kPauseWithoutDescriptors);
    }
    self->accepting = false;
    self->report_end();
  }

  void begin_stop() {
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    room.cancel();
    for (auto& [id, session] : sessions) session->close_gently();
  }

  void end_hard() {
    for (auto& [id, session] : sessions) session->close_hard();
  }

  Result<> bind() {
    error_code ec;
    if (settings.inherited_socket >= 0) {
      sockaddr_storage name{};
      socklen_t size = sizeof name;
      getsockname(settings.inherited_socket, reinterpret_cast<sockaddr*>(&name), &size);
      acceptor.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), settings.inherited_socket, ec);
    } else {
      auto const address = asio::ip::make_address(settings.address, ec);
      if (ec) return Error(Errc::settings, "\"" + settings.address + "\" is no IP address to listen on");
      tcp::endpoint const endpoint(address, settings.port);
      acceptor.open(endpoint.protocol(), ec);
      error_code ignored;
      if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ignored);
      // [::] beside 0.0.0.0 on one port: each takes its own family, whatever the system's default is.
      if (!ec && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
      if (!ec) acceptor.bind(endpoint, ec);
      if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    }
    if (ec) {
      return Error(Errc::settings, "cannot listen on " + settings.address + " port " + std::to_string(settings.port) +
                                       ": " + ec.message());
    }
    set_close_on_exec(acceptor.native_handle());
    port = acceptor.local_endpoint(ec).port();
    reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return {};
  }
};

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Listener>> Listener::open(IoThreads& threads, ListenerSettings settings, Gate& gate, Log log) {
  auto state = std::make_shared<State>(threads, std::move(settings), gate, std::move(log));
  CHECK_OK(state->bind());
  spawn(state->executor, State::accept_loop(state));
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::~Listener() { stop(); }

std::uint16_t Listener::port() const { return state_->port; }

std::size_t Listener::connections() const { return state_->count; }

void Listener::stop() {
  auto state = state_;
  if (state->stopped) return;
  state->stopped = true;
  if (state->threads.stopped()) {  // nothing moves any more: only let go
    state->threads.join();
    state->sessions.clear();
    return;
  }
  auto gone = state->gone.get_future();
  asio::post(state->executor, [state] { state->begin_stop(); });
  if (gone.wait_for(state->settings.limits.stop_gently) == std::future_status::ready) return;
  asio::post(state->executor, [state] { state->end_hard(); });
  if (gone.wait_for(kHardStop) != std::future_status::ready) bug("a connection does not end");
}

}  // namespace lenscap::net
