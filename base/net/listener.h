// Serving HTTP/1.1 on a TCP port, in clear or inside TLS: accept loop, connection caps, graceful stop.
// One connection is base/net/session.h, the rules of framing are base/net/framing.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/net/gate.h"
#include "base/net/io_threads.h"
#include "base/ossl.h"
#include "base/x509/certificate.h"
#include "base/x509/key.h"

namespace lenscap::net {

struct ServerLimits {
  using milliseconds = std::chrono::milliseconds;
  std::size_t header_bytes = limits::kRequestHeaderBytes;
  std::size_t body_bytes = limits::kRequestBodyBytes;
  std::size_t request_bytes = limits::kRequestBytes;
  std::size_t pipelined_requests = limits::kPipelinedRequests;
  std::size_t connections_per_address = limits::kConnectionsPerAddress;
  std::size_t connections = limits::kConnections;
  milliseconds handshake = limits::kHandshakeDeadline;
  milliseconds header = limits::kHeaderDeadline;
  milliseconds body = limits::kBodyDeadline;
  milliseconds write = limits::kWriteDeadline;
  milliseconds idle = limits::kIdleDeadline;
  milliseconds handler = limits::kHandlerDeadline;
  // Of a header, a body and an answer: the deadline is no later than `slow_start` and the time that the octets so far
  // (of an answer: all of them) take at this speed.
  std::size_t bytes_per_second = limits::kBytesPerSecond;
  milliseconds slow_start = limits::kSlowStart;
  milliseconds linger = std::chrono::seconds(2);        // for the other side to take the last answer; at a stop, to ask
  milliseconds stop_gently = std::chrono::seconds(10);  // for requests in progress when the listener stops
};

// The certificate and key that a TLS listener shows. TLS 1.2 and up, no renegotiation, no compression, no tickets
// (resumption saves next to nothing here), no client certificates. Safe from any thread.
class TlsServerContext {
 public:
  // `chain` leaf first, as it will be sent. Errc::tls when the key does not belong to the leaf, or the chain is empty.
  static Result<std::unique_ptr<TlsServerContext>> make(std::vector<x509::Certificate> const& chain,
                                                        x509::PrivateKey const& key);
  ~TlsServerContext();
  TlsServerContext(TlsServerContext const&) = delete;
  TlsServerContext& operator=(TlsServerContext const&) = delete;

  // New connections see the new certificate; those that exist go on with the old one. After a refusal nothing changed.
  Result<> replace(std::vector<x509::Certificate> const& chain, x509::PrivateKey const& key);

  ossl::SslPtr new_connection() const;  // for the session

 private:
  struct State;
  explicit TlsServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ListenerSettings {
  std::string address = "127.0.0.1";  // "::" takes IPv6 alone
  std::uint16_t port = 0;             // 0 = any free one
  int inherited_socket = -1;          // a listening socket from the supervisor instead (taken over)
  TlsServerContext* tls = nullptr;    // borrowed; nullptr = plain HTTP
  ServerLimits limits;
  std::string name = "http";  // for the log
};

// Serves until stop() or its end. `tls` and `threads` are borrowed and must outlive it. `gate`, and objects that
// handlers use, must outlive `threads`, because a handler that missed its deadline may still be at work after stop();
// or the objects, but not the gate, end after it was closed behind the last handler.
class Listener {
 public:
  // Errc::settings when the address cannot be had, with the reason.
  static Result<std::unique_ptr<Listener>> open(IoThreads& threads, ListenerSettings settings, Gate& gate, Log log);
  ~Listener();  // stop()
  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;

  std::uint16_t port() const;
  std::size_t connections() const;  // now open

  // Closes the port, lets requests in progress end (at most `stop_gently`), and the first of who has only just come (at
  // most `linger` until it begins), then closes every connection. Blocks; not from an io thread. The second call does
  // nothing.
  void stop();

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace lenscap::net
