// bench-bare: the least that answers over TLS with Boost.Beast: a fixed 204 with a nonce's worth of header fields. What
// newNonce costs more than this is ours.
//   bench-bare CERTIFICATE KEY PORT_FILE
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cstdio>
#include <fstream>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context& context) {
  asio::ssl::stream<tcp::socket> stream(std::move(socket), context);
  boost::beast::flat_buffer buffer;
  try {
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    for (;;) {
      http::request<http::string_body> request;
      co_await http::async_read(stream, buffer, request, asio::use_awaitable);
      http::response<http::empty_body> response(http::status::no_content, request.version());
      response.set(http::field::cache_control, "no-store");
      response.set("Replay-Nonce", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
      response.set(http::field::link, "<https://localhost:14000/acme/directory>;rel=\"index\"");
      co_await http::async_write(stream, response, asio::use_awaitable);
    }
  } catch (boost::system::system_error const&) {
    // The other end has gone.
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, asio::ssl::context& context) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    auto connection = serve(std::move(socket), context);
    asio::co_spawn(acceptor.get_executor(), std::move(connection), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: bench-bare CERTIFICATE KEY PORT_FILE\n", stderr);
    return 2;
  }
  try {
    asio::io_context io(1);
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_chain_file(argv[1]);
    context.use_private_key_file(argv[2], asio::ssl::context::pem);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    auto accepting = accept(acceptor, context);
    asio::co_spawn(io, std::move(accepting), asio::detached);
    std::ofstream(argv[3]) << acceptor.local_endpoint().port() << '\n';
    io.run();
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench-bare: %s\n", error.what());
    return 1;
  }
}
