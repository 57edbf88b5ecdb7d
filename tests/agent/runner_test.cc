// One device through its journal: when all goes well, and when each step before the switch fails in each way. What must
// hold at every end: the camera serves something that we know, and nothing half-made of ours is left on it without
// being written down. From the switch on: runner_switch_test.cc; when the world stops: runner_kill_test.cc.
#include "agent/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/runner_ends.h"

namespace lenscap::agent {
namespace {

using fakes::FakeAcme;
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

TEST(RunDevice, Enrolls) {
  TestWorkshop world;
  auto const result = world.run();
  EXPECT_EQ(result.status, "Finished") << result.description;
  EXPECT_EQ(result.task, "task-1");
  EXPECT_EQ(result.error, "");
  expect_enrolled(world);
  EXPECT_EQ(world.camera.logins_over_http, 0);
  EXPECT_EQ(world.acme.orders.begin()->second.object.profile, "camera-https");
  EXPECT_THAT(result.description, HasSubstr("chain incomplete")) << "this camera sends the leaf alone";
  EXPECT_EQ(world.device().firmware, "7.30.1") << "as seen when it was probed";
}

TEST(RunDevice, RenewsAndRemovesTheFormer) {
  TestWorkshop world;
  ASSERT_EQ(world.run().status, "Finished");
  auto const former = world.device().live->id;
  auto const result = world.run(Purpose::renew);
  EXPECT_EQ(result.status, "Finished") << result.description;
  expect_enrolled(world);
  EXPECT_NE(world.device().live->id, former);
}

TEST(RunDevice, BeginsOnPlainHttpAndEndsOnHttps) {
  TestWorkshop world;
  world.camera.serves.reset();
  world.camera.https.enabled = false;
  world.camera.https.certificate_ids.clear();
  auto device = world.device();
  device.pin.reset();
  device.accept_plain_http = true;
  world.save(device);
  EXPECT_EQ(world.run().status, "Finished");
  expect_enrolled(world);
  EXPECT_GT(world.camera.logins_over_http, 0);

  world.camera.logins_over_http = 0;
  EXPECT_EQ(world.run(Purpose::renew).status, "Finished");
  EXPECT_EQ(world.camera.logins_over_http, 0) << "never again";
}

TEST(RunDevice, PutsTheAddedAuthoritiesBesideTheCertificate) {
  TestWorkshop world;
  world.camera.ca_ids = {"lenscap-ca-1"};
  world.run();
  EXPECT_THAT(world.camera.https.ca_ids, ElementsAre("lenscap-ca-1"));
  EXPECT_THAT(world.camera.https.ciphers, Not(IsEmpty())) << "as they were";
}

// Issuing certificates that we added go with the certificate that they stood beside.
TEST(RunDevice, AddedAuthoritiesAreRemovedWhenNothingUsesThem) {
  TestWorkshop world;
  world.camera.held_cas = {"their-own"};
  world.camera.ca_ids = {"lenscap-ca-1", "their-own"};
  world.camera.after_switch = FakeDevice::AfterSwitch::serves_the_former;
  EXPECT_EQ(world.run().status, "Rolled back");
  EXPECT_THAT(world.camera.held_cas, ElementsAre("their-own"));

  world.camera.after_switch = FakeDevice::AfterSwitch::serves_it;
  ASSERT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.run(Purpose::renew).status, "Finished");
  EXPECT_THAT(world.camera.held_cas, ElementsAre("lenscap-ca-1", "their-own")) << "the same issuer again";
  EXPECT_THAT(world.device().leftover_ids, IsEmpty());

  world.camera.ca_ids = {"lenscap-ca-2"};
  EXPECT_EQ(world.run(Purpose::renew).status, "Finished");
  EXPECT_THAT(world.camera.held_cas, ElementsAre("lenscap-ca-2", "their-own")) << "another issuer";
  EXPECT_THAT(world.camera.https.ca_ids, ElementsAre("their-own", "lenscap-ca-2"));
  EXPECT_THAT(world.device().leftover_ids, IsEmpty());
}

TEST(RunDevice, ACsrWithoutTheNamesNeedsTheOtherProfile) {
  TestWorkshop world;
  world.camera.capabilities.csr_san = false;
  EXPECT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.acme.orders.begin()->second.object.profile, "camera-https-cn");
  expect_enrolled(world);
}

