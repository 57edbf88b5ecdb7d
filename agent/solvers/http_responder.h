// The web server of http-01: it knows the tokens that are presented at this moment, from memory, and nothing else.
// Whatever else is asked for is answered 404. It opens no file, and no octet of a request becomes part of an answer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/net/listener.h"

namespace lenscap::agent {

// Made before the IoThreads that it listens on, and stopped before they end: requests on the way use it. Of one thread:
// that of the loop, of which there must be one.
class HttpResponder {
 public:
  HttpResponder();
  ~HttpResponder();  // stop()
  HttpResponder(HttpResponder const&) = delete;
  HttpResponder& operator=(HttpResponder const&) = delete;

  // Errc::settings when the address or port cannot be had. `address` "::" takes IPv6 alone; `port` 0: any.
  Result<> listen(net::IoThreads& threads, std::string const& address, std::uint16_t port, Log log);
  std::uint16_t port() const;  // 0 while it does not listen
  void stop();                 // not from the loop's thread

  // Shows the answer for a token. Several devices may get the same one: it is shown until the last is withdrawn.
  // Errc::incorrect_response for what is no token; Errc::unavailable when too many are shown.
  Result<> present(std::string const& token, std::string key_authorization);
  void withdraw(std::string const& token);

 private:
  struct Shown {
    std::string key_authorization;
    int users = 0;
  };
  net::Response answer(net::Request const& request) const;

  std::map<std::string, Shown> shown_;
  net::Router router_;
  net::Gate gate_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace lenscap::agent
