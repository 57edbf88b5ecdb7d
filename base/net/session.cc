#include "base/net/session.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <ctime>
#include <optional>

#include "base/net/framing.h"
#include "base/random.h"

namespace lenscap::net {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kReadBytes = 8 * 1024;
// What we read and drop from a client that still talks after its last answer.
constexpr std::size_t kLingerBytes = 256 * 1024;
// How soon a deadline that struck between two steps of one operation strikes again.
constexpr std::chrono::milliseconds kStrikeAgain{20};

// --- answers as octets
// -------------------------------------------------------------------------------------------------

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), whatever the locale.
std::string http_date(std::time_t now) {
  constexpr std::array<char const*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<char const*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text.data();
}

// A handler that lets a line end into a field has a fault that would split the answer in two.
bool is_sound(Response const& response) {
  if (response.status < 200 || response.status > 599) return false;
  for (auto const& [name, value] : response.headers.fields()) {
    if (name.empty() || name.find_first_of(": \r\n") != std::string::npos) return false;
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return false;
  }
  return true;
}

std::string serialize(Response const& response, bool is_head, bool keep_alive) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  out += http::obsolete_reason(static_cast<http::status>(response.status));
  out += "\r\nDate: " + http_date(std::time(nullptr)) + "\r\n";
  for (auto const& [name, value] : response.headers.fields()) out += name + ": " + value + "\r\n";
  if (has_body(response.status)) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (has_body(response.status) && !is_head) out += response.body;
  return out;
}

// --- requests as values
// ------------------------------------------------------------------------------------------------

// Beast reads what the gate has let through. Where the two do not see the same request, nobody knows what the client
// meant: nothing.
std::optional<Request> parse_request(std::string_view wire, RequestGate const& gate, FramingLimits const& limits) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  std::size_t used = 0;
  while (!parser.is_done()) {
    error_code ec;
    auto const more = parser.put(asio::buffer(wire.substr(used)), ec);
    used += more;
    if (ec || (more == 0 && !parser.is_done())) return std::nullopt;
  }
  auto message = parser.release();
  std::string_view const method(message.method_string().data(), message.method_string().size());
  std::string_view const target(message.target().data(), message.target().size());
  bool const agree = used == wire.size() && method == gate.head().method && target == gate.head().target &&
                     message.version() == 10U + static_cast<unsigned>(gate.head().minor_version) &&
                     message.body() == gate.take_body(wire);
  if (!agree) return std::nullopt;

  Request request;
  request.method = method_from(method);
  request.method_text = method;
  request.target = target;
  auto const question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (auto const& field : message) request.headers.add(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return request;
}

// --- the handler, under its deadline
// -----------------------------------------------------------------------------------

// Shared by a session and the handler it started: either may end first.
struct Answer {
  std::optional<Response> response;    // none: the handler threw
  asio::steady_timer* wake = nullptr;  // the session's, while it waits
  bool done = false;
};

// The one catch.
Awaitable<> answer(std::shared_ptr<Answer> answer, Router const& router, Log log, Request request) {
  auto const id = request.id;
  auto const path = request.path;
  std::string what;
  try {
    answer->response = co_await router.dispatch(std::move(request));
    if (is_sound(*answer->response)) what.clear();
    if (!is_sound(*answer->response)) {
      what = "the handler's response has an impossible status or header field";
      answer->response.reset();
    }
  } catch (std::exception const& e) {
    what = e.what();
  } catch (...) {
    what = "something that is no std::exception";
  }
  if (!answer->response) log.error("net.exception", {{"request", id}, {"path", path}, {"what", what}});
  answer->done = true;
  if (answer->wake != nullptr) answer->wake->cancel();
}

}  // namespace

struct Session::State {
  State(SessionShared const& s, tcp::socket k, ossl::SslPtr ssl, std::string p, std::function<void()> e)
      : shared(s), socket(std::move(k)), timer(socket.get_executor()), peer(std::move(p)), on_end(std::move(e)) {
    if (ssl) tls.emplace(socket, ssl.release());  // takes
    framing.header_bytes = shared.limits.header_bytes;
    framing.body_bytes = shared.limits.body_bytes;
    framing.request_bytes = shared.limits.request_bytes;
  }

  SessionShared const& shared;
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  asio::steady_timer timer;
  std::uint64_t timer_turn = 0;
  bool timed_out = false;
  bool idle = false;      // waits for the first octet of a request
  bool stopping = false;  // this request is the last
  bool aborted = false;
  std::string peer;
  std::function<void()> on_end;
  FramingLimits framing;
  std::string buffer;  // read and not yet used
  bool first = true;
  std::size_t pipelined = 0;

  // --- deadlines: the timer cancels what the socket is doing; a step that fails looks at timed_out ---

