#include "base/net/session.h"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>

#include "base/net/framing.h"
#include "base/net/parse_request.h"
#include "base/net/serialize.h"
#include "base/random.h"

namespace lenscap::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

namespace {

// An idle connection holds so much for the next request, and reads the rest of it in larger pieces.
constexpr std::size_t kIdleBytes = 512;
constexpr std::size_t kReadBytes = 4 * 1024;
// What we read and drop from a client that still talks after its last answer.
constexpr std::size_t kLingerBytes = 256 * 1024;
// How soon a deadline that struck between two steps of one operation strikes again.
constexpr std::chrono::milliseconds kStrikeAgain{20};

// --- the handler, under its deadline
// -----------------------------------------------------------------------------------

// Shared by a session and the handler it started: either may end first.
struct Answer {
  std::optional<Response> response;    // none: the handler threw
  asio::steady_timer* wake = nullptr;  // the session's, while it waits
  bool done = false;
};

constexpr std::string_view kUnsound = "the handler's response has an impossible status or header field";

// The catch of handlers that answer at once.
std::optional<Response> answer_at_once(PlainHandler const& handler, Log const& log, Request const& request) {
  std::string what(kUnsound);
  try {
    auto response = handler(request);
    if (is_sound(response)) return response;
  } catch (std::exception const& e) {
    what = e.what();
  } catch (...) {
    what = "something that is no std::exception";
  }
  log.error("net.exception", {{"request", request.id}, {"path", request.path}, {"what", what}});
  return std::nullopt;
}

// The catch of those that wait. The handler is the router's, which stays as long as `pass`.
Awaitable<> answer(std::shared_ptr<Answer> answer, Gate::Pass pass, Handler const& handler, Log log, Request request) {
  auto const id = request.id;
  auto const path = request.path;
  std::string what;
  try {
    answer->response = co_await handler(std::move(request));
    if (!is_sound(*answer->response)) {
      what = kUnsound;
      answer->response.reset();
    }
  } catch (std::exception const& e) {
    what = e.what();
  } catch (...) {
    what = "something that is no std::exception";
  }
  if (!answer->response) log.error("net.exception", {{"request", id}, {"path", path}, {"what", what}});
  pass = {};
  answer->done = true;
  if (answer->wake != nullptr) answer->wake->cancel();
}

}  // namespace

struct Session::State {
  State(SessionShared const& s, tcp::socket k, ossl::SslPtr ssl, std::string p, std::function<void()> e)
      : shared(s),
        socket(std::move(k)),
        timer(socket.get_executor()),
        handler_wake(socket.get_executor(), SteadyClock::time_point::max()),
        peer(std::move(p)),
        id_prefix(random_token()),
        on_end(std::move(e)) {
    if (ssl) tls.emplace(socket, ssl.release());  // takes
    framing.header_bytes = shared.limits.header_bytes;
    framing.body_bytes = shared.limits.body_bytes;
    framing.request_bytes = shared.limits.request_bytes;
    auto const& l = shared.limits;
    shortest = std::min({l.handshake, l.header, l.body, l.write, l.idle, l.handler, l.linger, l.slow_start});
  }

  SessionShared const& shared;
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  asio::steady_timer timer;
  asio::steady_timer handler_wake;  // cancelled when a handler has answered, or its time is over
  SteadyClock::time_point deadline = SteadyClock::time_point::max();
  std::chrono::milliseconds shortest{};
  bool timed_out = false;
  bool idle = false;      // waits for the first octet of a request
  bool stopping = false;  // this request is the last
  bool aborted = false;
  std::string peer;
  std::string id_prefix;  // of the ids of this connection's requests
  std::uint64_t requests = 0;
  std::function<void()> on_end;
  FramingLimits framing;
  std::string buffer;  // read and not yet used
  bool first = true;
  std::size_t pipelined = 0;
  HttpDate date;

  // --- deadlines. A step sets `deadline` and looks at timed_out when it fails. The timer itself is set anew only when
  // it strikes, which it does no later than the shortest of the limits from now: so never after a deadline that was set
  // meanwhile, and a busy connection moves no timer. ---

