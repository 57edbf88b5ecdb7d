// A TLS server on loopback for tests of handshakes: shows a certificate, chooses a protocol or not, and notes what the
// client sent. One connection at a time, closed after the client.
#pragma once

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>

#include "base/ossl.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::fakes {

struct TlsManners {
  std::string protocol = "acme-tls/1";        // chosen from the ALPN list; empty: none, whatever is offered
  int min_version = 0, max_version = 0;       // of TLS; 0: any
  std::vector<X509*> more_certificates = {};  // behind the leaf
  std::string answer = {};                    // to the first octets of application data
  bool stays_open = false;                    // after the answer, until the client goes
  bool silent = false;                        // takes the connection and says nothing
};

class TlsServer {
 public:
  TlsServer(X509* leaf, EVP_PKEY* key, TlsManners manners = {}, std::string const& address = "127.0.0.1",
            unsigned short port = 0)
      : manners_(std::move(manners)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), manners_.min_version);
    SSL_CTX_set_max_proto_version(context_.get(), manners_.max_version);
    SSL_CTX_set_security_level(context_.get(), 0);
    ossl::check(SSL_CTX_use_certificate(context_.get(), leaf) == 1 && SSL_CTX_use_PrivateKey(context_.get(), key) == 1,
                "TLS server");
    for (auto* more : manners_.more_certificates) SSL_CTX_add1_chain_cert(context_.get(), more);
    SSL_CTX_set_alpn_select_cb(context_.get(), choose, this);
    auto talk = [this](int peer) { serve(peer); };
    server_ = std::make_unique<SocketServer>(talk, address, port);
  }

  unsigned short port() const { return server_->port(); }
  int connections() const { return server_->connections(); }

  // Octets of answers that went out; some may still be on their way when a client closes.
  std::size_t sent() const { return sent_; }

  struct Seen {
    std::string server_name, offered;  // SNI; the ALPN list in wire form
    bool handshake = false;
    int octets_after = 0;  // of application data
  };
  std::vector<Seen> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  static int choose(SSL*, unsigned char const** out, unsigned char* size, unsigned char const* in, unsigned in_size,
                    void* self) {
    auto& server = *static_cast<TlsServer*>(self);
    server.current_.offered.assign(reinterpret_cast<char const*>(in), in_size);
    if (server.manners_.protocol.empty()) return SSL_TLSEXT_ERR_NOACK;
    *out = reinterpret_cast<unsigned char const*>(server.manners_.protocol.data());
    *size = static_cast<unsigned char>(server.manners_.protocol.size());
    return SSL_TLSEXT_ERR_OK;
  }

  void write_answer(SSL* ssl) {
    constexpr std::size_t kPiece = 4096;
    for (std::size_t at = 0; at < manners_.answer.size(); at += kPiece) {
      auto const piece = std::min(kPiece, manners_.answer.size() - at);
      if (SSL_write(ssl, manners_.answer.data() + at, static_cast<int>(piece)) <= 0) return;
      sent_ += piece;
    }
  }

  void serve(int peer) {
    sigset_t pipe;  // OpenSSL writes with write(2), also to a client that has gone
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    current_ = {};
    if (manners_.silent) {
      char octet = 0;
      while (::recv(peer, &octet, 1, 0) > 0) {
      }
    } else {
      ossl::SslPtr const ssl(SSL_new(context_.get()));
      SSL_set_fd(ssl.get(), peer);
      current_.handshake = SSL_accept(ssl.get()) == 1;
      if (auto const* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name)) current_.server_name = name;
      char buffer[256];
      for (int got = 1; current_.handshake && got > 0;) {
        got = SSL_read(ssl.get(), buffer, sizeof buffer);
        if (got > 0) current_.octets_after += got;
        if (got <= 0 || manners_.answer.empty()) continue;
        write_answer(ssl.get());
        if (manners_.stays_open) continue;
        SSL_shutdown(ssl.get());
        break;
      }
      ERR_clear_error();
    }
    std::lock_guard lock(mutex_);
    seen_.push_back(current_);
  }

  TlsManners manners_;
  ossl::SslCtxPtr context_;
  Seen current_;  // the server thread's own
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::atomic<std::size_t> sent_ = 0;
  std::unique_ptr<SocketServer> server_;  // last: its thread uses the others
};

}  // namespace lenscap::fakes
