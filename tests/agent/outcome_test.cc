#include "agent/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/journal_record.h"
#include "store/backends.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using ::testing::ElementsAre;
using testing::enrolled_camera;
using testing::hash;
using ::testing::IsEmpty;
using testing::kNow;
using testing::succeed;
using testing::verified;

TEST(Promote, MakesStagingLiveInOneTransaction) {
  auto store = store::make_memory_store();
  store->write([](store::WriteTxn& txn) {
    auto device = enrolled_camera();
    device.accept_plain_http = true;
    device = with_failure(device, {"unreachable", Retry::later, "no answer"}, kNow);
    save_device(txn, device);
    save_journal(txn, begin_step(verified(), Step::promote, kNow));
    return true;
  });
  auto promote_it = [&] {
    store->write([](store::WriteTxn& txn) {
      promote(txn, "ACCC8E68D4D2", kNow + kMinute);
      return true;
    });
  };
  promote_it();
  std::optional<Device> device;
  std::optional<Journal> journal;
  auto load = [&] {
    store->read([&](store::ReadTxn& txn) {
      device = load_device(txn, "ACCC8E68D4D2");
      journal = load_journal(txn, "ACCC8E68D4D2");
    });
  };
  load();
  ASSERT_TRUE(device && device->live && journal);
  EXPECT_EQ(device->live->id, "lenscap-00000002");
  EXPECT_EQ(device->live->chain_pem, "(chain)");
  EXPECT_EQ(device->live->promoted, kNow + kMinute);
  EXPECT_EQ(device->pin, hash(2));
  EXPECT_FALSE(device->accept_plain_http);
  EXPECT_EQ(device->https, HttpsState::enabled);
  EXPECT_EQ(device->failure, std::nullopt);
  EXPECT_EQ(device->failures, 0);
  EXPECT_THAT(device->leftover_ids, ElementsAre("lenscap-00000001"));
  EXPECT_TRUE(journal->promoted);
  EXPECT_EQ(next_step(*journal), Step::remove_old);

  auto device_before = *device;
  auto journal_before = *journal;
  promote_it();  // the crash came after the commit
  load();
  EXPECT_EQ(*device, device_before);
  EXPECT_EQ(*journal, journal_before);
}

TEST(Promote, ForeignCertificatesAreNoLeftOvers) {
  auto journal = verified();
  for (auto id : {"", "AXIS-factory", "lenscap", "lenscap-../../etc", "default-https"}) {
    journal.previous_id = id;
    auto device = camera();
    EXPECT_THAT(promote(journal, device, kNow).device.leftover_ids, IsEmpty()) << id;
  }
}

// Those of the former certificate that the new one does not stand beside.
TEST(Promote, FormerAuthoritiesAreLeftOver) {
  auto journal = verified();
  journal.ca_ids = {"lenscap-ca-2", "lenscap-ca-3", "their-own"};
  auto device = enrolled_camera();
  device.live->ca_ids = {"lenscap-ca-1", "lenscap-ca-2", "AXIS-ca"};
  device.leftover_ids = {"lenscap-ca-3"};  // in use again
  auto promoted = promote(journal, device, kNow);
  EXPECT_THAT(promoted.device.leftover_ids, ElementsAre("lenscap-00000001", "lenscap-ca-1"));
  EXPECT_EQ(promoted.device.live->ca_ids, journal.ca_ids);
  EXPECT_EQ(parse_device(json::write(to_json(promoted.device))).value(), promoted.device);
  EXPECT_THAT(ids_to_remove(promoted.device, promoted.journal), ElementsAre("lenscap-00000001", "lenscap-ca-1"));
}

TEST(Promote, AKeyIdOfItsOwnIsLeftOver) {
  auto journal = verified();
  journal.installed_id = "lenscap-00000003";
  auto promoted = promote(journal, camera(), kNow);
  EXPECT_EQ(promoted.device.live->id, "lenscap-00000003");
  EXPECT_THAT(promoted.device.leftover_ids, ElementsAre("lenscap-00000001", "lenscap-00000002"));
}

TEST(WithOutcome, ByOutcome) {
  auto journal = begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "task", kNow);
  EXPECT_EQ(with_outcome(camera(), journal, kNow), camera()) << "interrupted: nothing was learned";

  auto waits = note_failure(begin_step(journal, Step::probe, kNow), {"unreachable", Retry::later, "no answer"}, kNow);
  auto device = with_outcome(camera(), waits, kNow);
  EXPECT_EQ(device.failure, (Failure{"unreachable", Retry::later, "could not talk to the device: no answer"}));
  EXPECT_FALSE(may_try(device, kNow));
  EXPECT_TRUE(may_try(device, kNow + 2 * kRetryFloor));

  auto failed = note_failure(begin_step(journal, Step::probe, kNow), {"auth_failed", Retry::never, "refused"}, kNow);
  device = with_outcome(camera(), failed, kNow);
  EXPECT_EQ(device.failure->code, "auth_failed");
  EXPECT_THAT(device.leftover_ids, IsEmpty()) << "no key was ever begun";
  EXPECT_FALSE(may_try(device, kNow + 400 * kDay));

  auto done = succeed(begin_step(verified(), Step::promote, kNow), Step::promote);
  done = succeed(begin_step(done, Step::remove_old, kNow), Step::remove_old);
  auto promoted = promote(verified(), enrolled_camera(), kNow).device;
  device = with_outcome(promoted, done, kNow);
  EXPECT_THAT(device.leftover_ids, IsEmpty());
  EXPECT_EQ(device.failure, std::nullopt);
}

TEST(PromoteDeathTest, OfWhatIsNotVerifiedIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto journal = begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "task", kNow);
  EXPECT_DEATH(promote(journal, camera(), kNow), "was not verified");
}

}  // namespace
}  // namespace lenscap::agent