// --- failures before the switch

constexpr std::string_view kCallsBeforeTheSwitch[] = {"open", "create_key_and_csr", "install_certificate",
                                                      "install_certificate.answer", "get_https"};
// The settings are read when the device is probed, where nothing hangs on it, and then for the snapshot.
int first_that_counts(std::string_view call) { return call == "get_https" ? 2 : 1; }

TEST(RunDevice, WhatFailsForGoodBeforeTheSwitchLeavesTheDeviceAsItWas) {
  for (auto const call : kCallsBeforeTheSwitch) {
    SCOPED_TRACE(call);
    TestWorkshop world;
    world.camera.fail(std::string(call), DeviceError(DeviceErrc::store_full, Retry::never, "no room"), 1,
                      first_that_counts(call));
    auto const result = world.run();
    EXPECT_EQ(result.status, "Failed");
    EXPECT_EQ(result.error, "store_full");
    EXPECT_THAT(result.description, HasSubstr("no room"));
    EXPECT_EQ(result.try_again, std::nullopt) << "a person must look first";
    expect_untouched(world);
    EXPECT_EQ(world.camera.count("set_https"), 0);
  }
}

TEST(RunDevice, WhatMayPassBeforeTheSwitchWaitsAndIsGivenUpAfterThreeRuns) {
  for (auto const call : kCallsBeforeTheSwitch) {
    SCOPED_TRACE(call);
    TestWorkshop world;
    world.camera.fail(std::string(call), DeviceError(DeviceErrc::busy_timeout, Retry::later, "not now"), 3,
                      first_that_counts(call));
    auto const id_before = world.run();
    EXPECT_EQ(id_before.status, "Waiting");
    EXPECT_TRUE(id_before.try_again);
    auto const key_id = world.journal().key_id;
    EXPECT_EQ(world.run().status, "Waiting");
    EXPECT_EQ(world.journal().key_id, key_id) << "one story, one id";
    EXPECT_EQ(world.run().status, "Failed");
    expect_untouched(world);
    EXPECT_EQ(world.device().failures, 3);
    EXPECT_EQ(world.run().status, "Finished") << "the next one begins anew";
    expect_enrolled(world);
  }
}

TEST(RunDevice, WhatMayPassIsGoneOnWith) {
  for (auto const call : kCallsBeforeTheSwitch) {
    SCOPED_TRACE(call);
    TestWorkshop world;
    world.camera.fail(std::string(call), DeviceError(DeviceErrc::unreachable, Retry::later, "away"), 1,
                      first_that_counts(call));
    EXPECT_EQ(world.run().status, "Waiting");
    EXPECT_EQ(world.run().status, "Finished");
    expect_enrolled(world);
    EXPECT_LE(world.acme.orders.size(), 1U) << "nothing is ordered twice";
  }
}

TEST(RunDevice, AgainAtOnceIsBounded) {
  for (auto const call : kCallsBeforeTheSwitch) {
    SCOPED_TRACE(call);
    TestWorkshop once;
    once.camera.fail(std::string(call), DeviceError(DeviceErrc::busy_timeout, Retry::now, "blink"), 1,
                     first_that_counts(call));
    EXPECT_EQ(once.run().status, "Finished");
    expect_enrolled(once);
    EXPECT_GT(once.clock.now(), kNow) << "not without a pause";

    TestWorkshop always;
    always.camera.fail(std::string(call), DeviceError(DeviceErrc::busy_timeout, Retry::now, "blink"));
    EXPECT_EQ(always.run().status, "Failed");
    EXPECT_LT(always.camera.calls.size(), 30U);
    EXPECT_EQ(always.camera.serves, "factory");
  }
}

// --- what the status shows of HTTPS

