// A blocking HTTP/1.1 client on a plain socket and OpenSSL, for a judge: it sends exactly the octets that it is told,
// keeps one connection, shows every field of the answer, and follows, retries and decodes nothing. Not for products.
//
// No answer at all (no connection, a silent or broken one) is thrown as NoAnswer.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/net/http.h"
#include "base/x509/certificate.h"

namespace lenscap::conformance {

class NoAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Url {
  bool tls = true;
  std::string host;  // without brackets
  unsigned short port = 443;
  std::string target;     // path and query
  std::string authority;  // as written
};
Result<Url> parse_url(std::string_view text);

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  json::Object document;  // of the body; empty when that is no JSON object

  std::string header(std::string_view name) const;  // the first of the name; empty when absent
  json::Object const& json() const { return document; }
  std::string text(std::string_view member) const;                // a member that is text; else empty
  std::vector<std::string> texts(std::string_view member) const;  // a member that is an array of texts
  std::string problem() const;     // "malformed" of ACME's namespace; else the type as it is
  std::string media_type() const;  // lower case, without parameters
  std::vector<std::string> links(std::string_view relation) const;
};

// What went over the wire, for the evidence.
struct Exchange {
  std::string request;
  std::string answer;
};

class Http {
 public:
  // Believes servers whose chain ends at one of `roots`, under the name in the URL.
  explicit Http(std::vector<x509::Certificate> roots);
  ~Http();
  Http(Http const&) = delete;
  Http& operator=(Http const&) = delete;

  using Fields = std::vector<std::pair<std::string, std::string>>;
  // Host, User-Agent and Content-Length are added unless `fields` has them.
  Answer send(std::string_view method, std::string const& url, Fields fields = {}, std::string_view body = {});
  // These octets on a fresh connection, and all that comes back until it is closed or silent for two seconds.
  std::string raw(std::string const& url, std::string_view octets);
  // Does a handshake work with this version of TLS at most (TLS1_1_VERSION)? Nothing is sent over it.
  bool handshakes_with(std::string const& url, int version_max);

  std::vector<Exchange>& exchanges() { return exchanges_; }

 private:
  struct Connection;
  std::unique_ptr<Connection> connect(Url const& url, int version_max = 0);
  Answer read_answer(Connection& connection, bool is_head, std::string& seen);

  ossl::SslCtxPtr context_;
  std::unique_ptr<Connection> kept_;
  std::string kept_for_;  // authority
  std::vector<Exchange> exchanges_;
};

}  // namespace lenscap::conformance