  void arm(Session& self, std::chrono::milliseconds deadline) {
    disarm();
    timed_out = false;
    wait_timer(self, deadline);
  }
  void wait_timer(Session& self, std::chrono::milliseconds deadline) {
    timer.expires_after(deadline);
    timer.async_wait([weak = self.weak_from_this(), turn = timer_turn](error_code ec) {
      auto strong = weak.lock();
      if (ec || !strong || strong->state_->timer_turn != turn) return;
      strong->state_->timed_out = true;
      error_code ignored;
      strong->state_->socket.cancel(ignored);
      strong->state_->wait_timer(*strong, kStrikeAgain);
    });
  }
  void disarm() {
    ++timer_turn;
    timer.cancel();
  }

  // --- octets in and out; false: the connection is of no more use (closed, broken, timed out) ---

  Awaitable<bool> read_some() {
    auto const had = buffer.size();
    buffer.resize(had + kReadBytes);
    auto const space = asio::buffer(buffer.data() + had, kReadBytes);
    error_code ec;
    std::size_t got = 0;
    if (tls) {
      got = co_await tls->async_read_some(space, asio::redirect_error(asio::use_awaitable, ec));
    } else {
      got = co_await socket.async_read_some(space, asio::redirect_error(asio::use_awaitable, ec));
    }
    buffer.resize(had + got);
    co_return !ec && !timed_out && !aborted;
  }

  Awaitable<bool> write(Session& self, std::string octets) {
    arm(self, shared.limits.write);
    auto const out = asio::buffer(octets);
    error_code ec;
    if (tls) {
      co_await asio::async_write(*tls, out, asio::redirect_error(asio::use_awaitable, ec));
    } else {
      co_await asio::async_write(socket, out, asio::redirect_error(asio::use_awaitable, ec));
    }
    disarm();
    co_return !ec && !timed_out && !aborted;
  }