TEST(RunDevice, TellsWhatItSawOfHttps) {
  struct Case {
    bool enabled;
    std::vector<std::string> ids;
    HttpsState state;
  };
  for (auto const& c : {Case{true, {"factory"}, HttpsState::enabled}, Case{false, {"factory"}, HttpsState::disabled},
                        Case{false, {}, HttpsState::missing_certificate}}) {
    TestWorkshop world;
    auto device = world.device();
    device.https = HttpsState::unknown;
    world.save(device);
    world.camera.https.enabled = c.enabled;
    world.camera.https.certificate_ids = c.ids;
    world.camera.fail("create_key_and_csr", DeviceError(DeviceErrc::busy_timeout, "not now"), 1);
    EXPECT_EQ(world.run().status, "Waiting");
    EXPECT_EQ(world.device().https, c.state) << to_string(c.state);
  }
}

TEST(RunDevice, FirmwareThatWasUpdatedIsSeen) {
  TestWorkshop world;
  world.camera.fail("open", DeviceError(DeviceErrc::no_driver, "too old"), 1);
  EXPECT_EQ(world.run().error, "no_driver");
  EXPECT_EQ(world.device().https, HttpsState::unsupported_firmware);
  EXPECT_EQ(world.run().status, "Finished");
  expect_enrolled(world);
}

TEST(RunDevice, TheWantedTypeOfKeyWhereThereIsAChoice) {
  struct Case {
    std::vector<std::string> offered;
    std::string wanted;
    std::string asked_for;
  };
  for (auto const& c : {Case{{"EC-P256", "RSA-2048"}, "RSA-2048", "RSA-2048"}, Case{{"EC-P256"}, "RSA-2048", ""},
                        Case{{}, "EC-P256", ""}, Case{{"EC-P256", "RSA-2048"}, "", ""}}) {
    TestWorkshop world;
    world.camera.capabilities.key_types = c.offered;
    world.settings.key_type = c.wanted;
    EXPECT_EQ(world.run().status, "Finished");
    EXPECT_EQ(world.journal().key_type, c.asked_for) << c.wanted;
    EXPECT_EQ(world.camera.asked_key_type, c.asked_for);
  }
}

// --- being told to stop

// After each step in turn; what is left is done by the next run, and nothing twice.
TEST(RunDevice, StopsBetweenTwoSteps) {
  for (int steps = 0;; ++steps) {
    TestWorkshop world;
    auto shop = world.shop();
    int looks = 0;
    shop.told_to_stop = [&] { return looks++ == steps; };
    auto const result =
        net::run(world.threads.next(), run_device(shop, world.device().serial, Purpose::enroll, "task"));
    if (result.status == "Finished") {
      EXPECT_GE(steps, 10);
      break;
    }
    SCOPED_TRACE(steps);
    EXPECT_EQ(result.status, "Waiting");
    EXPECT_EQ(world.device().failure, std::nullopt) << "nothing failed";
    EXPECT_EQ(world.run().status, "Finished");
    expect_enrolled(world);
    EXPECT_EQ(world.acme.orders.size(), 1U);
    EXPECT_EQ(world.camera.count("create_key_and_csr"), 1);
  }
}

// --- identity and login

TEST(RunDevice, AClockThatIsFarOffStopsTheOrder) {
  for (Seconds const offset : {-2 * kHour, -20'000 * kDay, 100 * kDay}) {
    TestWorkshop world;
    world.camera.clock_offset = offset;
    auto const result = world.run();
    EXPECT_EQ(result.status, "Waiting");
    EXPECT_EQ(result.error, "clock_wrong");
    EXPECT_THAT(result.description, HasSubstr("time server"));
    EXPECT_EQ(world.camera.count("create_key_and_csr"), 0);
    expect_untouched(world);
    ASSERT_TRUE(world.device().failure);
    EXPECT_EQ(world.device().failure->code, "clock_wrong");
    world.camera.clock_offset = Seconds(0);
    EXPECT_EQ(world.run().status, "Finished");
    expect_enrolled(world);
  }
}

// Another clock than when it was ordered: the certificate waits, and the same one is installed later.
TEST(RunDevice, AClockThatIsFarOffStopsTheInstallation) {
  TestWorkshop world;
  world.camera.on_call = [&](std::string const& call) {
    if (call == "create_key_and_csr") world.camera.clock_offset = -kDay;
  };
  world.camera.fail("install_certificate", DeviceError(DeviceErrc::busy_timeout, Retry::now, "not yet"), 1);
  auto const result = world.run();
  EXPECT_EQ(result.status, "Waiting");
  EXPECT_EQ(result.error, "clock_wrong");
  EXPECT_EQ(world.camera.count("install_certificate"), 1);
  EXPECT_EQ(world.camera.serves, "factory");
  auto const chain = world.journal().chain_pem;
  EXPECT_NE(chain, "");
  world.camera.clock_offset = Seconds(0);
  EXPECT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.device().live->chain_pem, chain);
  expect_enrolled(world);
}

