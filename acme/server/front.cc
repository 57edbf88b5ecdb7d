#include "acme/server/front.h"

#include <algorithm>

namespace lenscap::acme {

Front::Front(Log log, InheritedSockets inherited, std::size_t io_threads)
    : log_(std::move(log)), inherited_(std::move(inherited)), threads_(io_threads) {}

Front::~Front() { stop(); }

Result<> Front::show(std::vector<x509::Certificate> const& chain, x509::PrivateKey const& key) {
  if (tls_) {
    CHECK_OK(tls_->replace(chain, key));
  } else {
    TRY(tls_, net::TlsServerContext::make(chain, key));
  }
  shown_ = chain;
  return {};
}

net::Gate& Front::gate(Kind kind) { return kind == Kind::acme ? acme_ : kind == Kind::web ? web_ : metrics_; }

Result<> Front::listen(Kind kind, net::ListenerSettings settings) {
  settings.name = kind == Kind::acme ? "acme" : kind == Kind::web ? "web" : "metrics";
  settings.tls = kind == Kind::acme ? tls_.get() : nullptr;
  auto const address = settings.inherited_socket >= 0 ? "inherited" : settings.address;
  auto const name = settings.name;
  TRY(auto listener, net::Listener::open(threads_, std::move(settings), gate(kind), log_));
  ports_.push_back({kind == Kind::acme, kind == Kind::metrics, address, listener->port()});
  log_.info("server.listening", {{"what", name}, {"address", address}, {"port", ports_.back().port}});
  listeners_.push_back({kind, std::move(listener)});
  return {};
}

Result<> Front::listen(Settings const& settings) {
  if (!tls_) bug("a front without a certificate to show");
  net::ServerLimits limits;
  limits.connections = settings.connections;
  limits.connections_per_address = settings.connections_per_address;
  limits.idle = settings.idle;
  auto const all = [&](Kind kind, std::vector<int> const& sockets, std::vector<Endpoint> const& endpoints) -> Result<> {
    for (auto const socket : sockets) CHECK_OK(listen(kind, {.inherited_socket = socket, .limits = limits}));
    if (!sockets.empty()) return {};
    for (auto const& each : endpoints)
      CHECK_OK(listen(kind, {.address = each.address, .port = each.port, .limits = limits}));
    return {};
  };
  CHECK_OK(all(Kind::acme, inherited_.tls, settings.listen));
  CHECK_OK(all(Kind::web, inherited_.http, settings.http));
  for (auto const& each : settings.metrics)
    CHECK_OK(listen(Kind::metrics, {.address = each.address, .port = each.port, .limits = {}}));
  return {};
}

void Front::let_in(Routes const& routes) {
  acme_.open(routes.acme);
  web_.open(routes.web);
  metrics_.open(routes.metrics);
}

Result<> Front::open(Settings const& settings, Routes const& routes) {
  routes_ = std::make_unique<Routes>(routes);
  let_in(routes);
  if (!listeners_.empty()) return {};
  auto listening = listen(settings);
  if (!listening) stop();
  return listening;
}

bool Front::close(std::chrono::milliseconds at_most) {
  auto const until = std::chrono::steady_clock::now() + at_most;
  for (auto* each : {&acme_, &web_, &metrics_}) {
    auto const left = until - std::chrono::steady_clock::now();
    if (each->close(
            std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left), std::chrono::milliseconds(0))))
      continue;
    let_in(*routes_);
    return false;
  }
  return true;
}

Result<AdminSocket const*> Front::admin_socket(std::string const& path) {
  if (!admin_) {
    TRY(admin_, AdminSocket::open(path));
  }
  return admin_.get();
}

// Handlers that missed their deadline stand still from here on, and may be left behind by what they use.
void Front::stop() {
  for (auto& each : listeners_) each.listener->stop();
  threads_.stop();
  threads_.join();
}

std::size_t Front::connections() const {
  std::size_t sum = 0;
  for (auto const& each : listeners_)
    if (each.kind != Kind::metrics) sum += each.listener->connections();
  return sum;
}

}  // namespace lenscap::acme
