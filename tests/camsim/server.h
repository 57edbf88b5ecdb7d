// The network side: an event loop of one thread, and endpoints that can be shut and opened again on the same port.
// Asio and Beast are in server.cc alone. A shut endpoint keeps its port bound without listening, so a client sees
// "connection refused" and nobody else can take the port during a restart.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/ossl.h"
#include "tests/camsim/http.h"

namespace lenscap::camsim {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  void run();                                                               // until stop()
  void stop();                                                              // from any thread
  void post(std::function<void()> work);                                    // from any thread
  void after(std::chrono::milliseconds delay, std::function<void()> work);  // real time; network thread only
  void stop_on_signals();                                                   // SIGTERM, SIGINT
  // Ends the loop when standard input, a pipe, closes; when it is no pipe, when the parent process changes.
  void stop_with_parent();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

class Endpoint {
 public:
  // Binds, and stays shut. Port 0 picks one. Throws std::runtime_error when the address or port cannot be had.
  Endpoint(Loop& loop, std::string const& address, unsigned short port, Handler handler);
  ~Endpoint();
  Endpoint(Endpoint const&) = delete;
  Endpoint& operator=(Endpoint const&) = delete;

  unsigned short port() const;
  bool is_open() const;
  void open(ossl::SslCtxPtr tls);  // without a context: plain HTTP. Opening an open endpoint only changes the context
  void shut();                     // stops listening and closes every connection

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  // shared with the connections, which end when they notice
};

}  // namespace lenscap::camsim
