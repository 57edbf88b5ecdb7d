// The way to one device in one run: which port, whose key, which login. Every request of a driver goes through here, so
// that the rules of axis_auth.h hold for all of them.
// It looks first (a handshake, nothing sent), judges whom it sees, and then speaks only to that public key.
#pragma once

#include "agent/device.h"
#include "base/net/http_client.h"

namespace lenscap::agent {

// How long one answer may take.
struct DeviceTimeouts {
  std::chrono::milliseconds look = std::chrono::seconds(10);  // what is asked of anybody
  std::chrono::milliseconds usual = std::chrono::seconds(20);
  std::chrono::milliseconds make_key = std::chrono::seconds(240);  // RSA-4096 in a secure element takes a minute
  std::chrono::milliseconds blocked = std::chrono::seconds(11);    // after too many wrong passwords: ten seconds
};
enum class Pace { usual, make_key };

struct Exchange {
  net::Method method = net::Method::get;
  std::string path;  // and query
  std::string body;
  std::string content_type;
  bool login = true;
  Pace pace = Pace::usual;
};

class Connection {
 public:
  // All references outlive it.
  Connection(net::HttpClient& http, Clock const& clock, Endpoint endpoint, Login& login, Trust trust,
             DeviceTimeouts timeouts);

  // Sends it. Refusals are those of the connection and of the login (401, 403, 503); any other status comes back.
  // auth_throttled: the device refuses everybody for a while, so the password was not judged.
  net::Awaitable<DeviceResult<net::ClientResponse>> send(Exchange exchange);

  // Looks anew and judges; send() does it by itself when nothing is settled yet.
  net::Awaitable<DeviceResult<>> settle();
  // What was settled is void: the device's web server restarts, or other trust holds.
  void unsettle() { settled_ = false; }
  void set_trust(Trust trust);

  bool is_over_tls() const { return tls_; }
  std::vector<x509::Certificate> const& peer() const { return peer_; }
  std::optional<Seconds> clock_offset() const { return clock_offset_; }
  Endpoint const& endpoint() const { return endpoint_; }
  Login& login() { return login_; }
  net::HttpClient& http() { return http_; }
  Clock const& clock() const { return clock_; }
  DeviceTimeouts const& timeouts() const { return timeouts_; }

 private:
  DeviceError failed(Error const& error);
  net::Awaitable<bool> is_blocked(int status);
  DeviceResult<> judge_status(net::ClientResponse const& response, bool with_login);

  net::HttpClient& http_;
  Clock const& clock_;
  Endpoint endpoint_;
  Login& login_;
  Trust trust_;
  DeviceTimeouts timeouts_;
  bool settled_ = false;
  bool tls_ = false;
  bool logged_in_ = false;  // the password was accepted before
  Sha256 key_{};
  std::vector<x509::Certificate> peer_;
  std::optional<Seconds> clock_offset_;
};

// A handshake on the https port and nothing else: what is served. Refuses `unreachable` when there is no handshake.
struct Handshake {
  std::vector<x509::Certificate> chain;
  std::optional<Sha256> spki;
};
net::Awaitable<DeviceResult<Handshake>> shake_hands(net::HttpClient& http, Endpoint endpoint);

// "http://10.0.0.7:80" or "https://[fe80::1]:443".
std::string base_url(Endpoint const& endpoint, bool tls);

// Device minus us, by the Date field.
std::optional<Seconds> clock_offset(net::Headers const& headers, Time now);

// What a status that nobody expected means.
DeviceError unexpected_status(int status, std::string_view what);

}  // namespace lenscap::agent
