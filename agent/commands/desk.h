// Everything that a command of the agent works with, opened in order and closed in reverse: settings, store, vault,
// account, network. What only shows something uses open_to_read, which needs no key and works beside a running service.
#pragma once

#include <memory>

#include "agent/commands/commands.h"
#include "agent/runner.h"
#include "agent/solvers/http_responder.h"
#include "agent/vault.h"
#include "base/net/io_threads.h"

namespace lenscap::agent {

class Desk {
 public:
  // The store is this process's alone until the desk is closed. Makes the state directory. While another command or a
  // round of the service has it, waits up to `kStoreWait`.
  static Result<std::unique_ptr<Desk>> open(Global const& global);
  ~Desk();
  Desk(Desk const&) = delete;
  Desk& operator=(Desk const&) = delete;

  Settings const& settings() const { return settings_; }
  store::Store& store() { return *store_; }
  Sealer const& sealer() const { return vault_.sealer(); }
  Clock const& clock() const { return clock_; }
  DeviceAccess& devices() { return *devices_; }
  Fetch fetch();

  // What the runner needs; from then on the agent answers http-01, where the settings want it. Errc::not_found when
  // this agent has not joined a server; Errc::settings when it cannot listen.
  Result<Workshop*> workshop();
  // Runs a coroutine on the desk's loop and waits for it.
  template <class T>
  T run(net::Awaitable<T> task) {
    return net::run(threads_.next(), std::move(task));
  }

 private:
  Desk(Settings settings, std::unique_ptr<store::Store> store, Vault vault, Log log);

  Settings settings_;
  std::unique_ptr<store::Store> store_;
  Vault vault_;
  Log log_;
  SystemClock clock_;
  HttpResponder responder_;  // outlives the requests that it answers
  net::IoThreads threads_{1};
  net::HttpClient http_;
  std::unique_ptr<DeviceAccess> devices_;
  std::optional<Membership> membership_;
  std::unique_ptr<AcmeClient> acme_;
  std::unique_ptr<Workshop> workshop_;
};

struct ReadDesk {
  Settings settings;
  std::unique_ptr<store::Store> store;
};
Result<ReadDesk> open_to_read(Global const& global);

constexpr Seconds kStoreWait{60};

}  // namespace lenscap::agent