  void arm(std::chrono::milliseconds limit) {
    timed_out = false;
    deadline = SteadyClock::now() + limit;
  }
  // The deadline of octets that began to move at `begin`, and of which there are so many: see ServerLimits.
  void arm_for(SteadyClock::time_point begin, std::chrono::milliseconds limit, std::size_t octets) {
    auto const moving = std::chrono::milliseconds(octets * 1000 / shared.limits.bytes_per_second);
    timed_out = false;
    deadline = begin + std::min(limit, shared.limits.slow_start + moving);
  }
  void disarm() { deadline = SteadyClock::time_point::max(); }
  void watch(Session& self, SteadyClock::time_point next) {
    timer.expires_at(std::min(next, deadline));
    timer.async_wait([weak = self.weak_from_this()](error_code ec) {
      auto strong = weak.lock();
      if (!ec && strong) strong->state_->strike(*strong);
    });
  }
  void strike(Session& self) {
    auto const now = SteadyClock::now();
    if (now < deadline) return watch(self, now + shortest);
    // Cancels what the connection is doing; again soon, in case it was just between two steps of one operation.
    timed_out = true;
    error_code ignored;
    socket.cancel(ignored);
    handler_wake.cancel();
    deadline = now + kStrikeAgain;
    watch(self, deadline);
  }

  // --- octets in and out; false: the connection is of no more use (closed, broken, timed out) ---

  bool is_fine(error_code ec) const { return !ec && !timed_out && !aborted; }

  Awaitable<std::size_t> read_op(asio::mutable_buffer space, error_code& ec) {
    if (tls) return tls->async_read_some(space, asio::redirect_error(asio::use_awaitable, ec));
    return socket.async_read_some(space, asio::redirect_error(asio::use_awaitable, ec));
  }
  Awaitable<std::size_t> write_op(asio::const_buffer octets, error_code& ec) {
    if (tls) return asio::async_write(*tls, octets, asio::redirect_error(asio::use_awaitable, ec));
    return asio::async_write(socket, octets, asio::redirect_error(asio::use_awaitable, ec));
  }

  Awaitable<bool> read_some(std::size_t at_most = kReadBytes) {
    auto const had = buffer.size();
    buffer.resize(had + at_most);
    auto const space = asio::buffer(buffer.data() + had, at_most);
    error_code ec;
    auto reading = read_op(space, ec);
    auto const got = co_await std::move(reading);
    buffer.resize(had + got);
    co_return is_fine(ec);
  }

  // `octets` must live until the outcome is there.
  Awaitable<bool> write_view(ByteView octets) {
    arm_for(SteadyClock::now(), shared.limits.write, octets.size());
    error_code ec;
    auto writing = write_op(asio::buffer(octets.data(), octets.size()), ec);
    co_await std::move(writing);
    bool const fine = is_fine(ec);
    disarm();
    co_return fine;
  }
  Awaitable<bool> write(std::string octets) {
    bool const fine = co_await write_view(as_bytes(octets));
    co_return fine;
  }
  // In pieces, each with a deadline of its own: the whole may take longer than any answer of a usual size. A body that
  // cannot be read to its end leaves the client with less than the length that it was told, so it knows.
  Awaitable<bool> write_shared(SharedBody body) {
    Bytes room;
    for (std::size_t at = 0; at < body.size();) {
      auto const piece = body.piece(at, room);
      if (!piece) {
        shared.log.error("net.body_lost", {{"peer", peer}, {"at", at}, {"octets", body.size()}});
        co_return false;
      }
      ByteView const octets = *piece;
      bool const fine = co_await write_view(octets);
      if (!fine) co_return false;
      at += octets.size();
    }
    co_return true;
  }

