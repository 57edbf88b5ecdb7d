#include "tests/camsim/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <optional>
#include <set>
#include <stdexcept>

namespace lenscap::camsim {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kBodyLimitBytes = 1024 * 1024;   // cameras take whole PEM chains and little more
constexpr std::size_t kHeaderLimitBytes = 64 * 1024;   // above the URI limit, so that a long URI gets its 414
constexpr std::size_t kTargetLimitBytes = 8 * 1024;    // 414 above
constexpr std::chrono::seconds kIdleLimit{60};         // a silent keep-alive connection ends
constexpr std::chrono::seconds kParentCheckPeriod{1};  // how soon an orphan notices
constexpr int kBacklog = 128;

char const* reason_of(int status) {
  auto const known = http::int_to_status(static_cast<unsigned>(status));
  return known == http::status::unknown ? "Status" : http::obsolete_reason(known).data();
}

std::string serialize(Response const& response, bool head, bool keep_alive) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + reason_of(response.status) + "\r\n";
  for (Header const& header : response.headers) out += header.name + ": " + header.value + "\r\n";
  if (!response.content_type.empty()) out += "Content-Type: " + response.content_type + "\r\n";
  out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += keep_alive ? "Connection: Keep-Alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (!head) out += response.body;
  return out;
}

}  // namespace

struct Loop::Impl {
  asio::io_context io{1};
  asio::signal_set signals{io};
  std::optional<asio::posix::stream_descriptor> input;
  char input_byte = 0;

  void watch_input() {
    input->async_read_some(asio::buffer(&input_byte, 1), [this](error_code error, std::size_t) {
      if (error) return io.stop();
      watch_input();
    });
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  auto keep_running = asio::make_work_guard(impl_->io);
  impl_->io.run();
}
void Loop::stop() { impl_->io.stop(); }
void Loop::post(std::function<void()> work) { asio::post(impl_->io, std::move(work)); }

void Loop::after(std::chrono::milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->io, delay);
  timer->async_wait([timer, work = std::move(work)](error_code error) {
    if (!error) work();
  });
}

void Loop::stop_on_signals() {
  impl_->signals.add(SIGTERM);
  impl_->signals.add(SIGINT);
  impl_->signals.async_wait([this](error_code error, int) {
    if (!error) impl_->io.stop();
  });
}

namespace {
void watch_parent(Loop& loop, pid_t parent) {
  if (getppid() != parent) return loop.stop();
  loop.after(kParentCheckPeriod, [&loop, parent] { watch_parent(loop, parent); });
}
}  // namespace

void Loop::stop_with_parent() {
  struct stat input = {};
  if (fstat(STDIN_FILENO, &input) == 0 && (S_ISFIFO(input.st_mode) || S_ISSOCK(input.st_mode))) {
    impl_->input.emplace(impl_->io, dup(STDIN_FILENO));
    return impl_->watch_input();
  }
  watch_parent(*this, getppid());
}

namespace {

// A connection as its endpoint knows it: something that can be closed.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void close() = 0;
};

// Where a coroutine waits for the answer of a handler that may reply later.
struct Pending {
  explicit Pending(asio::io_context& io) : wake(io, asio::steady_timer::time_point::max()) {}
  std::optional<Response> response;
  asio::steady_timer wake;
};

}  // namespace

struct Endpoint::Impl : std::enable_shared_from_this<Endpoint::Impl> {
  Impl(asio::io_context& context, Handler handle) : io(context), handler(std::move(handle)), acceptor(context) {}

  asio::io_context& io;
  Handler handler;
  tcp::endpoint where;
  tcp::acceptor acceptor;
  ossl::SslCtxPtr tls;
  bool open = false;
  std::set<Connection*> connections;

