#include "agent/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/workshop.h"

namespace lenscap::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kNow;
using ::testing::SizeIs;
using testing::TestWorkshop;

std::string serial_of(int i) { return "ACCC8E0000" + std::to_string(10 + i); }

// Devices that are away, and count how many are being asked at once.
class BusyAccess final : public DeviceAccess {
 public:
  net::Awaitable<DeviceResult<FirstLook>> look(Endpoint) override { co_return away(); }
  net::Awaitable<DeviceResult<Identity>> identify(Endpoint, Login&, Trust) override { co_return away(); }
  net::Awaitable<DeviceResult<Served>> verify_served(Endpoint, ServedExpectation, Driver*) override {
    co_return away();
  }
  net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open(Endpoint, Login&, Trust, std::string serial) override {
    asked.push_back(serial);
    most_at_once = std::max(most_at_once, ++at_once);
    for (int i = 0; i < 5; ++i) co_await net::sleep_for(std::chrono::milliseconds(0));  // lets the others on
    --at_once;
    if (serial == breaks_at) throw store::Broken("the disk is gone");
    co_return away();
  }
  std::vector<std::string> asked;
  std::string breaks_at;
  int at_once = 0;
  int most_at_once = 0;

 private:
  static DeviceError away() { return {DeviceErrc::unreachable, "away"}; }
};

struct SchedulerTest : ::testing::Test {
  std::vector<Job> jobs_for(int count) {
    std::vector<Job> jobs;
    for (int i = 0; i < count; ++i) {
      auto device = world.device();
      device.serial = serial_of(i);
      device.sealed_password = seal_password(world.sealer, SecretBytes(std::string_view("pass")), device.serial);
      world.save(device);
      jobs.push_back({device.serial, Purpose::enroll});
    }
    return jobs;
  }
  std::vector<TaskResult> run(std::vector<Job> jobs) {
    world.devices = &access;
    auto shop = world.shop();
    return net::run(world.threads.next(), run_task(shop, "enroll", std::move(jobs)));
  }
  std::vector<Task> tasks() {
    std::vector<Task> tasks;
    world.store->read([&](store::ReadTxn& txn) { tasks = recent_tasks(txn); });
    return tasks;
  }
  std::vector<std::string> due(Time now = kNow) {
    std::vector<std::string> found;
    world.store->read([&](store::ReadTxn& txn) {
      for (auto const& job : due_jobs(txn, now))
        found.push_back(std::string(to_string(job.purpose)) + " " + job.serial);
    });
    return found;
  }

  TestWorkshop world;
  BusyAccess access;
};

TEST_F(SchedulerTest, RunsSoManyAtOnceAndNoMore) {
  for (int const parallel : {1, 3, 4, 50}) {
    world.settings.parallel = static_cast<std::size_t>(parallel);
    access = BusyAccess();
    auto const results = run(jobs_for(10));
    EXPECT_THAT(results, SizeIs(10));
    EXPECT_THAT(access.asked, SizeIs(10));
    EXPECT_EQ(access.most_at_once, std::min(parallel, 10));
  }
}

TEST_F(SchedulerTest, KeepsTheTaskAndItsResults) {
  auto const results = run(jobs_for(3));
  ASSERT_THAT(tasks(), SizeIs(1));
  auto const task = tasks().front();
  EXPECT_EQ(task.what, "enroll");
  EXPECT_EQ(task.begun, kNow);
  EXPECT_TRUE(task.ended);
  world.store->read([&](store::ReadTxn& txn) {
    auto const kept = results_of(txn, task.id);
    ASSERT_THAT(kept, SizeIs(3));
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].serial, results[i].serial) << "by serial number, both";
      EXPECT_EQ(kept[i].status, "Waiting");
    }
  });
}

TEST_F(SchedulerTest, NothingToDoIsATaskToo) {
  EXPECT_THAT(run({}), IsEmpty());
  ASSERT_THAT(tasks(), SizeIs(1));
  EXPECT_TRUE(tasks().front().ended);
}

TEST_F(SchedulerTest, AnExceptionEndsTheTask) {
  world.settings.parallel = 2;
  access.breaks_at = serial_of(3);
  EXPECT_THROW((void)run(jobs_for(10)), store::Broken);
  EXPECT_LE(access.asked.size(), 6U) << "nothing more is begun";
  EXPECT_EQ(access.at_once, 0) << "and nothing still runs";
  ASSERT_THAT(tasks(), SizeIs(1));
  EXPECT_FALSE(tasks().front().ended);
}

TEST_F(SchedulerTest, BeginsNoOtherDeviceWhenToldToStop) {
  world.settings.parallel = 1;
  world.devices = &access;
  auto shop = world.shop();
  shop.told_to_stop = [&] { return access.asked.size() >= 2; };
  auto const results = net::run(world.threads.next(), run_task(shop, "enroll", jobs_for(5)));
  EXPECT_THAT(results, SizeIs(2));
  EXPECT_THAT(access.asked, SizeIs(2));
  EXPECT_TRUE(tasks().front().ended);
}

TEST_F(SchedulerTest, AMixedTaskHasAResultForEach) {
  world.settings.parallel = 1;
  (void)jobs_for(1);
  auto shop = world.shop();
  std::vector<Job> jobs{{serial_of(0), Purpose::enroll}, {world.device().serial, Purpose::enroll}};
  auto const results = net::run(world.threads.next(), run_task(shop, "enroll", std::move(jobs)));
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_EQ(results[0].serial, serial_of(0));
  EXPECT_EQ(results[0].error, "wrong_device") << "the camera that answers is the other one";
  EXPECT_EQ(results[1].status, "Finished");
  EXPECT_EQ(results_exit_code(results), ExitCode::partly_done);
}

TEST_F(SchedulerTest, DueJobs) {
  auto device = testing::camera();
  auto const is_due = [&](Device const& with) { return world.save(with), due(); };
  EXPECT_THAT(is_due(device), ElementsAre("enroll " + device.serial)) << "new";

  auto enrolled = testing::enrolled_camera();
  EXPECT_THAT(is_due(enrolled), IsEmpty()) << "fresh";
  enrolled.live = testing::live("lenscap-00000001", kNow - 80 * kDay);
  EXPECT_THAT(is_due(enrolled), ElementsAre("renew " + device.serial)) << "near its end";

  auto unsupported = device;
  unsupported.https = HttpsState::unsupported_firmware;
  EXPECT_THAT(is_due(unsupported), IsEmpty()) << "no driver could do it";

  auto looked_at = with_failure(device, {"auth_failed", Retry::never, "no"}, kNow - 10 * kDay);
  EXPECT_THAT(is_due(looked_at), IsEmpty()) << "a person must look first";

  auto backing_off = with_failure(device, {"unreachable", Retry::later, "no"}, kNow - kMinute);
  EXPECT_THAT(is_due(backing_off), IsEmpty()) << "too early";
  EXPECT_THAT(due(kNow + kHour), ElementsAre("enroll " + device.serial)) << "and later again";
}

TEST_F(SchedulerTest, AnInterruptedJournalIsGoneOnWith) {
  auto enrolled = testing::enrolled_camera();
  world.save(enrolled);
  auto journal = begin_journal(enrolled, Purpose::renew, "lenscap-00000002", "task", kNow);
  world.store->write([&](store::WriteTxn& txn) { return save_journal(txn, journal), true; });
  EXPECT_THAT(due(), ElementsAre("renew " + enrolled.serial)) << "although it is not due by time";
}

}  // namespace
}  // namespace lenscap::agent
