// How a device may stand when its journal has come to an end.
#pragma once

#include <gmock/gmock.h>

#include "tests/agent/workshop.h"

namespace lenscap::agent::testing {

// Enrolled, proven, and nothing left over.
inline void expect_enrolled(TestWorkshop& world) {
  auto const device = world.device();
  ASSERT_TRUE(device.live);
  EXPECT_EQ(world.journal().outcome, Outcome::done);
  EXPECT_EQ(world.camera.serves, device.live->id);
  EXPECT_EQ(world.camera.served().names(), device.names);
  EXPECT_EQ(device.live->key_pin, world.camera.pin(device.live->id));
  EXPECT_EQ(device.pin, device.live->key_pin);
  EXPECT_FALSE(device.accept_plain_http);
  EXPECT_FALSE(device.failure);
  EXPECT_EQ(device.https, HttpsState::enabled);
  EXPECT_THAT(world.camera.our_ids(), ::testing::ElementsAre(device.live->id));
  EXPECT_THAT(device.leftover_ids, ::testing::IsEmpty());
  EXPECT_THAT(world.acme.violations, ::testing::IsEmpty());
}

// As it was before: nothing of ours on it, the factory's certificate served.
inline void expect_untouched(TestWorkshop& world) {
  EXPECT_EQ(world.camera.serves, "factory");
  EXPECT_EQ(world.camera.https.certificate_id(), "factory");
  EXPECT_THAT(world.camera.our_ids(), ::testing::IsEmpty());
  auto const device = world.device();
  EXPECT_EQ(device.pin, world.camera.pin("factory"));
  EXPECT_FALSE(device.live);
  EXPECT_THAT(device.leftover_ids, ::testing::IsEmpty());
}

}  // namespace lenscap::agent::testing
