// Who gets the password, and what is written down of a device that was met.
#include "agent/first_contact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/workshop.h"

namespace lenscap::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using ::testing::Not;

struct FirstContactTest : ::testing::Test {
  FirstContactTest() {
    settings.site = "hq";
    settings.names = {"{ip}", "{serial}.cams.example"};
    settings.state_dir = "/state";
  }
  Introduction introduction() {
    Introduction introduction;
    introduction.endpoint = parse_endpoint("10.20.4.119:8443").value();
    introduction.user = "root";
    introduction.password = SecretBytes(std::string_view("pass"));
    return introduction;
  }
  Introduction approved() {
    auto introduction = this->introduction();
    introduction.fingerprints = {camera.served().fingerprint()};
    return introduction;
  }
  Result<Device> meet(Introduction introduction, AskPerson ask = {}) {
    return net::run(threads.next(),
                    first_contact(camera, settings, sealer, clock, std::move(introduction), std::move(ask)));
  }
  void turn_https_off() {
    camera.serves.reset();
    camera.https.enabled = false;
    camera.https.certificate_ids.clear();
  }

  fakes::FakeClock clock{kNow};
  fakes::FakeDevice camera{clock};
  Settings settings;
  Sealer sealer{SecretBytes(Bytes(32, 7))};
  std::unique_ptr<store::Store> store = store::make_memory_store();
  net::IoThreads threads{1};
};

TEST_F(FirstContactTest, WritesDownWhoWasMet) {
  auto device = meet(approved());
  ASSERT_TRUE(device.ok()) << device.error().detail();
  EXPECT_EQ(device->serial, camera.serial);
  EXPECT_EQ(device->endpoint, parse_endpoint("10.20.4.119:8443").value());
  EXPECT_EQ(device->server, "hq");
  EXPECT_EQ(device->model, "P1367");
  EXPECT_EQ(device->driver, "fake");
  EXPECT_EQ(device->https, HttpsState::enabled);
  EXPECT_EQ(device->added, kNow);
  EXPECT_EQ(device->pin, camera.pin("factory")) << "the key, so that a new certificate for it is fine";
  EXPECT_FALSE(device->accept_plain_http);
  EXPECT_EQ(device->names.text(), "accc8e68d4d2.cams.example, 10.20.4.119");
  EXPECT_EQ(device->common_name, "accc8e68d4d2.cams.example");
  EXPECT_THAT(device->sealed_password, Not(HasSubstr("pass")));
  EXPECT_EQ(open_password(sealer, *device)->text(), "pass");
  EXPECT_FALSE(device->live);
}

TEST_F(FirstContactTest, ANameOfItsOwn) {
  auto introduction = approved();
  introduction.name = "gate.cams.example";
  EXPECT_EQ(meet(std::move(introduction))->names.text(), "gate.cams.example, 10.20.4.119");
}

TEST_F(FirstContactTest, WithoutApprovalNothingIsSent) {
  auto refused = meet(introduction());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--accept-fingerprint " + to_hex(camera.served().fingerprint())));

  auto other = introduction();
  other.fingerprints = {testing::hash(1)};
  bool asked = false;
  refused = meet(std::move(other), [&](auto const&, auto const&) { return asked = true; });
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_FALSE(asked) << "who gives fingerprints means those";

  refused = meet(introduction(), [](auto const&, auto const&) { return false; });
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(camera.calls, ElementsAre("look", "look", "look"));
}

TEST_F(FirstContactTest, APersonMayApprove) {
  std::string shown;
  auto device = meet(introduction(), [&](Endpoint const& endpoint, FirstLook const& look) {
    shown = endpoint.address + " " + look.serial;
    return true;
  });
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(shown, "10.20.4.119 ACCC8E68D4D2");
  EXPECT_EQ(device->pin, camera.pin("factory"));
}

// A new password for a camera that is enrolled: it shows the key that we installed, which nobody need approve again.
TEST_F(FirstContactTest, AKeyThatIsKnownHereIsApproved) {
  auto introduction = this->introduction();
  introduction.known_keys = {testing::hash(1), camera.pin("factory")};
  EXPECT_TRUE(meet(std::move(introduction)).ok());
}

TEST_F(FirstContactTest, PlainHttpIsForDevicesThatHaveNothingElse) {
  auto with_https = introduction();
  with_https.accept_plain_http = true;
  EXPECT_EQ(meet(std::move(with_https)).error().code(), Errc::needs_confirmation) << "it has HTTPS: no downgrade";
  EXPECT_EQ(camera.logins_over_http, 0);

  turn_https_off();
  auto refused = meet(introduction());
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--accept-plain-http"));
  EXPECT_EQ(camera.logins_over_http, 0);

  auto agreed = introduction();
  agreed.accept_plain_http = true;
  auto device = meet(std::move(agreed));
  ASSERT_TRUE(device.ok()) << device.error().detail();
  EXPECT_EQ(device->pin, std::nullopt);
  EXPECT_TRUE(device->accept_plain_http);
  EXPECT_EQ(device->https, HttpsState::missing_certificate);
}