TEST(RunDevice, AClockThatIsALittleOffIsNoted) {
  TestWorkshop world;
  world.camera.clock_offset = 3 * kHour;
  auto const result = world.run();
  EXPECT_EQ(result.status, "Finished");
  EXPECT_THAT(result.description, HasSubstr("its clock is 3 hours ahead: give it a time server"));
  EXPECT_EQ(world.device().clock_offset, 3 * kHour);
  world.camera.clock_offset = Seconds(1);
  EXPECT_THAT(world.run(Purpose::renew).description, Not(HasSubstr("clock")));
}

TEST(RunDevice, AWrongPasswordIsSentOnce) {
  TestWorkshop world;
  world.camera.password = "changed";
  auto const result = world.run();
  EXPECT_EQ(result.error, "auth_failed");
  EXPECT_EQ(result.try_again, std::nullopt);
  EXPECT_EQ(world.camera.wrong_logins, 1);
  expect_untouched(world);
}

TEST(RunDevice, APasswordThatChangesOnTheWayIsSentOnce) {
  TestWorkshop world;
  world.camera.on_call = [&](std::string const& call) {
    if (call == "install_certificate") world.camera.password = "changed";
  };
  auto const result = world.run();
  EXPECT_EQ(result.error, "auth_failed");
  EXPECT_EQ(world.camera.wrong_logins, 1) << "not again to clean up: cameras lock accounts";
  EXPECT_THAT(world.device().leftover_ids, Not(IsEmpty())) << "what is still there is written down";
  EXPECT_EQ(world.camera.serves, "factory");

  world.camera.on_call = nullptr;
  world.camera.password = "pass";
  EXPECT_EQ(world.run().status, "Finished");
  expect_enrolled(world);  // and the left-over is gone
}

TEST(RunDevice, AnotherDeviceIsLeftAlone) {
  TestWorkshop world;
  world.camera.serial = "ACCC8E000000";
  auto const result = world.run();
  EXPECT_EQ(result.error, "wrong_device");
  EXPECT_THAT(world.camera.calls, ElementsAre("open"));
}

TEST(RunDevice, AnotherKeyGetsNoPassword) {
  TestWorkshop world;
  auto device = world.device();
  device.pin = testing::hash(9);
  world.save(device);
  auto const result = world.run();
  EXPECT_EQ(result.error, "tls_untrusted");
  EXPECT_EQ(result.try_again, std::nullopt);
  EXPECT_EQ(world.camera.logins_over_http, 0) << "no way round over plain HTTP";
  EXPECT_EQ(world.camera.count("create_key_and_csr"), 0);
}

TEST(RunDevice, ASealThatDoesNotOpenIsNoLogin) {
  TestWorkshop world;
  auto device = world.device();
  device.sealed_password = seal_password(world.sealer, SecretBytes(std::string_view("pass")), "ACCC8E000000");
  world.save(device);
  EXPECT_EQ(world.run().error, "wrong_passphrase");
  EXPECT_THAT(world.camera.calls, IsEmpty());
}

// --- the ACME server

TEST(RunDevice, WhatTheServerRefusesDiscardsTheKey) {
  TestWorkshop world;
  world.acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (!seen.url.ends_with("/new-order")) return std::nullopt;
    return FakeAcme::Answer(world.acme.problem(Error(Errc::rejected_identifier, "cam1.cams.example is not granted")));
  };
  auto const result = world.run();
  EXPECT_EQ(result.status, "Failed");
  EXPECT_EQ(result.error, "rejected_identifier");
  EXPECT_THAT(result.description, HasSubstr("not granted"));
  EXPECT_TRUE(result.try_again) << "its scope may be widened without a word to the agent";
  expect_untouched(world);
}

