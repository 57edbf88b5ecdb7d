// libcurl's multi interface on Asio: libcurl says which sockets it waits for and until when; we wait with Asio and tell
// it what happened. A pool keeps connections that were made under one Trust and must not serve another.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <map>

#include "base/net/transfer.h"

namespace lenscap::net {

// Used on the client's thread alone.
struct HttpClient::State::Pool : std::enable_shared_from_this<Pool> {
  Pool(State& state, std::string k);
  ~Pool() { close(); }
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;

  // A duplicate of libcurl's descriptor: ours to watch and to close, whatever libcurl does with its own.
  struct Socket {
    explicit Socket(asio::any_io_executor const& executor) : descriptor(executor) {}
    asio::posix::stream_descriptor descriptor;
    int wanted = CURL_POLL_NONE;
    bool reading = false;  // a wait is under way
    bool writing = false;
  };

  std::string key;
  std::weak_ptr<State> owner;
  asio::steady_timer timer;      // libcurl's
  asio::steady_timer idle;       // runs while there is no transfer
  std::uint64_t timer_turn = 0;  // tells a timer that fired from one that was replaced meanwhile
  std::map<curl_socket_t, std::shared_ptr<Socket>> sockets;
  std::map<CURL*, std::shared_ptr<Transfer>> transfers;
  MultiPtr multi;
  bool closed = false;

  void add(std::shared_ptr<Transfer> const& transfer);
  void close();

 private:
  void act(curl_socket_t socket, int events);
  void finish(CURL* easy, CURLcode code);
  void leave_when_idle(std::chrono::milliseconds after);
  void watch(curl_socket_t fd, std::shared_ptr<Socket> const& socket);
  void ready(curl_socket_t fd, std::shared_ptr<Socket> const& socket, int direction, error_code ec);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* per_socket);
};

}  // namespace lenscap::net
