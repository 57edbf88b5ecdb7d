#include "agent/devices/shared/connection.h"

#include "agent/devices/shared/axis_auth.h"
#include "agent/devices/shared/axis_text.h"
#include "agent/devices/shared/text.h"
#include "base/net/io_threads.h"

namespace lenscap::agent {

std::string base_url(Endpoint const& endpoint, bool tls) {
  auto const address = x509::IpAddress::parse(endpoint.address);
  std::string const host = address.ok() ? address->url_host() : endpoint.address;
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(tls ? endpoint.https_port : endpoint.http_port);
}

std::optional<Seconds> clock_offset(net::Headers const& headers, Time now) {
  auto const* field = headers.find("Date");
  if (field == nullptr) return std::nullopt;
  auto const date = axis::parse_http_date(*field);
  if (!date) return std::nullopt;
  return *date - now;
}

DeviceError unexpected_status(int status, std::string_view what) {
  std::string const text = std::string(what) + ": the device answered with HTTP status " + std::to_string(status);
  if (status == 404 || status == 405 || status == 501) return {DeviceErrc::unsupported, text};
  if (status >= 500) return {DeviceErrc::busy_timeout, text + "; try again later"};
  if (status >= 300 && status < 400) return {DeviceErrc::bad_answer, text + "; redirections are not followed"};
  return {DeviceErrc::bad_answer, text};
}

net::Awaitable<DeviceResult<Handshake>> shake_hands(net::HttpClient& http, Endpoint endpoint) {
  net::ClientRequest request;
  request.url = base_url(endpoint, true) + "/";
  request.trust = net::Trust::anybody();
  request.allow_weak_tls = true;
  request.fresh_connection = true;
  request.handshake_only = true;
  auto answer = co_await http.fetch(std::move(request));
  if (!answer.ok())
    co_return DeviceError(DeviceErrc::unreachable, "no TLS connection: " + clean_text(answer.error().detail()));
  Handshake seen;
  seen.chain = std::move(answer->peer_chain);
  seen.spki = answer->peer_spki;
  co_return seen;
}

Connection::Connection(net::HttpClient& http, Clock const& clock, Endpoint endpoint, Login& login, Trust trust,
                       DeviceTimeouts timeouts)
    : http_(http),
      clock_(clock),
      endpoint_(std::move(endpoint)),
      login_(login),
      trust_(std::move(trust)),
      timeouts_(timeouts) {}

void Connection::set_trust(Trust trust) {
  trust_ = std::move(trust);
  settled_ = false;
}

net::Awaitable<DeviceResult<>> Connection::settle() {
  settled_ = false;
  peer_.clear();
  std::optional<DeviceError> refusal;
  if (endpoint_.https_port != 0) {
    auto seen = co_await shake_hands(http_, endpoint_);
    if (seen.ok()) {
      // Whoever shows a key that is not believed is no reason to speak without any: somebody in between could have it.
      CO_TRY(key_, judge_peer(trust_, seen->chain, seen->spki, clock_.now()));
      peer_ = std::move(seen->chain);
      tls_ = settled_ = true;
      co_return DeviceResult<>();
    }
    refusal = seen.error();
  }
  if (trust_.plain_http && endpoint_.http_port != 0) {
    tls_ = false;
    settled_ = true;
    co_return DeviceResult<>();
  }
  if (!refusal)
    refusal = DeviceError(DeviceErrc::unreachable, "the device has no HTTPS port, and plain HTTP is not agreed to");
  co_return *std::move(refusal);
}

DeviceError Connection::failed(Error const& error) {
  settled_ = false;
  std::string const text = clean_text(error.detail());
  switch (error.code()) {
    case Errc::incorrect_response:
      return {DeviceErrc::bad_answer, text};
    case Errc::usage:
      return {DeviceErrc::unsupported, text};
    default:
      return {DeviceErrc::unreachable, text};
  }
}

DeviceResult<> Connection::judge_status(net::ClientResponse const& response, bool with_login) {
  if (response.status == 503)
    return DeviceError(DeviceErrc::busy_timeout, "the device is busy (HTTP status 503); try again later");
  if (!with_login) return {};
  if (response.status == 401) {
    if (response.body.find("initial admin user") != std::string::npos)
      return DeviceError(DeviceErrc::needs_setup,
                         "the device has no administrator yet: it is in factory state; set it up first");
    AuthScheme const offered = offered_scheme(response.headers);
    if (!login_was_sent(tls_, offered))
      return DeviceError(DeviceErrc::auth_failed, "the device asks for the login by " +
                                                      std::string(to_string(offered)) +
                                                      (tls_ ? "" : " over plain HTTP") + "; the password was not sent");
    login_.refused = true;
    return DeviceError(DeviceErrc::auth_failed,
                       std::string(logged_in_ ? "the device does not accept its password any more"
                                              : "the device does not accept the user name and password") +
                           ", or the user is no administrator; it is not tried again");
  }
  if (response.status == 403)
    return DeviceError(DeviceErrc::not_admin,
                       "the device forbids it (HTTP status 403): the user must be administrator");
  logged_in_ = true;
  return {};
}

// Was that status a block after many wrong passwords, whosesoever, and no word about our login? A blocked client gets
// it for what needs no login, too. Firmware that asks for a login there as well does so for longer than a block lasts.
net::Awaitable<bool> Connection::is_blocked(int status) {
  for (int looks = 0; looks < 2; ++looks) {
    if (looks > 0) co_await net::sleep_for(timeouts_.blocked);
    net::ClientRequest request;
    request.method = net::Method::post;
    request.url = base_url(endpoint_, tls_) + "/axis-cgi/systemready.cgi";
    request.body = R"({"apiVersion":"1.0","method":"systemready"})";
    request.headers.add("Content-Type", "application/json");
    request.total_timeout = timeouts_.look;
    if (tls_) {
      request.trust = net::Trust::pin(key_);
      request.allow_weak_tls = true;
    }
    auto const answer = co_await http_.fetch(std::move(request));
    if (!answer.ok()) co_return false;
    if (answer->status != status) co_return looks > 0;
  }
  co_return false;
}

net::Awaitable<DeviceResult<net::ClientResponse>> Connection::send(Exchange exchange) {
  if (exchange.login && login_.refused)
    co_return DeviceError(DeviceErrc::auth_failed, "the device refused the password before; it is not tried again");
  if (!settled_) CO_CHECK_OK(co_await settle());

  net::ClientRequest request;
  request.method = exchange.method;
  request.url = base_url(endpoint_, tls_) + exchange.path;
  request.body = std::move(exchange.body);
  request.headers.add("Accept", "*/*");
  if (!exchange.content_type.empty()) request.headers.add("Content-Type", exchange.content_type);
  request.total_timeout = exchange.pace == Pace::make_key ? timeouts_.make_key : timeouts_.usual;
  if (exchange.login) {
    request.auth = login_rule(tls_);
    request.user = login_.user;
    request.password = login_.password.clone();
  }
  if (tls_) {
    request.trust = net::Trust::pin(key_);
    request.allow_weak_tls = true;  // towards this key alone
  }
  auto answer = co_await http_.fetch(std::move(request));
  if (!answer.ok()) {
    DeviceError error = failed(answer.error());
    // A handshake that broke, or another key than a moment ago? A second look tells.
    if (answer.error().code() == Errc::tls) CO_CHECK_OK(co_await settle());
    co_return error;
  }
  clock_offset_ = agent::clock_offset(answer->headers, clock_.now());
  auto const judged = judge_status(*answer, exchange.login);
  if (judged.ok()) co_return *std::move(answer);
  bool const about_login =
      judged.error().code == DeviceErrc::auth_failed || judged.error().code == DeviceErrc::not_admin;
  if (about_login) {
    bool const blocked = co_await is_blocked(answer->status);
    if (blocked) {
      login_.refused = false;
      co_return DeviceError(DeviceErrc::auth_throttled,
                            "the device holds back all logins for a while, as it does after many wrong passwords; "
                            "ours was not judged");
    }
  }
  co_return judged.error();
}

}  // namespace lenscap::agent