// The agent dies behind the order and comes back when the server has given it up.
TEST(RunDevice, AnOrderThatExpiredMeanwhileIsPlacedAgain) {
  TestWorkshop world;
  world.written = [](Journal const& journal) {
    if (!journal.order_url.empty()) throw Killed();
  };
  EXPECT_THROW((void)world.run(), Killed);
  world.written = nullptr;
  auto& order = world.acme.orders.begin()->second.object;
  order.status = acme::OrderStatus::invalid;
  order.error = Error(Errc::order_not_ready, "the order expired at 2027-01-15T09:00:00Z");
  world.clock.advance(2 * kHour);
  EXPECT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.camera.count("create_key_and_csr"), 1) << "the same key";
  expect_enrolled(world);
}

TEST(RunDevice, AServerThatIsAwayIsWaitedForWithTheSameKey) {
  TestWorkshop world;
  bool away = true;
  world.acme.instead = [&](FakeAcme::Seen const&) -> std::optional<FakeAcme::Answer> {
    if (!away) return std::nullopt;
    return FakeAcme::Answer(Error(Errc::unreachable, "nobody is there"));
  };
  EXPECT_EQ(world.run().status, "Waiting");
  away = false;
  EXPECT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.camera.count("create_key_and_csr"), 1);
  expect_enrolled(world);
}

TEST(RunDevice, ALostOrderIsPlacedAgainThreeTimesAtMost) {
  TestWorkshop world;
  int lost = 0;
  world.acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (seen.url.find("/order/") == std::string::npos || lost == 1) return std::nullopt;
    ++lost;
    return FakeAcme::Answer(world.acme.problem(Error(Errc::not_found, "no such order")));
  };
  EXPECT_EQ(world.run().status, "Finished");
  EXPECT_EQ(world.acme.orders.size(), 2U);

  TestWorkshop forgetful;
  forgetful.acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (seen.url.find("/order/") == std::string::npos) return std::nullopt;
    return FakeAcme::Answer(forgetful.acme.problem(Error(Errc::not_found, "no such order")));
  };
  auto const result = forgetful.run();
  EXPECT_EQ(result.status, "Failed");
  EXPECT_EQ(result.error, "order_lost");
  EXPECT_EQ(forgetful.acme.orders.size(), 3U);
  expect_untouched(forgetful);
}

TEST(RunDevice, ACertificateOfAnotherAuthorityIsNotInstalled) {
  TestWorkshop world;
  x509::testing::Authority const foreign;
  world.membership.device_roots = foreign.roots();
  auto const result = world.run();
  EXPECT_THAT(result.description, HasSubstr("does not lead to the root"));
  EXPECT_EQ(world.camera.count("install_certificate"), 0);
}

// --- secrets

TEST(RunDevice, NothingSecretIsLoggedOrStored) {
  TestWorkshop world;
  world.camera.password = "a-very-secret-password";
  auto device = world.device();
  device.sealed_password =
      seal_password(world.sealer, SecretBytes(std::string_view(world.camera.password)), device.serial);
  world.save(device);
  std::string logged;
  world.log = Log::to([&](std::string_view line) { logged.append(line); });
  world.camera.after_switch = FakeDevice::AfterSwitch::serves_the_former;
  world.run();
  world.camera.after_switch = FakeDevice::AfterSwitch::serves_it;
  world.run();
  EXPECT_THAT(logged, HasSubstr("device.step"));
  EXPECT_THAT(logged, HasSubstr("switch_https"));
  EXPECT_THAT(logged, Not(HasSubstr(world.camera.password)));
  EXPECT_THAT(logged, Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(world.everything_stored(), Not(HasSubstr(world.camera.password)));
  EXPECT_THAT(world.everything_stored(), Not(HasSubstr("PRIVATE KEY")));
}

}  // namespace
}  // namespace lenscap::agent
