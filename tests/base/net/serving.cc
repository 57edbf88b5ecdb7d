#include "serving.h"

#include "base/file.h"

namespace lenscap::net::test {
namespace {

Response error_page(int status, std::string detail) {
  return text_response(status, std::to_string(status) + " " + detail, "application/problem+json");
}

Awaitable<Response> hello(Request /*request*/) { co_return text_response(200, "hello"); }

Awaitable<Response> throws(Request request) {
  if (request.path == "/throw") throw std::runtime_error("the inner truth");
  throw 7;
}

Awaitable<Response> split(Request /*request*/) {
  auto response = text_response(200, "x");
  response.headers.add("X", "a\r\nSet-Cookie: b");
  co_return response;
}

Awaitable<Response> never(Request /*request*/) {
  co_await sleep_for(std::chrono::hours(1));
  co_return text_response(200, "never");
}

Awaitable<Response> big(Request /*request*/) { co_return text_response(200, std::string(16 * 1024 * 1024, 'b')); }

Response shared(Request const& /*request*/) {
  static auto const octets = std::make_shared<Bytes const>(pattern(kSharedBytes));
  Response response;
  response.shared_body = SharedBody(octets);
  return response;
}

Response from_file(std::shared_ptr<OpenFile const> file) {
  Response response;
  response.shared_body = SharedBody(std::move(file));
  return response;
}

Awaitable<Response> own_head(Request request) {
  auto response = text_response(200, request.method == Method::head ? "" : "body");
  response.headers.add("X-Method", request.method_text);
  co_return response;
}

Awaitable<Response> nothing(Request /*request*/) {
  Response response;
  response.status = 204;
  co_return response;
}

Awaitable<Response> close_after(Request /*request*/) {
  auto response = text_response(200, "bye");
  response.close = true;
  co_return response;
}

}  // namespace

Log Lines::log() {
  return Log::to([store = store_](std::string_view line) {
    std::lock_guard const lock(store->mutex);
    store->lines += std::string(line) + '\n';
  });
}

std::string Lines::text() const {
  std::lock_guard const lock(store_->mutex);
  return store_->lines;
}

std::vector<x509::Certificate> chain_of(std::string const& leaf) {
  return x509::parse_pem_chain(data(leaf) + data("issuing.pem")).value();
}

x509::PrivateKey key_of(std::string const& name) {
  return x509::PrivateKey::from_pem(data(name), SecretBytes()).value();
}

Bytes pattern(std::size_t size) {
  Bytes octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 7 >> 3 & 0xff);
  return octets;
}

Awaitable<Response> Serving::slow(Request /*request*/) {
  slow_began_ = true;
  while (!released_) co_await sleep_for(std::chrono::milliseconds(2));
  co_return text_response(200, "slow");
}

// The request as the session gave it.
Awaitable<Response> Serving::echo(Request request) {
  auto response = text_response(200, request.body);
  response.headers.add("X-Peer", request.peer + (request.over_tls ? " tls" : " plain"));
  response.headers.add("X-Id", request.id);
  response.headers.add("X-Query", request.query);
  response.headers.add("X-Fields", std::to_string(request.headers.fields().size()));
  co_return response;
}

void Serving::add_routes() {
  router_.add(Method::get, "/hello", hello);
  router_.add(Method::post, "/echo", [this](Request request) { return echo(std::move(request)); });
  router_.add(Method::get, "/throw", throws);
  router_.add(Method::get, "/throw-odd", throws);
  router_.add(Method::get, "/split", split);
  router_.add(Method::get, "/never", never);
  router_.add(Method::get, "/slow", [this](Request request) { return slow(std::move(request)); });
  router_.add(Method::get, "/big", big);
  router_.add_plain(Method::get, "/shared", shared);
  if (!write_file(file(), as_text(pattern(kSharedBytes)))) throw std::runtime_error("no file can be written");
  auto const opened = std::make_shared<OpenFile const>(OpenFile::open(file()).value());
  router_.add_plain(Method::get, "/file", [opened](Request const&) { return from_file(opened); });
  router_.add(Method::get, "/own-head", own_head);
  router_.add(Method::head, "/own-head", own_head);
  router_.add(Method::get, "/nothing", nothing);
  router_.add(Method::get, "/close", close_after);
}

Serving::Serving(ServerLimits limits, bool tls, std::size_t threads) : router_(error_page), threads_(threads) {
  add_routes();
  ListenerSettings settings;
  settings.limits = limits;
  if (tls) {
    tls_ = TlsServerContext::make(chain_of("server.pem"), key_of("server.key")).value();
    settings.tls = tls_.get();
  }
  listener_ = Listener::open(threads_, settings, gate_, lines.log()).value();
}

Serving::~Serving() {
  release();
  listener_->stop();
}

}  // namespace lenscap::net::test
