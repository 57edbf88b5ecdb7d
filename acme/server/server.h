// The App behind sockets: listeners, the server's own certificate, the admin socket, and the chores that come by time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "acme/server/admin.h"
#include "acme/server/app.h"
#include "acme/server/server_certificate.h"
#include "base/net/listener.h"

namespace lenscap::acme {

// Opens the store, the CA and the sealer that the settings name. Blocks.
// With `signer` the issuing keys stay closed in this process.
Result<std::unique_ptr<App>> open_app(Settings settings, SecretBytes const& passphrase, Clock const& clock, Log log,
                                      std::shared_ptr<ca::Signer> signer = nullptr);

// What the settings say of the issuer; the signer's process reads the same.
ca::AuthoritySettings authority_settings(Settings const& settings);

// Sockets of a supervisor (sd_listen_fds(3)): taken instead of opening the settings' addresses.
struct InheritedSockets {
  std::vector<int> tls;
  std::vector<int> http;
};

class Server {
 public:
  static constexpr std::chrono::milliseconds kChoresEvery{60'000};

  // Recovers what a crash left, then serves. `app` is borrowed.
  static Result<std::unique_ptr<Server>> start(App& app, InheritedSockets const& inherited = {},
                                               std::chrono::milliseconds chores_every = kChoresEvery);
  ~Server();  // graceful stop: requests in progress may end, nonces are kept for the next start

  struct Port {
    bool tls;
    bool metrics;
    std::string address;
    std::uint16_t port;
  };
  std::vector<Port> ports() const;
  ServerCertificate& certificate() { return *certificate_; }

 private:
  Server(App& app, std::chrono::milliseconds chores_every) : app_(app), chores_every_(chores_every) {}
  Result<> open_listeners(InheritedSockets const& inherited);
  Result<> open_metrics();
  net::Response metrics();
  void look_after();  // the chores' thread
  bool is_stopping();
  void do_chores();
  void look_after_audit(bool is_last);

  App& app_;
  std::chrono::milliseconds const chores_every_;
  std::unique_ptr<ServerCertificate> certificate_;
  std::vector<Port> ports_;
  std::optional<net::Router> metrics_routes_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<net::Listener>> metrics_listeners_;
  std::unique_ptr<AdminServer> admin_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread chores_;
};

}  // namespace lenscap::acme