  Awaitable<bool> handshake(Session& self) {
    if (!tls) co_return true;
    arm(self, shared.limits.handshake);
    error_code ec;
    co_await tls->async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, ec));
    disarm();
    if (ec) {
      auto const why = timed_out ? std::string("no handshake within the deadline") : ec.message();
      shared.log.debug("net.handshake_failed", {{"peer", peer}, {"why", why}});
    }
    co_return !ec && !timed_out && !aborted;
  }

  // --- one request ---

  struct Outcome {
    std::optional<Request> request;
    std::optional<FramingRefusal> refusal;  // neither: the client is gone
    bool keep_alive = false;
  };

  // Waits for the first octet: on a new connection under the header deadline, on a kept one under the idle deadline.
  Awaitable<bool> await_request(Session& self) {
    if (!buffer.empty()) co_return true;
    if (stopping) co_return false;
    arm(self, first ? shared.limits.header : shared.limits.idle);
    idle = true;
    bool const more = co_await read_some();
    idle = false;
    disarm();
    co_return more && !stopping;
  }

  // Stays in `here` when no more octets come. (GCC 12 would await in `here && co_await read_some()` whatever `here`
  // is.)
  Awaitable<RequestGate::State> read_while(RequestGate::State here, RequestGate& gate) {
    while (gate.state() == here) {
      bool const more = co_await read_some();
      if (!more) break;
      gate.feed(buffer);
    }
    co_return gate.state();
  }

  Awaitable<Outcome> read_request(Session& self) {
    Outcome outcome;
    RequestGate gate(framing);
    auto state = gate.feed(buffer);
    arm(self, shared.limits.header);
    state = co_await read_while(RequestGate::State::in_head, gate);
    if (state == RequestGate::State::in_body) {
      if (gate.head().expects_continue && buffer.size() == gate.head().octets) {
        bool const told = co_await write(self, "HTTP/1.1 100 Continue\r\n\r\n");
        if (!told) co_return outcome;
      }
      arm(self, shared.limits.body);
      state = co_await read_while(RequestGate::State::in_body, gate);
    }
    disarm();
    if (state == RequestGate::State::refused) {
      outcome.refusal = gate.refusal();
    } else if (state == RequestGate::State::complete) {
      auto const wire = std::string_view(buffer).substr(0, gate.octets());
      outcome.request = parse_request(wire, gate, framing);
      outcome.keep_alive = gate.head().keep_alive;
      if (!outcome.request) outcome.refusal = FramingRefusal{400, "the request is malformed"};
      buffer.erase(0, gate.octets());
    } else if (timed_out) {
      outcome.refusal = FramingRefusal{408, "the request did not arrive in time"};
    }
    co_return outcome;
  }

  Awaitable<Response> dispatch(Request request) {
    auto const id = request.id;
    auto shared_answer = std::make_shared<Answer>();
    asio::steady_timer wake(socket.get_executor(), shared.limits.handler);
    shared_answer->wake = &wake;
    asio::co_spawn(socket.get_executor(), answer(shared_answer, shared.router, shared.log, std::move(request)),
                   asio::detached);
    auto const deadline = SteadyClock::now() + shared.limits.handler;
    while (!shared_answer->done && !aborted && SteadyClock::now() < deadline) {
      handler_wake = &wake;
      error_code ignored;
      co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      handler_wake = nullptr;
    }
    shared_answer->wake = nullptr;
    if (shared_answer->response) co_return *std::move(shared_answer->response);
    if (shared_answer->done)
      co_return closing(shared.router.error(500, "internal error; the log tells more under request " + id));
    if (!aborted) shared.log.warning("net.handler_deadline", {{"request", id}});
    auto busy = shared.router.error(503, "the request took too long; try again later (request " + id + ")");
    if (busy.headers.find("Retry-After") == nullptr) busy.headers.add("Retry-After", "10");
    co_return closing(std::move(busy));
  }
  asio::steady_timer* handler_wake = nullptr;

  static Response closing(Response response) {
    response.close = true;
    return response;
  }

  // Reads one request and answers it; true: and the connection goes on.
  Awaitable<bool> serve_one(Session& self) {
    bool const begun = co_await await_request(self);
    if (!begun) co_return false;
    first = false;
    auto outcome = co_await read_request(self);
    if (outcome.refusal) {
      shared.log.info("net.refused",
                      {{"peer", peer}, {"status", outcome.refusal->status}, {"why", outcome.refusal->reason}});
      auto refusal = shared.router.error(outcome.refusal->status, std::string(outcome.refusal->reason));
      co_await write(self, serialize(refusal, false, false));
      co_return false;
    }
    if (!outcome.request) co_return false;

    auto& request = *outcome.request;
    auto const id = request.id = random_token();
    request.peer = peer;
    request.over_tls = tls.has_value();
    bool const is_head = request.method == Method::head;
    auto const method = request.method_text;
    auto const path = request.path;
    auto const begin = SteadyClock::now();
    pipelined = buffer.empty() ? 0 : pipelined + 1;
    auto response = co_await dispatch(std::move(request));
    if (aborted) co_return false;
    auto const us = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin).count();
    shared.log.info(
        "net.request",
        {{"request", id}, {"peer", peer}, {"method", method}, {"path", path}, {"status", response.status}, {"us", us}});
    bool const keep =
        outcome.keep_alive && !response.close && !stopping && pipelined < shared.limits.pipelined_requests;
    bool const sent = co_await write(self, serialize(response, is_head, keep));
    co_return sent&& keep;
  }

  // Lets the client take the last answer: closing with unread octets would reset the connection and could take the
  // answer with it.
  Awaitable<> linger(Session& self) {
    arm(self, shared.limits.linger);
    error_code ec;
    if (tls) co_await tls->async_shutdown(asio::redirect_error(asio::use_awaitable, ec));
    error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    std::string dropped(kReadBytes, '\0');
    auto const space = asio::buffer(dropped);
    for (std::size_t total = 0; total < kLingerBytes && !timed_out && !aborted;) {
      ec = {};
      total += co_await socket.async_read_some(space, asio::redirect_error(asio::use_awaitable, ec));
      if (ec) break;
    }
    disarm();
  }

  Awaitable<> serve(Session& self) {
    bool const shaken = co_await handshake(self);
    bool more = shaken;
    while (more) more = co_await serve_one(self);
    if (shaken && !aborted) co_await linger(self);
  }

  void close() {
    disarm();
    error_code ignored;
    socket.close(ignored);
  }
};

Session::Session(SessionShared const& shared, tcp::socket socket, ossl::SslPtr tls, std::string peer,
                 std::function<void()> on_end)
    : state_(std::make_unique<State>(shared, std::move(socket), std::move(tls), std::move(peer), std::move(on_end))) {}

Session::~Session() = default;

asio::any_io_executor Session::executor() { return state_->socket.get_executor(); }

namespace {

// Whatever happens inside a connection stays there.
Awaitable<> contain(Awaitable<> serve, Log log, std::string peer) {
  try {
    co_await std::move(serve);
  } catch (std::exception const& e) {
    log.error("net.session_failed", {{"peer", peer}, {"what", e.what()}});
  }
}

}  // namespace

void Session::start() {
  auto& state = *state_;
  asio::co_spawn(executor(), contain(state.serve(*this), state.shared.log, state.peer),
                 [self = shared_from_this()](std::exception_ptr const&) {
                   self->state_->close();
                   self->state_->on_end();
                 });
}

void Session::close_gently() {
  asio::dispatch(executor(), [self = shared_from_this()] {
    auto& state = *self->state_;
    state.stopping = true;
    error_code ignored;
    if (state.idle) state.socket.cancel(ignored);
  });
}

void Session::close_hard() {
  asio::dispatch(executor(), [self = shared_from_this()] {
    auto& state = *self->state_;
    state.aborted = true;
    state.close();
    if (state.handler_wake != nullptr) state.handler_wake->cancel();
  });
}

}  // namespace lenscap::net
