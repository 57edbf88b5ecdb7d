#include "agent/commands/desk.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "agent/devices/table.h"
#include "base/directory.h"

namespace lenscap::agent {
namespace {

net::Awaitable<> sleep(Seconds duration) { co_await net::sleep_for(std::chrono::milliseconds(duration)); }

Result<> make_state_directory(std::string const& path) {
  auto const made = make_directory(path);
  if (made) return {};
  return Error(Errc::file, made.error().detail() + "; choose another state directory with --state");
}

// The service has the store during its rounds only, so a short wait is enough.
Result<std::unique_ptr<store::Store>> open_store(Settings const& settings) {
  auto const end = std::chrono::steady_clock::now() + kStoreWait;
  for (bool told = false;; told = true) {
    auto opened = store::open(settings.store, settings.state_dir);
    if (opened.ok() || opened.error().code() != Errc::conflict || std::chrono::steady_clock::now() >= end)
      return opened;
    if (!told && ::isatty(2) != 0) std::fputs("waiting for another lenscap-agent to finish ...\n", stderr);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

Result<std::unique_ptr<Desk>> Desk::open(Global const& global) {
  CHECK_OK(make_state_directory(global.state_dir));
  TRY(auto settings, load_settings(global.state_dir, global.config));
  TRY(auto opened, open_store(settings));
  TRY(auto vault, Vault::open(settings, *opened));
  opened->write([](store::WriteTxn& txn) { return forget_former_if_moved(txn); });
  Log const log = global.verbose ? Log::to_stderr(LogLevel::info) : Log::nowhere();
  return std::unique_ptr<Desk>(new Desk(std::move(settings), std::move(opened), std::move(vault), log));
}

Desk::Desk(Settings settings, std::unique_ptr<store::Store> store, Vault vault, Log log)
    : settings_(std::move(settings)),
      store_(std::move(store)),
      vault_(std::move(vault)),
      log_(std::move(log)),
      http_(threads_.next()),
      devices_(make_device_access(http_, clock_)) {}

// Nothing runs on the loop any more when what its coroutines used ends.
Desk::~Desk() {
  responder_.stop();
  threads_.stop();
  threads_.join();
}

Fetch Desk::fetch() {
  return [this](net::ClientRequest request) { return http_.fetch(std::move(request)); };
}

Result<Workshop*> Desk::workshop() {
  if (workshop_) return workshop_.get();
  Result<std::optional<Membership>> loaded = std::optional<Membership>();
  store_->read([&](store::ReadTxn& txn) { loaded = load_membership(txn, sealer()); });
  TRY(membership_, std::move(loaded));
  if (!membership_ || membership_->account_url.empty()) {
    return Error(Errc::not_found,
                 "this agent has not joined a server; run on the server: lenscap-ca eab create --join ..., then here: "
                 "lenscap-agent join -");
  }
  SolverTools solvers;
  if (auto const& at = settings_.http_01; at.port != 0) {
    CHECK_OK(responder_.listen(threads_, at.address, at.port, log_));
    solvers.http = &responder_;
  }
  acme_ =
      std::make_unique<AcmeClient>(fetch(), membership_->server(), membership_->account_key, membership_->account_url);
  workshop_.reset(new Workshop{.store = *store_,
                               .sealer = sealer(),
                               .settings = settings_,
                               .membership = *membership_,
                               .acme = *acme_,
                               .devices = *devices_,
                               .clock = clock_,
                               .sleep = sleep,
                               .log = log_,
                               .written = {},
                               .told_to_stop = {},
                               .solvers = solvers});
  return workshop_.get();
}

Result<ReadDesk> open_to_read(Global const& global) {
  TRY(auto settings, load_settings(global.state_dir, global.config));
  TRY(auto opened, store::open_read_only(settings.store, global.state_dir));
  return ReadDesk{std::move(settings), std::move(opened)};
}

}  // namespace lenscap::agent