// Whoever is in between can keep TLS silent; he must not get the login over plain HTTP for that.
TEST_F(FirstContactTest, SilenceOnTlsIsNoDowngrade) {
  turn_https_off();
  auto known = introduction();
  known.accept_plain_http = true;
  known.known_keys = {camera.pin("factory")};
  auto refused = meet(std::move(known));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(refused.error().detail(), HasSubstr("lenscap-agent remove"));

  auto with_fingerprint = introduction();
  with_fingerprint.fingerprints = {testing::hash(1)};
  refused = meet(std::move(with_fingerprint));
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--accept-fingerprint"));
  EXPECT_THAT(camera.calls, ElementsAre("look", "look"));
}

TEST_F(FirstContactTest, WhatNoDriverServesIsKeptAsUnsupported) {
  camera.fail("open", DeviceError(DeviceErrc::no_driver, "too old"));
  auto device = meet(approved());
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(device->https, HttpsState::unsupported_firmware);
  EXPECT_EQ(device->driver, "");
}

TEST_F(FirstContactTest, HttpsThatIsOffAlthoughThereIsACertificate) {
  turn_https_off();
  camera.https.certificate_ids = {"factory"};
  auto agreed = introduction();
  agreed.accept_plain_http = true;
  EXPECT_EQ(meet(std::move(agreed))->https, HttpsState::disabled);
}

TEST_F(FirstContactTest, RefusalsComeThrough) {
  struct Case {
    std::string call;
    DeviceErrc code;
    Errc expected;
  };
  for (auto const& c : {Case{"look", DeviceErrc::unreachable, Errc::unreachable},
                        Case{"identify", DeviceErrc::needs_setup, Errc::needs_confirmation},
                        Case{"identify", DeviceErrc::unsupported, Errc::not_found},
                        Case{"open", DeviceErrc::busy_timeout, Errc::unavailable}}) {
    camera.heal();
    camera.fail(c.call, DeviceError(c.code, "why"));
    auto refused = meet(approved());
    ASSERT_FALSE(refused.ok()) << c.call;
    EXPECT_EQ(refused.error().code(), c.expected) << c.call;
  }
}

TEST_F(FirstContactTest, AWrongPasswordIsSentOnce) {
  camera.password = "another";
  EXPECT_EQ(meet(approved()).error().code(), Errc::unauthorized);
  EXPECT_EQ(camera.wrong_logins, 1);
}

TEST_F(FirstContactTest, ANameThatCannotBeMadeIsRefused) {
  settings.names = {"{hostname}.cams.example"};
  auto refused = meet(approved());
  ASSERT_FALSE(refused.ok()) << "it has no host name";
  EXPECT_THAT(refused.error().detail(), HasSubstr("--name"));
}

// --- what is kept

struct KeepDeviceTest : FirstContactTest {
  std::vector<Device> kept() {
    std::vector<Device> devices;
    store->read([&](store::ReadTxn& txn) { devices = all_devices(txn); });
    return devices;
  }
};

TEST_F(KeepDeviceTest, ANewOne) {
  auto const device = testing::camera();
  EXPECT_EQ(keep_device(*store, device, false).value(), device);
  EXPECT_THAT(kept(), ElementsAre(device));
}

TEST_F(KeepDeviceTest, AKnownOneKeepsItsCertificateAndItsNames) {
  auto known = testing::enrolled_camera();
  known.leftover_ids = {"lenscap-0000000f"};
  known = with_failure(known, {"auth_failed", Retry::never, "no"}, kNow);
  store->write([&](store::WriteTxn& txn) { return save_device(txn, known), true; });

  auto fresh = testing::camera();
  fresh.pin = known.live->key_pin;  // it serves what we gave it
  fresh.added = kNow;
  fresh.names = testing::names("accc8e68d4d2.cams.example", "10.20.4.119");
  fresh.common_name = "accc8e68d4d2.cams.example";
  fresh.sealed_password = "sealed:v1:new";
  auto const device = keep_device(*store, fresh, false).value();
  EXPECT_EQ(device.live, known.live);
  EXPECT_EQ(device.leftover_ids, known.leftover_ids);
  EXPECT_EQ(device.added, known.added);
  EXPECT_EQ(device.names, known.names);
  EXPECT_EQ(device.common_name, known.common_name);
  EXPECT_EQ(device.sealed_password, "sealed:v1:new");
  EXPECT_FALSE(device.failure) << "a person has looked";
  EXPECT_TRUE(may_try(device, kNow));
  EXPECT_THAT(kept(), ElementsAre(device));

  EXPECT_FALSE(wants_certificate(device));

  auto const renamed = keep_device(*store, fresh, /*named=*/true).value();
  EXPECT_EQ(renamed.names, fresh.names);
  EXPECT_TRUE(wants_certificate(renamed)) << "its certificate carries the former names";
  EXPECT_EQ(work_for(renamed, nullptr, kNow), Work::renew);
}

