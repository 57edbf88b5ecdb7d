#include "acme/server/tls_probe.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "base/ossl.h"

namespace lenscap::acme {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr long kCertificateBytes = 16L * 1024;

ossl::SslPtr make_ssl(TlsProbe const& probe) {
  ossl::SslCtxPtr const context(SSL_CTX_new(TLS_client_method()));
  ossl::check(context != nullptr, "SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context.get(), kCertificateBytes);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // self-signed by definition; its content is judged
  ossl::SslPtr ssl(SSL_new(context.get()));
  ossl::check(ssl != nullptr, "SSL_new");
  std::string const alpn = static_cast<char>(probe.protocol.size()) + probe.protocol;
  ossl::check(SSL_set_alpn_protos(ssl.get(), as_bytes(alpn).data(), static_cast<unsigned>(alpn.size())) == 0, "ALPN");
  ossl::check(SSL_set_tlsext_host_name(ssl.get(), probe.server_name.c_str()) == 1, "SNI");
  return ssl;
}

// Lives until its last operation has ended: the timer may strike when the coroutine has gone on.
struct Connection : std::enable_shared_from_this<Connection> {
  Connection(asio::any_io_executor const& executor, ossl::SslPtr ssl)
      : socket(executor), timer(executor), tls(socket, ssl.release()) {}  // takes

  tcp::socket socket;
  asio::steady_timer timer;
  asio::ssl::stream<tcp::socket&> tls;

  void close_after(std::chrono::milliseconds timeout) {
    timer.expires_after(timeout);
    timer.async_wait([weak = weak_from_this()](error_code ec) {
      auto const self = weak.lock();
      if (ec || !self || self->timer.expiry() > std::chrono::steady_clock::now()) return;
      error_code ignored;
      self->socket.close(ignored);
    });
  }
};

Result<Bytes> leaf_of(SSL* ssl, std::string const& protocol) {
  unsigned char const* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &chosen, &length);
  if (as_text({chosen, length}) != protocol)
    return Error(Errc::tls, "the other end did not choose the protocol " + protocol);
  X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return Error(Errc::tls, "the other end showed no certificate");
  return ossl::to_der(leaf, i2d_X509);
}

// Why there is no handshake, from OpenSSL's own words for it: none of them comes from the other end.
Error explain(error_code const& ec) {
  if (ec.category() == asio::error::get_ssl_category()) return {Errc::tls, "no TLS handshake (" + ec.message() + ")"};
  return {Errc::connection, "broken off or silent during the TLS handshake"};
}

}  // namespace

net::Awaitable<Result<Bytes>> probe_tls(TlsProbe probe) {
  auto const started = std::chrono::steady_clock::now();
  asio::any_io_executor const executor = co_await asio::this_coro::executor;
  auto const connection = std::make_shared<Connection>(executor, make_ssl(probe));
  auto const octets = probe.address.octets();
  asio::ip::address address;
  if (probe.address.is_v6()) {
    asio::ip::address_v6::bytes_type bytes;
    std::copy(octets.begin(), octets.end(), bytes.begin());
    address = asio::ip::address_v6(bytes);
  } else {
    asio::ip::address_v4::bytes_type bytes;
    std::copy(octets.begin(), octets.end(), bytes.begin());
    address = asio::ip::address_v4(bytes);
  }
  tcp::endpoint const endpoint(address, probe.port);

  error_code ec;
  connection->close_after(std::min(probe.connect_timeout, probe.total_timeout));
  co_await connection->socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return Error(Errc::unreachable, "no connection");

  auto const used = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  connection->close_after(std::max(probe.total_timeout - used, std::chrono::milliseconds(1)));
  co_await connection->tls.async_handshake(asio::ssl::stream_base::client,
                                           asio::redirect_error(asio::use_awaitable, ec));
  connection->timer.cancel();
  auto leaf = ec ? Result<Bytes>(explain(ec)) : leaf_of(connection->tls.native_handle(), probe.protocol);
  error_code ignored;
  connection->socket.close(ignored);
  ERR_clear_error();
  co_return leaf;
}

}  // namespace lenscap::acme
