#include "agent/journal.h"

#include <gtest/gtest.h>

#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using testing::kNow;

TEST(BeginJournal, TakesWhatTheDeviceIsToCarry) {
  auto journal = begin_journal(camera(), Purpose::renew, "lenscap-00000002", "task", kNow);
  EXPECT_EQ(journal.serial, "ACCC8E68D4D2");
  EXPECT_EQ(journal.names, camera().names);
  EXPECT_EQ(journal.common_name, "cam1.cams.example");
  EXPECT_EQ(journal.key_id, "lenscap-00000002");
  EXPECT_EQ(journal.id.size(), 36U);
  EXPECT_EQ(journal.outcome, Outcome::running);
}

TEST(JournalDeathTest, StepsOutOfOrderAreBugs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto journal = begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "task", kNow);
  EXPECT_DEATH(note_probed(journal, kNow), "was not begun");
  EXPECT_DEATH(note_switched(begin_step(journal, Step::probe, kNow), kNow), "was not begun");
  EXPECT_DEATH(note_failure(journal, {"x", Retry::never, ""}, kNow), "no step was begun");
}

}  // namespace
}  // namespace lenscap::agent
