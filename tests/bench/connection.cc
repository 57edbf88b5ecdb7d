#include "tests/bench/connection.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <stdexcept>

namespace lenscap::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view kHttps = "https://";

std::string_view after_scheme(std::string_view url) {
  if (!url.starts_with(kHttps)) throw std::runtime_error("not an https URL: " + std::string(url));
  return url.substr(kHttps.size());
}

}  // namespace

Place place_of(std::string const& url) {
  auto const rest = after_scheme(url);
  auto const host = rest.substr(0, rest.find('/'));
  auto const colon = host.rfind(':');
  if (colon == std::string_view::npos) return {std::string(host), "443"};
  return {std::string(host.substr(0, colon)), std::string(host.substr(colon + 1))};
}

std::string target_of(std::string const& url) {
  auto const rest = after_scheme(url);
  auto const slash = rest.find('/');
  return slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
}

struct Trusted::Impl {
  asio::ssl::context context{asio::ssl::context::tls_client};
};

Trusted::Trusted(std::string const& ca_file) : impl_(std::make_unique<Impl>()) {
  impl_->context.load_verify_file(ca_file);
  impl_->context.set_verify_mode(asio::ssl::verify_peer);
}
Trusted::~Trusted() = default;

struct Connection::Impl {
  using Stream = asio::ssl::stream<asio::ip::tcp::socket>;

  asio::ssl::context& context;
  Place place;
  asio::io_context io{1};
  std::optional<Stream> stream{};
  boost::beast::flat_buffer buffer{};

  void connect() {
    if (stream) return;
    asio::ip::tcp::resolver resolver(io);
    stream.emplace(io, context);
    asio::connect(stream->next_layer(), resolver.resolve(place.host, place.port));
    stream->next_layer().set_option(asio::ip::tcp::no_delay(true));
    if (SSL_set_tlsext_host_name(stream->native_handle(), place.host.c_str()) != 1)
      throw std::runtime_error("no server name");
    stream->set_verify_callback(asio::ssl::host_name_verification(place.host));
    stream->handshake(Stream::client);
    buffer.clear();
  }

  Answer exchange(http::verb method, std::string const& url, std::string body) {
    auto const begin = std::chrono::steady_clock::now();
    connect();
    http::request<http::string_body> request(method, target_of(url), 11);
    request.set(http::field::host, place.host + ":" + place.port);
    request.set(http::field::user_agent, "lenscap-bench");
    if (method == http::verb::post) {
      request.set(http::field::content_type, "application/jose+json");
      request.body() = std::move(body);
      request.prepare_payload();
    }
    http::write(*stream, request);
    http::response_parser<http::string_body> parser;
    parser.skip(method == http::verb::head);
    http::read(*stream, buffer, parser);
    auto& response = parser.get();
    Answer answer;
    answer.status = static_cast<int>(response.result_int());
    answer.location = std::string(response[http::field::location]);
    answer.nonce = std::string(response["Replay-Nonce"]);
    auto const [first_link, end_of_links] = response.equal_range(http::field::link);
    for (auto field = first_link; field != end_of_links; ++field) answer.links.emplace_back(field->value());
    answer.body = std::move(response.body());
    if (!response.keep_alive()) stream.reset();
    answer.took = std::chrono::steady_clock::now() - begin;
    return answer;
  }
};

Connection::Connection(Trusted const& trusted, Place place)
    : impl_(std::make_unique<Impl>(trusted.impl_->context, std::move(place))) {}
Connection::~Connection() = default;

Answer Connection::get(std::string const& url, bool head) {
  return impl_->exchange(head ? http::verb::head : http::verb::get, url, "");
}
Answer Connection::post(std::string const& url, std::string body) {
  return impl_->exchange(http::verb::post, url, std::move(body));
}
void Connection::close() { impl_->stream.reset(); }

}  // namespace lenscap::bench
