// Answers http-01 validations (RFC 8555 8.3) on one port of every loopback address: a thread, one connection at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace lenscap::bench {

class Responder {
 public:
  explicit Responder(std::uint16_t port);  // throws when it is taken
  ~Responder();
  Responder(Responder const&) = delete;
  Responder& operator=(Responder const&) = delete;

  void answer(std::string token, std::string key_authorization);
  void forget(std::string const& token);

 private:
  void serve();
  std::string body_of(std::string_view request);

  int listening_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> answers_;
  std::thread thread_;
};

}  // namespace lenscap::bench
