// The web server of a name that is to be validated: answers /.well-known/acme-challenge/TOKEN as it is told, remembers
// who asked what. RFC 8555 8.3.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/conformance/sockets.h"

namespace lenscap::conformance {

struct WebAnswer {
  int status = 200;
  std::string body = {};
  std::string fields = {};  // more header fields, each with its line end
};

struct WebRequest {
  std::string path;
  std::string host;
};

class HttpResponder {
 public:
  HttpResponder(std::string const& address, unsigned short port);

  void set(std::string const& token, WebAnswer answer);
  // The next requests get these in turn, then the last for good.
  void set_in_turn(std::string const& token, std::vector<WebAnswer> answers);
  std::vector<WebRequest> requests(std::string const& token) const;
  unsigned short port() const { return port_of(listener_); }

 private:
  void serve();

  Socket listener_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<WebAnswer>> answers_;  // by path
  std::vector<WebRequest> requests_;
  Waiter waiter_;  // last: it uses all of the above
};

}  // namespace lenscap::conformance
