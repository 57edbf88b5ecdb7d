// What fails from the switch to the new certificate on: the device goes back to what it served before, and whoever
// waits for that moment gets nothing.
#include "agent/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/runner_ends.h"

namespace lenscap::agent {
namespace {

using fakes::FakeDevice;
using ::testing::ElementsAre;
using testing::expect_enrolled;
using testing::expect_untouched;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Killed;
using testing::kNow;
using ::testing::Not;
using testing::TestWorkshop;

TEST(FromTheSwitchOn, TheAnswerToTheSwitchMayBeLost) {
  TestWorkshop world;
  world.camera.fail("set_https.answer", DeviceError(DeviceErrc::unreachable, "gone"), 1);
  EXPECT_EQ(world.run().status, "Finished");
  expect_enrolled(world);
}

TEST(FromTheSwitchOn, ARestartIsWaitedFor) {
  TestWorkshop world;
  world.camera.restart = Seconds(120);
  EXPECT_EQ(world.run().status, "Finished");
  expect_enrolled(world);
}

TEST(FromTheSwitchOn, RollsBackWhatIsNotServed) {
  using After = FakeDevice::AfterSwitch;
  for (auto const after : {After::serves_the_former, After::serves_the_factorys, After::answers_on_plain_http_only}) {
    for (auto const restart : {Seconds(0), Seconds(60)}) {
      SCOPED_TRACE(static_cast<int>(after));
      TestWorkshop world;
      world.camera.after_switch = after;
      world.camera.restart = restart;
      auto const result = world.run();
      EXPECT_EQ(result.status, "Rolled back") << result.description;
      EXPECT_EQ(result.error, "switched_but_not_served");
      expect_untouched(world);
      // A camera whose HTTPS does not come back is put right over plain HTTP, and only such a one.
      EXPECT_EQ(world.camera.logins_over_http > 0, after == After::answers_on_plain_http_only);
    }
  }
}

TEST(FromTheSwitchOn, RollsARenewalBackToOurFormerCertificate) {
  using After = FakeDevice::AfterSwitch;
  for (auto const after : {After::serves_the_former, After::serves_the_factorys, After::answers_on_plain_http_only}) {
    SCOPED_TRACE(static_cast<int>(after));
    TestWorkshop world;
    ASSERT_EQ(world.run().status, "Finished");
    auto const before = world.device();
    world.camera.forget_history();
    world.camera.after_switch = after;
    EXPECT_EQ(world.run(Purpose::renew).status, "Rolled back");
    EXPECT_EQ(world.camera.logins_over_http > 0, after == After::answers_on_plain_http_only) << "no way round TLS";
    EXPECT_EQ(world.camera.serves, before.live->id);
    EXPECT_EQ(world.device().live, before.live);
    EXPECT_EQ(world.device().pin, before.pin);
    EXPECT_THAT(world.camera.our_ids(), ElementsAre(before.live->id));
  }
}

// Somebody in between who waits for a failed switch gets no login: neither for a key of his own, nor over plain HTTP.
TEST(FromTheSwitchOn, AStrangerOnTheWayBackGetsNothing) {
  TestWorkshop world;
  world.camera.on_call = [&](std::string const& call) {
    if (call != "verify_served") return;
    FakeDevice::Held stranger{x509::PrivateKey::generate(x509::KeyType::ec_p256), {}, std::nullopt};
    stranger.certificate = x509::testing::to_certificate(
        x509::testing::build({.common_name = "stranger"}, stranger.key.native(), stranger.key.native(), nullptr));
    world.camera.held.insert_or_assign("stranger", std::move(stranger));
    world.camera.serves = "stranger";
    world.camera.on_call = nullptr;
  };
  auto const result = world.run();
  EXPECT_EQ(result.status, "Rollback failed");
  EXPECT_EQ(world.camera.logins_over_http, 0);
  EXPECT_EQ(world.camera.count("set_https"), 1) << "the switch alone";

  world.camera.serves = "factory";  // he is gone
  EXPECT_EQ(world.run().status, "Rolled back");
  world.camera.held.erase("stranger");
  expect_untouched(world);
}

// Once it is proven that HTTPS is back, silence is no reason for plain HTTP any more.
TEST(FromTheSwitchOn, TheWayOverPlainHttpEndsWithTheProof) {
  TestWorkshop world;
  world.camera.after_switch = FakeDevice::AfterSwitch::serves_the_former;
  world.written = [](Journal const& journal) {
    if (journal.restore_verified) throw Killed();
  };
  EXPECT_THROW((void)world.run(), Killed);
  world.written = nullptr;
  world.camera.serves.reset();
  EXPECT_EQ(world.run().status, "Rolled back");
  EXPECT_EQ(world.camera.logins_over_http, 0);
  EXPECT_THAT(world.device().leftover_ids, Not(IsEmpty())) << "removed with the next certificate";
}

// Plain HTTP was agreed to because there was no HTTPS; a certificate that shows up later wants its own approval.
TEST(FromTheSwitchOn, PlainHttpIsOverWhenAKeyShowsUp) {
  TestWorkshop world;
  auto device = world.device();
  device.pin.reset();
  device.accept_plain_http = true;
  world.save(device);
  auto const result = world.run();
  EXPECT_EQ(result.error, "tls_untrusted");
  EXPECT_EQ(result.try_again, std::nullopt) << "a person must look first";
  EXPECT_EQ(world.camera.logins_over_http, 0);
}

TEST(FromTheSwitchOn, ADeviceThatOffersNoPlainHttpIsNotGivenUp) {
  TestWorkshop world;
  world.camera.after_switch = FakeDevice::AfterSwitch::answers_on_plain_http_only;
  world.camera.http_open = false;
  EXPECT_EQ(world.run().status, "Rollback failed");
  EXPECT_EQ(world.device().failure->code, "rollback_failed");
  EXPECT_TRUE(may_try(world.device(), kNow + 10 * kDay)) << "tried again by itself";
  world.camera.http_open = true;
  EXPECT_EQ(world.run().status, "Rolled back");
  expect_untouched(world);
}

TEST(FromTheSwitchOn, SettingsThatWentBackAreNoProofThatItServes) {
  TestWorkshop world;
  world.camera.after_switch = FakeDevice::AfterSwitch::answers_on_plain_http_only;
  world.camera.stays_dead = true;
  auto const result = world.run();
  EXPECT_EQ(result.status, "Rollback failed");
  EXPECT_THAT(result.description, HasSubstr("does not serve as before"));
  world.camera.stays_dead = false;
  EXPECT_EQ(world.run().status, "Rolled back");
  expect_untouched(world);
}

// The settings are back and the device serves as before, for it has yet to restart: then HTTPS does not come up.
TEST(FromTheSwitchOn, AGoodLookBeforeTheRestartIsNoProof) {
  for (bool const dies : {false, true}) {
    TestWorkshop world;
    world.camera.after_switch = FakeDevice::AfterSwitch::serves_the_former;
    world.camera.restart = Seconds(20);
    world.camera.restart_begins = Seconds(3);
    world.camera.dies_when_restored = dies;
    EXPECT_EQ(world.run().status, dies ? "Rollback failed" : "Rolled back");
    if (dies)
      EXPECT_THAT(world.camera.our_ids(), Not(IsEmpty())) << "nothing is removed while nobody knows";
    else
      expect_untouched(world);
  }
}

TEST(FromTheSwitchOn, EveryFailureFromTheSwitchOnEndsAsItWas) {
  for (std::string const call : {"set_https", "verify_served", "read_serial"}) {
    for (auto const retry : {Retry::never, Retry::later, Retry::now}) {
      SCOPED_TRACE(call + " " + std::string(to_string(retry)));
      TestWorkshop world;
      int const tries = retry == Retry::now ? 3 : 1;
      int const times = call == "read_serial" ? 1'000 : tries;
      world.camera.fail(call, DeviceError(DeviceErrc::bad_answer, retry, "strange"), times);
      EXPECT_EQ(world.run().status, "Rolled back");
      expect_untouched(world);
    }
  }
}

TEST(FromTheSwitchOn, WhatFailsOnceAtTheSwitchAndMayBeTriedAtOnce) {
  for (std::string const call : {"set_https", "verify_served"}) {
    SCOPED_TRACE(call);
    TestWorkshop world;
    world.camera.fail(call, DeviceError(DeviceErrc::busy_timeout, Retry::now, "blink"), 1);
    EXPECT_EQ(world.run().status, "Finished");
    expect_enrolled(world);
  }
}

TEST(FromTheSwitchOn, ARestoreThatIsRefusedIsTriedInEachRun) {
  TestWorkshop world;
  world.camera.after_switch = FakeDevice::AfterSwitch::serves_the_former;
  world.camera.fail("set_https", DeviceError(DeviceErrc::bad_answer, "no"), 1'000, 2);
  for (int i = 0; i < 3; ++i) {
    auto const result = world.run();
    EXPECT_EQ(result.status, "Rollback failed");
    EXPECT_THAT(result.description, HasSubstr("look at the device"));
    EXPECT_THAT(world.camera.our_ids(), Not(IsEmpty())) << "what the device is set to is not removed";
  }
  world.camera.heal();
  EXPECT_EQ(world.run().status, "Rolled back");
  expect_untouched(world);
}

TEST(FromTheSwitchOn, WhatCannotBeRemovedIsLeftOverAndRemovedLater) {
  TestWorkshop world;
  ASSERT_EQ(world.run().status, "Finished");
  auto const former = world.device().live->id;
  world.camera.fail("remove", DeviceError(DeviceErrc::busy_timeout, "not now"), 1);
  auto const result = world.run(Purpose::renew);
  EXPECT_EQ(result.status, "Finished");
  EXPECT_THAT(result.description, HasSubstr("still on the device"));
  EXPECT_THAT(world.device().leftover_ids, ElementsAre(former));
  EXPECT_EQ(world.run(Purpose::renew).status, "Finished");
  expect_enrolled(world);

  TestWorkshop other;
  other.camera.fail("get_https", DeviceError(DeviceErrc::bad_answer, Retry::never, "strange"), 1, 2);
  other.camera.fail("remove", DeviceError(DeviceErrc::busy_timeout, "not now"), 1);
  EXPECT_EQ(other.run().status, "Failed");
  EXPECT_THAT(other.device().leftover_ids, Not(IsEmpty()));
  EXPECT_EQ(other.run().status, "Finished");
  expect_enrolled(other);
}

}  // namespace
}  // namespace lenscap::agent