  void bind() {
    acceptor.open(where.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(where);
    where = acceptor.local_endpoint();
  }
  void accept();
  void start(tcp::socket socket);
};

namespace {

std::string tls_server_name(tcp::socket&) { return {}; }
std::string tls_server_name(asio::ssl::stream<tcp::socket>& stream) {
  char const* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string() : std::string(name);
}
std::string tls_version(tcp::socket&) { return {}; }
std::string tls_version(asio::ssl::stream<tcp::socket>& stream) { return SSL_get_version(stream.native_handle()); }

template <class Stream>
constexpr bool kIsTls = !std::is_same_v<Stream, tcp::socket>;

template <class Stream>
class Session final : public Connection, public std::enable_shared_from_this<Session<Stream>> {
 public:
  template <class... Args>
  explicit Session(std::shared_ptr<Endpoint::Impl> owner, Args&&... args)
      : owner_(std::move(owner)), stream_(std::forward<Args>(args)...), deadline_(owner_->io) {
    owner_->connections.insert(this);
  }
  ~Session() override { owner_->connections.erase(this); }

  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
    deadline_.cancel();
    if (pending_) pending_->wake.cancel();
    closed_ = true;
  }

  // Serves requests until somebody closes. `self` keeps the session alive while the coroutine runs.
  static asio::awaitable<void> run(std::shared_ptr<Session> self) {
    try {
      co_await self->serve();
    } catch (std::exception const& error) {
      // A handler that throws is a bug of the simulator: say so, loudly, and go on with the other devices.
      fprintf(stderr, "camsim: %s\n", error.what());
    }
    self->close();
  }

 private:
  asio::awaitable<void> serve() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    tcp::no_delay const no_delay(true);
    stream_.lowest_layer().set_option(no_delay, error);
    auto const peer = stream_.lowest_layer().remote_endpoint(error);
    if constexpr (kIsTls<Stream>) {
      arm();
      co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
      if (error) co_return;
    }
    boost::beast::flat_buffer buffer;
    bool keep_alive = true;
    while (keep_alive && !closed_) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(static_cast<std::uint32_t>(kHeaderLimitBytes));
      parser.body_limit(kBodyLimitBytes);
      arm();
      co_await http::async_read_header(stream_, buffer, parser, token);
      int refuse = 0;
      if (error == http::error::body_limit)
        refuse = 413;
      else if (error)
        co_return;
      if (refuse == 0 && parser.get().target().size() > kTargetLimitBytes) refuse = 414;
      if (refuse == 0 && parser.get()[http::field::expect] == "100-continue") {
        std::string const go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(stream_, asio::buffer(go_on), token);
        if (error) co_return;
      }
      if (refuse == 0) {
        co_await http::async_read(stream_, buffer, parser, token);
        if (error == http::error::body_limit)
          refuse = 413;
        else if (error)
          co_return;
      }
      Request request = take(parser.get(), peer, refuse);
      bool const head = request.method == "HEAD";
      keep_alive = refuse == 0 && parser.get().keep_alive();
      deadline_.cancel();  // the device may take its time

