// A listener with a few small routes, for the tests of session and listener.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "base/net/listener.h"
#include "raw_peer.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::net::test {

// Collects log lines.
class Lines {
 public:
  Log log();
  std::string text() const;  // all of them
  bool has(std::string_view part) const { return text().find(part) != std::string::npos; }

 private:
  struct Store {
    mutable std::mutex mutex;
    std::string lines;
  };
  std::shared_ptr<Store> store_ = std::make_shared<Store>();
};

std::vector<x509::Certificate> chain_of(std::string const& leaf);  // with issuing.pem
x509::PrivateKey key_of(std::string const& name);

// Octets of which each piece looks different.
Bytes pattern(std::size_t size);
constexpr std::size_t kSharedBytes = 3 * 256 * 1024 + 1;

// GET /hello, POST /echo, GET /throw, GET /throw-odd, GET /split (a header field with a line end), GET /never (an
// answer that does not come), GET /slow (comes when release() is called), GET /big (16 MiB), GET /shared
// (pattern(kSharedBytes)), GET /file (the same, from file()), GET+HEAD /own-head, GET /nothing (204), GET /close
class Serving {
 public:
  explicit Serving(ServerLimits limits = {}, bool tls = false, std::size_t threads = 1);
  ~Serving();

  std::uint16_t port() const { return listener_->port(); }
  Listener& listener() { return *listener_; }
  TlsServerContext& tls() { return *tls_; }
  void release() { released_ = true; }
  bool slow_began() const { return slow_began_; }
  std::string file() const { return dir_.path("body"); }
  Lines lines;

 private:
  void add_routes();
  Awaitable<Response> slow(Request request);
  Awaitable<Response> echo(Request request);

  std::atomic<bool> released_{false};
  std::atomic<bool> slow_began_{false};
  fakes::TempDir const dir_;
  Router router_;
  Gate gate_{router_};
  std::unique_ptr<TlsServerContext> tls_;
  IoThreads threads_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace lenscap::net::test
