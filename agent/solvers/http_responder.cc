#include "agent/solvers/http_responder.h"

#include <chrono>

#include "acme/wire/key_authorization.h"
#include "acme/wire/names.h"

namespace lenscap::agent {
namespace {

// One a device in progress, of which there are at most 256.
constexpr std::size_t kShownMax = 256;

// Whoever validates sends a line and a few fields; from anybody else nothing is expected.
net::ServerLimits narrow_limits() {
  using namespace std::chrono_literals;
  net::ServerLimits limits;
  limits.header_bytes = 4 * 1024;
  limits.body_bytes = 1024;
  limits.request_bytes = 8 * 1024;
  limits.connections = 128;
  limits.connections_per_address = 32;  // a CA tries several names at once
  limits.header = 5s;
  limits.body = 5s;
  limits.write = 5s;
  limits.idle = 5s;
  limits.handler = 5s;
  limits.stop_gently = 1s;
  return limits;
}

net::Response nothing_here(int status, std::string const& /*detail*/) {
  return net::text_response(status, "nothing is here\n");
}

}  // namespace

HttpResponder::HttpResponder() : router_(nothing_here), gate_(router_) {
  auto const handler = [this](net::Request const& request) { return answer(request); };
  router_.add_plain(net::Method::get, std::string(acme::names::kHttp01Path) + "{token}", handler);
}

HttpResponder::~HttpResponder() { stop(); }

Result<> HttpResponder::listen(net::IoThreads& threads, std::string const& address, std::uint16_t port, Log log) {
  net::ListenerSettings settings;
  settings.address = address;
  settings.port = port;
  settings.limits = narrow_limits();
  settings.name = "http-01";
  TRY(listener_, net::Listener::open(threads, std::move(settings), gate_, std::move(log)));
  return {};
}

std::uint16_t HttpResponder::port() const { return listener_ ? listener_->port() : 0; }

// The listener goes here, while the io threads are still there; what it answers with stays until the end.
void HttpResponder::stop() {
  if (!listener_) return;
  listener_->stop();
  listener_.reset();
}

Result<> HttpResponder::present(std::string const& token, std::string key_authorization) {
  if (!acme::is_token(token)) return Error(Errc::incorrect_response, "what the ACME server gave as a token is none");
  if (shown_.size() >= kShownMax && !shown_.contains(token))
    return Error(Errc::unavailable, "too many challenges are answered at this moment");
  auto& shown = shown_[token];
  shown.key_authorization = std::move(key_authorization);
  ++shown.users;
  return {};
}

void HttpResponder::withdraw(std::string const& token) {
  auto const found = shown_.find(token);
  if (found != shown_.end() && --found->second.users <= 0) shown_.erase(found);
}

// 8555-8.3-1
net::Response HttpResponder::answer(net::Request const& request) const {
  auto const found = shown_.find(request.params.at("token"));
  if (found == shown_.end()) return nothing_here(404, {});
  return net::text_response(200, found->second.key_authorization, "application/octet-stream");
}

}  // namespace lenscap::agent