      auto pending = std::make_shared<Pending>(owner_->io);
      pending_ = pending;
      Reply reply = [pending](Response response) {
        if (pending->response) return;
        pending->response = std::move(response);
        pending->wake.cancel();
      };
      owner_->handler(std::move(request), std::move(reply));
      if (!pending->response && !closed_) co_await pending->wake.async_wait(token);
      pending_.reset();
      if (!pending->response) co_return;  // closed while the device was at work
      Response response = std::move(*pending->response);
      keep_alive = keep_alive && !response.close && response.wire == Wire::plain;
      if (!closed_) co_await send(response, head, keep_alive);
      if (response.after) response.after();
    }
  }

  asio::awaitable<void> send(Response const& response, bool head, bool keep_alive) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    std::string const wire = serialize(response, head, keep_alive);
    switch (response.wire) {
      case Wire::plain:
        co_await asio::async_write(stream_, asio::buffer(wire), token);
        if (!keep_alive && !error) co_await say_goodbye();
        co_return;
      case Wire::silent: {
        char scratch[256] = {};
        auto const room = asio::buffer(scratch);
        while (!error && !closed_) co_await stream_.async_read_some(room, token);
        co_return;
      }
      case Wire::reset_after: {
        auto const part = asio::buffer(wire, response.wire_bytes);
        if (part.size() > 0) co_await asio::async_write(stream_, part, token);
        asio::socket_base::linger const at_once(true, 0);
        stream_.lowest_layer().set_option(at_once, error);
        co_return;
      }
      case Wire::drip: {
        asio::steady_timer pause(owner_->io);
        for (std::size_t i = 0; i < wire.size() && !error && !closed_; ++i) {
          auto const octet = asio::buffer(wire.data() + i, 1);
          co_await asio::async_write(stream_, octet, token);
          if (error) co_return;
          pause.expires_after(std::chrono::milliseconds(response.wire_interval_ms));
          co_await pause.async_wait(token);
        }
        co_return;
      }
      case Wire::lost:
        co_return;
    }
  }

  // close_notify, so that a TLS client can tell the end from a cut.
  asio::awaitable<void> say_goodbye() {
    if constexpr (kIsTls<Stream>) {
      error_code error;
      auto token = asio::redirect_error(asio::use_awaitable, error);
      arm();
      co_await stream_.async_shutdown(token);
    } else {
      error_code ignored;
      stream_.shutdown(tcp::socket::shutdown_send, ignored);
      co_return;
    }
  }

  template <class Message>
  Request take(Message& message, tcp::endpoint const& peer, int refuse) {
    Request request;
    request.tls = kIsTls<Stream>;
    request.tls_version = tls_version(stream_);
    request.sni = tls_server_name(stream_);
    request.peer = peer.address().to_string();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    auto const question = request.target.find('?');
    request.path = request.target.substr(0, question);
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    for (auto const& field : message)
      request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.refuse = refuse;
    if (refuse == 0) request.body = std::move(message.body());
    return request;
  }

  void arm() {
    deadline_.expires_after(kIdleLimit);
    deadline_.async_wait([weak = this->weak_from_this()](error_code error) {
      if (error) return;
      if (auto self = weak.lock()) self->close();
    });
  }

  std::shared_ptr<Endpoint::Impl> owner_;
  Stream stream_;
  asio::steady_timer deadline_;
  std::shared_ptr<Pending> pending_;
  bool closed_ = false;
};

template <class Session, class... Args>
void spawn(asio::io_context& io, Args&&... args) {
  auto session = std::make_shared<Session>(std::forward<Args>(args)...);
  asio::co_spawn(io, Session::run(std::move(session)), asio::detached);
}

}  // namespace

void Endpoint::Impl::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !self->open) return;
    if (!error) self->start(std::move(socket));
    self->accept();
  });
}

void Endpoint::Impl::start(tcp::socket socket) {
  if (!tls) return spawn<Session<tcp::socket>>(io, shared_from_this(), std::move(socket));
  // The stream's SSL object holds its own reference to the context, so a restart does not pull it away.
  SSL_CTX_up_ref(tls.get());
  asio::ssl::context context(tls.get());
  spawn<Session<asio::ssl::stream<tcp::socket>>>(io, shared_from_this(), std::move(socket), context);
}

Endpoint::Endpoint(Loop& loop, std::string const& address, unsigned short port, Handler handler)
    : impl_(std::make_shared<Impl>(loop.impl().io, std::move(handler))) {
  try {
    impl_->where = tcp::endpoint(asio::ip::make_address(address), port);
    impl_->bind();
  } catch (boost::system::system_error const& error) {
    throw std::runtime_error("cannot bind " + address + ":" + std::to_string(port) + ": " + error.what());
  }
}

Endpoint::~Endpoint() {
  impl_->open = false;
  error_code ignored;
  impl_->acceptor.close(ignored);
  auto const connections = impl_->connections;  // closing changes the set
  for (Connection* connection : connections) connection->close();
  impl_->handler = [](Request const&, Reply const&) {};
}

unsigned short Endpoint::port() const { return impl_->where.port(); }
bool Endpoint::is_open() const { return impl_->open; }

void Endpoint::open(ossl::SslCtxPtr tls) {
  impl_->tls = std::move(tls);
  if (impl_->open) return;
  impl_->acceptor.listen(kBacklog);
  impl_->open = true;
  impl_->accept();
}

void Endpoint::shut() {
  if (!impl_->open) return;
  impl_->open = false;
  error_code ignored;
  impl_->acceptor.close(ignored);
  auto const connections = impl_->connections;
  for (Connection* connection : connections) connection->close();
  impl_->bind();  // keeps the port, refuses connections
}

}  // namespace lenscap::camsim
