// One connection from accept to close: TLS handshake, requests under limits and deadlines, the gate to the
// router, answers. Used by
// listener.cc alone.
//
// Guarantees: every exception of a handler ends here (500 without detail; log event net.exception with the request id,
// which is also in the answer); every wait has a deadline; an answer is never sent for a request whose end is in doubt
// without closing the connection after it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/net/gate.h"
#include "base/net/listener.h"

namespace lenscap::net {

// What all connections of a listener share; outlives them.
struct SessionShared {
  Gate& gate;
  ServerLimits limits;
  Log log;
};

// Made on the acceptor's thread, then used on its socket's thread alone.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // `tls` may be null: plain HTTP. `on_end` is called last, on the socket's thread.
  Session(SessionShared const& shared, boost::asio::ip::tcp::socket socket, ossl::SslPtr tls, std::string peer,
          std::function<void()> on_end);
  ~Session();

  boost::asio::any_io_executor executor();
  void start();         // from any thread
  void close_gently();  // at once when no request is in progress, else after its answer
  void close_hard();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lenscap::net
