// A workshop for the runner in memory: an ACME server, one camera in the inventory, a store, a clock that stands still.
#pragma once

#include "agent/journal_record.h"
#include "agent/runner.h"
#include "base/net/io_threads.h"
#include "store/backends.h"
#include "tests/agent/agent_values.h"
#include "tests/fakes/fake_acme.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_device.h"

namespace lenscap::agent::testing {

// Ends a run as `kill -9` does: what is in the store stays, what is in memory is gone.
struct Killed {};

struct TestWorkshop {
  explicit TestWorkshop(std::unique_ptr<store::Store> the_store = store::make_memory_store())
      : store(std::move(the_store)) {
    acme.accounts.emplace("https://ca.example/account/1", membership.account_key.public_key());
    auto device = testing::camera();
    device.pin = camera.pin("factory");
    device.sealed_password = seal_password(sealer, SecretBytes(std::string_view(camera.password)), device.serial);
    save(device);
  }

  Workshop shop() {
    return Workshop{.store = *store,
                    .sealer = sealer,
                    .settings = settings,
                    .membership = membership,
                    .acme = client,
                    .devices = *devices,
                    .clock = clock,
                    .sleep = clock.sleep(),
                    .log = log,
                    .written = written};
  }
  TaskResult run(Purpose purpose = Purpose::enroll) {
    auto shop = this->shop();
    return net::run(threads.next(), run_device(shop, testing::camera().serial, purpose, "task-1"));
  }
  Device device() {
    std::optional<Device> device;
    store->read([&](store::ReadTxn& txn) { device = load_device(txn, testing::camera().serial); });
    return device.value();
  }
  Journal journal() {
    std::optional<Journal> journal;
    store->read([&](store::ReadTxn& txn) { journal = load_journal(txn, testing::camera().serial); });
    return journal.value();
  }
  void save(Device const& device) {
    store->write([&](store::WriteTxn& txn) { return save_device(txn, device), true; });
  }
  // Everything that lies in the store, as octets.
  std::string everything_stored() {
    std::string all;
    store->read([&](store::ReadTxn& txn) {
      for (auto const& table : txn.tables())
        txn.scan(store::Table{table}, "",
                 [&](std::string_view key, std::string_view value) { return all.append(key).append(value), true; });
    });
    return all;
  }

  fakes::FakeClock clock{kNow};
  fakes::FakeAcme acme{clock};
  fakes::FakeDevice camera{clock};
  DeviceAccess* devices = &camera;
  std::unique_ptr<store::Store> store;
  Sealer sealer{SecretBytes(Bytes(32, 7))};
  Settings settings;
  Membership membership{"https://ca.example/directory", "https://ca.example/account/1",
                        x509::PrivateKey::generate(x509::KeyType::ec_p256), acme.authority.roots(),
                        acme.authority.roots()};
  AcmeClient client{acme.fetch(), membership.server(), membership.account_key, membership.account_url};
  Log log = Log::nowhere();
  std::function<void(Journal const&)> written;
  net::IoThreads threads{1};
};

}  // namespace lenscap::agent::testing
