// The world stops between any two instructions: the process is killed, the power goes while the store writes. What is
// gone on with ends as if nothing had been.
#include "agent/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/runner_ends.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::agent {
namespace {

using fakes::FailingStore;
using fakes::FakeDevice;
using testing::expect_enrolled;
using testing::expect_untouched;
using ::testing::IsEmpty;
using testing::Killed;
using ::testing::Not;
using testing::TestWorkshop;

// Goes on until it is finished; a journal that waits is taken up again.
void go_on(TestWorkshop& world) {
  for (int i = 0; i < 4 && world.run().status == "Waiting"; ++i) {
  }
}

// After each write in turn.
TEST(KilledRun, AfterAnyWrite) {
  for (auto const purpose : {Purpose::enroll, Purpose::renew}) {
    int nth = 0;
    bool killed = true;
    while (killed) {
      ++nth;
      TestWorkshop world;
      world.camera.restart = Seconds(30);
      if (purpose == Purpose::renew) {
        ASSERT_EQ(world.run().status, "Finished");
      }
      killed = false;
      int writes = 0;
      world.written = [&](Journal const&) {
        if (++writes == nth) throw Killed();
      };
      try {
        world.run(purpose);
      } catch (Killed const&) {
        killed = true;
      }
      world.written = nullptr;
      EXPECT_TRUE(world.camera.serves);
      SCOPED_TRACE(nth);
      if (killed) go_on(world);
      expect_enrolled(world);
      EXPECT_LE(world.acme.orders.size(), purpose == Purpose::renew ? 3U : 2U);
    }
    EXPECT_GT(nth, 15);
  }
}

// In the middle of each call to the device, before and behind what it does.
TEST(KilledRun, InAnyCall) {
  int nth = 0;
  bool killed = true;
  while (killed) {
    ++nth;
    TestWorkshop world;
    world.camera.restart = Seconds(30);
    killed = false;
    int calls = 0;
    world.camera.on_call = [&](std::string const&) {
      if (++calls == nth) throw Killed();
    };
    try {
      world.run();
    } catch (Killed const&) {
      killed = true;
    }
    world.camera.on_call = nullptr;
    SCOPED_TRACE(nth);
    EXPECT_TRUE(world.camera.serves);
    if (killed) go_on(world);
    expect_enrolled(world);
  }
  EXPECT_GT(nth, 8);
}

// Whatever is written last, an end is never without what came of it: the failure, and with it the pause.
TEST(KilledRun, AnEndAndItsFailureAreOneWrite) {
  TestWorkshop world;
  world.camera.fail("install_certificate", DeviceError(DeviceErrc::store_full, Retry::never, "no room"), 1);
  world.camera.fail("remove", DeviceError(DeviceErrc::busy_timeout, "not now"), 1);
  world.written = [](Journal const& journal) {
    if (journal.outcome == Outcome::failed) throw Killed();
  };
  EXPECT_THROW((void)world.run(), Killed);
  auto const device = world.device();
  ASSERT_TRUE(device.failure);
  EXPECT_EQ(device.failure->code, "store_full");
  EXPECT_THAT(device.leftover_ids, Not(IsEmpty())) << "what is still on the device is not forgotten";
}

// On the way back as well: whatever happens, the device ends as it was.
TEST(KilledRun, AnywhereOnTheWayBack) {
  for (auto const after :
       {FakeDevice::AfterSwitch::serves_the_former, FakeDevice::AfterSwitch::answers_on_plain_http_only}) {
    int nth = 0;
    bool killed = true;
    while (killed) {
      ++nth;
      TestWorkshop world;
      world.camera.after_switch = after;
      killed = false;
      int writes = 0;
      world.written = [&](Journal const&) {
        if (++writes == nth) throw Killed();
      };
      try {
        world.run();
      } catch (Killed const&) {
        killed = true;
      }
      world.written = nullptr;
      SCOPED_TRACE(nth);
      if (killed) {
        EXPECT_EQ(world.run().status, "Rolled back");
      }
      expect_untouched(world);
    }
    EXPECT_GT(nth, 15);
  }
}

// The power goes while the store writes: the record is lost, or kept although nobody learned of it.
TEST(KilledRun, TheStoreBreaksAtAnyWrite) {
  for (auto const effect : {FailingStore::Effect::lost, FailingStore::Effect::kept}) {
    int nth = 0;
    bool broke = true;
    while (broke) {
      ++nth;
      auto real = store::make_memory_store();
      TestWorkshop world(std::make_unique<FailingStore>(*real));
      auto& failing = static_cast<FailingStore&>(*world.store);
      failing.fail_at(nth, effect);
      broke = false;
      try {
        world.run();
      } catch (store::Broken const&) {
        broke = true;
      }
      failing.heal();
      SCOPED_TRACE(nth);
      if (broke) go_on(world);
      expect_enrolled(world);
    }
    EXPECT_GT(nth, 15);
  }
}

// A journal whose chain is damaged must not prove anything by it.
TEST(KilledRun, ADamagedJournalIsABrokenStore) {
  TestWorkshop world;
  world.camera.fail("install_certificate", DeviceError(DeviceErrc::busy_timeout, "not now"), 1);
  ASSERT_EQ(world.run().status, "Waiting");
  auto journal = world.journal();
  journal.chain_pem = "-----BEGIN NOTHING-----";
  world.store->write([&](store::WriteTxn& txn) { return save_journal(txn, journal), true; });
  EXPECT_THROW((void)world.run(), store::Broken);
  EXPECT_EQ(world.camera.serves, "factory");
}

}  // namespace
}  // namespace lenscap::agent
