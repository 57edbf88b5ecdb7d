// HTTP requests to ACME servers and devices, with a TLS policy for each request. No redirects, no proxies, no cookies,
// no decoding of contents; http and https only. Identity of the other end (chain, name, pin) is settled inside the TLS
// handshake, before an octet of the request is sent. libcurl is used in http_client.cc alone.
//
// Secrets: a password goes into the Authorization field and nowhere else; never in a URL, a log or an error text.
// libcurl's own copies are wiped when it frees them; a kept connection holds one as long as it is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/limits.h"
#include "base/net/awaitable.h"
#include "base/net/http.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/x509/certificate.h"

namespace lenscap::net {

// Whom a request believes to be the other end of its TLS connection. Ignored for http://.
class Trust {
 public:
  // The certificates of the operating system, and the name.
  static Trust system() { return Trust(Kind::system); }
  // These roots instead, and the name. `intermediates` help to build the chain when the server sends less than it
  // should; they are not trusted for themselves.
  static Trust roots(std::vector<x509::Certificate> roots, std::vector<x509::Certificate> intermediates = {});
  // Exactly this public key (SHA-256 of the SubjectPublicKeyInfo), whatever certificate carries it: self-signed,
  // expired and misnamed are all fine.
  static Trust pin(Sha256 const& spki);
  // Anybody: only to look at a certificate. A request with a password is then a bug() unless its URL is http://.
  static Trust anybody() { return Trust(Kind::anybody); }

 private:
  friend class HttpClient;
  enum class Kind { system, roots, pin, anybody };
  explicit Trust(Kind kind) : kind_(kind) {}
  Kind kind_;
  std::vector<x509::Certificate> roots_;
  std::vector<x509::Certificate> intermediates_;
  Sha256 spki_{};
};

enum class HttpAuth {
  none,
  basic,                   // sent at once; over plain http:// the fetch is refused with Errc::usage
  digest,                  // RFC 7616 and RFC 2069 (no qop), MD5 and SHA-256
  any_but_basic_on_plain,  // the best that the 401 offers: Digest before Basic on https://, Digest alone on http://
};

struct ClientRequest {
  Method method = Method::get;
  std::string url;  // http:// or https://, no user information in it
  Headers headers;  // Host, Content-Length and Authorization are the client's business
  std::string body;

  HttpAuth auth = HttpAuth::none;
  std::string user;
  SecretBytes password;

  Trust trust = Trust::system();
  std::string expected_name;  // DNS name or address that the certificate must carry; empty = the URL's host
  std::string connect_to;  // "192.0.2.7:443" or "[2001:db8::7]:443" to dial instead of the URL's; empty = as in the URL
  bool allow_weak_tls = false;    // TLS 1.0, SHA-1, small keys: for ancient devices, and only towards those
  bool fresh_connection = false;  // neither take a kept connection nor leave one
  bool handshake_only = false;    // connect, look at the certificate, send no request: status is 0

  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);  // name, TCP and TLS
  std::chrono::milliseconds total_timeout = std::chrono::seconds(20);
  std::size_t body_bytes_max = limits::kDeviceAnswerBytes;
};

struct ClientResponse {
  int status = 0;
  Headers headers;  // of the last answer: a 401's when the password was not accepted
  std::string body;
  // As sent, leaf first; ends before the first certificate that cannot be parsed. Empty for http://.
  std::vector<x509::Certificate> peer_chain;
  std::optional<Sha256> peer_spki;  // SHA-256 of the leaf's SubjectPublicKeyInfo, parsed or not
  std::string tls_version;          // "TLSv1.3"; empty for http://
};

class HttpClient {
 public:
  // Works on `executor`, whose loop must run on one thread (one of IoThreads).
  // Connections that nobody uses for `keep_idle` are closed: devices have few to give.
  explicit HttpClient(boost::asio::any_io_executor executor,
                      std::chrono::milliseconds keep_idle = std::chrono::seconds(15));
  ~HttpClient();  // with no fetch in progress, or after the loop ended
  HttpClient(HttpClient const&) = delete;
  HttpClient& operator=(HttpClient const&) = delete;

  // Callable from coroutines of any executor; many at once are fine. Any HTTP status is a success here.
  //   unreachable         no name, no connection, no answer in time, broken off
  //   tls                 no handshake; or the other end is not whom `trust` demands: the text says what was seen
  //   incorrect_response  not HTTP, or larger than body_bytes_max
  //   usage               the request is one that must not be sent (bad URL, password in clear)
  Awaitable<Result<ClientResponse>> fetch(ClientRequest request);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lenscap::net