// Reset to the factory's state and approved anew: what it serves is not ours, so it has no certificate of ours.
TEST_F(KeepDeviceTest, AKnownOneWithAnotherKeyHasNoCertificate) {
  auto const known = testing::enrolled_camera();
  store->write([&](store::WriteTxn& txn) { return save_device(txn, known), true; });
  auto fresh = testing::camera();
  fresh.pin = testing::hash(5);
  auto const device = keep_device(*store, fresh, false).value();
  EXPECT_EQ(device.live, std::nullopt);
  EXPECT_EQ(device.pin, testing::hash(5));
  EXPECT_THAT(device.leftover_ids, ElementsAre(known.live->id)) << "if it is still there, it goes";
  EXPECT_EQ(work_for(device, nullptr, kNow), Work::enroll);
}

// At another address, say: the serial number is known, and so is the key that it should have shown.
TEST_F(KeepDeviceTest, AKnownKeyIsNotForgottenForPlainHttp) {
  auto const known = testing::camera();
  store->write([&](store::WriteTxn& txn) { return save_device(txn, known), true; });
  auto fresh = known;
  fresh.pin.reset();
  fresh.accept_plain_http = true;
  auto const refused = keep_device(*store, fresh, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::needs_confirmation);
  EXPECT_THAT(kept(), ElementsAre(known));
}

TEST_F(KeepDeviceTest, AKnownOneAtANewAddress) {
  auto known = testing::camera();
  known.names = testing::names("gate.cams.example", "10.20.4.119");
  known.common_name = "gate.cams.example";
  store->write([&](store::WriteTxn& txn) { return save_device(txn, known), true; });
  auto fresh = testing::camera();
  fresh.endpoint.address = "10.20.4.7";
  fresh.names = testing::names("", "10.20.4.7");
  fresh.common_name = "";
  auto const device = keep_device(*store, fresh, false).value();
  EXPECT_EQ(device.names, testing::names("gate.cams.example", "10.20.4.7"));
  EXPECT_EQ(device.common_name, "gate.cams.example");

  known.endpoint.address = "old.example";
  known.names = testing::names("old.example", "");
  known.names.dns.insert(x509::DnsName::parse("gate.cams.example").value());
  store->write([&](store::WriteTxn& txn) { return save_device(txn, known), true; });
  EXPECT_EQ(keep_device(*store, fresh, false)->names, testing::names("gate.cams.example", "10.20.4.7"));
}

TEST_F(KeepDeviceTest, ANameThatIsTakenLeavesNothingHalfAdded) {
  auto const first = testing::camera();
  ASSERT_TRUE(keep_device(*store, first, false).ok());
  auto second = testing::camera();
  second.serial = "ACCC8E000000";
  second.endpoint.address = "10.20.4.8";
  second.names = testing::names("cam1.cams.example", "10.20.4.8");
  auto refused = keep_device(*store, second, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(kept(), ElementsAre(first));
}

TEST_F(KeepDeviceTest, KnownKeysAreThoseOfTheVeryPlace) {
  auto const device = testing::camera();
  ASSERT_TRUE(keep_device(*store, device, false).ok());
  auto const keys = [&](Endpoint const& endpoint) {
    std::vector<Sha256> found;
    store->read([&](store::ReadTxn& txn) { found = known_keys(txn, endpoint); });
    return found;
  };
  EXPECT_THAT(keys(device.endpoint), ElementsAre(*device.pin));
  EXPECT_THAT(keys({device.endpoint.address, 80, 8443}), IsEmpty());
  EXPECT_THAT(keys({"10.20.4.8", 80, 443}), IsEmpty());
}

TEST(ParseFingerprint, AsPeopleCopyIt) {
  Sha256 const hash = testing::hash(0xab);
  std::string const plain = to_hex(hash);
  EXPECT_EQ(parse_fingerprint(plain).value(), hash);
  EXPECT_EQ(parse_fingerprint(fingerprint_text(hash)).value(), hash);
  for (std::string const& bad :
       {std::string(), std::string("ab"), plain + "ab", plain.substr(2) + "zz", "SHA256:" + plain})
    EXPECT_EQ(parse_fingerprint(bad).error().code(), Errc::usage) << bad;
}

}  // namespace
}  // namespace lenscap::agent