  Awaitable<bool> handshake() {
    if (!tls) co_return true;
    arm(shared.limits.handshake);
    error_code ec;
    co_await tls->async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, ec));
    disarm();
    if (ec) {
      auto const why = timed_out ? std::string("no handshake within the deadline") : ec.message();
      shared.log.debug("net.handshake_failed", {{"peer", peer}, {"why", why}});
    }
    co_return is_fine(ec);
  }

  // --- one request ---

  struct Outcome {
    std::optional<Request> request;
    std::optional<FramingRefusal> refusal;  // neither: the client is gone
    bool keep_alive = false;
  };

  // Waits for the first octet: on a new connection under the header deadline, on a kept one under the idle deadline.
  // At a stop, a client that has only just come still gets its first answer: unlike one between two requests, it does
  // not know that this connection may end, and would not ask again on another. One whose answer was being written when
  // the stop began was told that the connection goes on, but nobody comes by again to end its wait.
  Awaitable<bool> await_request() {
    if (stopping && !first) co_return false;
    arm(!first ? shared.limits.idle : stopping ? shared.limits.linger : shared.limits.header);
    idle = true;
    buffer = {};
    bool const more = co_await read_some(kIdleBytes);
    idle = false;
    co_return more && (!stopping || first);
  }

  Awaitable<Outcome> read_request() {
    Outcome outcome;
    RequestGate gate(framing);
    auto state = gate.feed(buffer);
    auto begin = SteadyClock::now();
    while (state == RequestGate::State::in_head) {
      arm_for(begin, shared.limits.header, buffer.size());
      bool const more = co_await read_some();
      if (!more) break;
      state = gate.feed(buffer);
    }
    if (state == RequestGate::State::in_body) {
      if (gate.head().expects_continue && buffer.size() == gate.head().octets) {
        bool const told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
        if (!told) co_return outcome;
      }
      begin = SteadyClock::now();
    }
    auto const begun_with = buffer.size();
    while (state == RequestGate::State::in_body) {
      arm_for(begin, shared.limits.body, buffer.size() - begun_with);
      bool const more = co_await read_some();
      if (!more) break;
      state = gate.feed(buffer);
    }
    finish(outcome, gate);
    co_return outcome;
  }

  void finish(Outcome& outcome, RequestGate const& gate) {
    auto const state = gate.state();
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
    disarm();
  }

  // --- answers ---

  // Whoever answers now. None: nobody does within the deadline of a handler.
  Awaitable<Gate::Pass> wait_at_gate(Session& self) {
    Gate::Pass pass;
    arm(shared.limits.handler);
    while (!pass && !aborted && !timed_out) {
      // Opened already, it wakes us by a post to this very thread, so never before the wait has begun.
      shared.gate.when_open([weak = self.weak_from_this()] {
        if (auto strong = weak.lock())
          asio::post(strong->executor(), [strong] { strong->state_->handler_wake.cancel(); });
      });
      error_code ignored;
      co_await handler_wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      pass = shared.gate.enter();
    }
    disarm();
    co_return pass;
  }

  // Runs the handler on its own, and waits for it until its deadline.
  Awaitable<Response> wait_for(Gate::Pass const& pass, Handler const& handler, Request request) {
    auto const id = request.id;
    auto shared_answer = std::make_shared<Answer>();
    arm(shared.limits.handler);
    asio::co_spawn(socket.get_executor(), answer(shared_answer, pass, handler, shared.log, std::move(request)),
                   asio::detached);
    shared_answer->wake = &handler_wake;
    while (!shared_answer->done && !aborted && !timed_out) {
      error_code ignored;
      co_await handler_wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    shared_answer->wake = nullptr;
    disarm();
    if (shared_answer->response) co_return *std::move(shared_answer->response);
    if (shared_answer->done) co_return broken(pass, id);
    if (!aborted) shared.log.warning("net.handler_deadline", {{"request", id}});
    auto busy = pass.router().error(503, "the request took too long; try again later (request " + id + ")");
    if (busy.headers.find("Retry-After") == nullptr) busy.headers.add("Retry-After", "10");
    co_return closing(std::move(busy));
  }

  static Response broken(Gate::Pass const& pass, std::string const& id) {
    return closing(pass.router().error(500, "internal error; the log tells more under request " + id));
  }
  // In the words of whoever answers, or in plain ones while nobody does.
  Response refusal(int status, std::string detail) {
    if (auto const pass = shared.gate.enter()) return closing(pass.router().error(status, std::move(detail)));
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    if (status == 503) response.headers.add("Retry-After", "10");
    response.body = std::move(detail) + "\n";
    return closing(std::move(response));
  }
  static Response closing(Response response) {
    response.close = true;
    return response;
  }

  // By the router that is there now, and whoever it names.
  Awaitable<Response> respond(Session& self, Request request) {
    auto pass = shared.gate.enter();
    if (!pass) {
      auto entering = wait_at_gate(self);
      pass = co_await std::move(entering);
    }
    if (!pass) co_return refusal(503, "the server is being set up anew; try again later (request " + request.id + ")");
    auto match = pass.router().match(request);
    if (match.plain != nullptr) {
      auto answered = answer_at_once(*match.plain, shared.log, request);
      if (!answered) co_return broken(pass, request.id);
      co_return *std::move(answered);
    }
    if (match.handler == nullptr) co_return std::move(match.refusal);
    auto answering = wait_for(pass, *match.handler, std::move(request));
    auto response = co_await std::move(answering);
    co_return response;
  }

  std::string next_id() { return id_prefix + "." + std::to_string(++requests); }

  // What was asked and answered: worth a line when it was refused, and otherwise for who wants to see everything.
  void note(std::string_view id, std::string_view method, std::string_view path, int status,
            SteadyClock::time_point begin) {
    auto const lowest = status >= 400 ? LogLevel::info : LogLevel::debug;
    if (!shared.log.takes(lowest)) return;
    auto const us = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin).count();
    shared.log.write(
        lowest, "net.request",
        {{"request", id}, {"peer", peer}, {"method", method}, {"path", path}, {"status", status}, {"us", us}});
  }

  // Reads one request, of which there is an octet, and answers it; true: and the connection goes on.
  Awaitable<bool> serve_one(Session& self) {
    first = false;
    auto outcome = co_await read_request();
    if (outcome.refusal) {
      shared.log.info("net.refused",
                      {{"peer", peer}, {"status", outcome.refusal->status}, {"why", outcome.refusal->reason}});
      auto refused = refusal(outcome.refusal->status, std::string(outcome.refusal->reason));
      co_await write(serialize(refused, date.text(), false, false));
      co_return false;
    }
    if (!outcome.request) co_return false;

    auto& request = *outcome.request;
    request.id = next_id();
    request.peer = peer;
    request.over_tls = tls.has_value();
    bool const is_head = request.method == Method::head;
    auto const id = request.id;
    auto const method = request.method_text;
    auto const path = request.path;
    auto const begin = SteadyClock::now();
    pipelined = buffer.empty() ? 0 : pipelined + 1;

    auto response = co_await respond(self, std::move(request));
    if (aborted) co_return false;
    note(id, method, path, response.status, begin);
    bool const keep =
        outcome.keep_alive && !response.close && !stopping && pipelined < shared.limits.pipelined_requests;
    bool sent = co_await write(serialize(response, date.text(), is_head, keep));
    if (sent && response.shared_body && has_body(response.status) && !is_head)
      sent = co_await write_shared(std::move(response.shared_body));
    co_return sent&& keep;
  }

  // Lets the client take the last answer: closing with unread octets would reset the connection and could take the
  // answer with it.
  Awaitable<> linger() {
    arm(shared.limits.linger);
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
    watch(self, SteadyClock::now() + shortest);
    bool const shaken = co_await handshake();
    // The wait is here and not in serve_one(), whose frame is large: an idle connection is to hold little.
    for (bool more = shaken; more;) {
      if (buffer.empty()) {
        bool const begun = co_await await_request();
        if (!begun) break;
      }
      more = co_await serve_one(self);
    }
    if (shaken && !aborted) co_await linger();
  }

  void close() {
    timer.cancel();
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
    if (!state.idle) return;
    if (state.first) return state.arm(state.shared.limits.linger);
    error_code ignored;
    state.socket.cancel(ignored);
  });
}

void Session::close_hard() {
  asio::dispatch(executor(), [self = shared_from_this()] {
    auto& state = *self->state_;
    state.aborted = true;
    state.close();
    state.handler_wake.cancel();
  });
}

}  // namespace lenscap::net
