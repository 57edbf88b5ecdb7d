#include "agent/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/journal_record.h"
#include "store/backends.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using testing::enrolled_camera;
using testing::hash;
using ::testing::HasSubstr;
using testing::kNow;

Device other_camera() {
  auto device = camera();
  device.serial = "ACCC8E022A4D";
  device.endpoint = {"10.20.4.181", 80, 443};
  device.names = testing::names("cam2.cams.example", "10.20.4.181");
  return device;
}

std::unique_ptr<store::Store> store_with(std::vector<Device> const& devices) {
  auto store = store::make_memory_store();
  store->write([&](store::WriteTxn& txn) {
    for (auto const& device : devices) save_device(txn, device);
    return true;
  });
  return store;
}

TEST(ParseSerial, Spellings) {
  for (auto text : {"ACCC8E68D4D2", "accc8e68d4d2", "AC:CC:8E:68:D4:D2", "ac-cc-8e-68-d4-d2"}) {
    EXPECT_EQ(parse_serial(text), "ACCC8E68D4D2") << text;
  }
  for (auto text : {"", "ACCC8E68D4D", "ACCC8E68D4D2F", "10.20.4.119", "ACCC8E68D4DG", "ACCC8E 68D4D2"}) {
    EXPECT_EQ(parse_serial(text), std::nullopt) << text;
  }
}

TEST(DeviceRecord, EveryFieldComesBack) {
  auto device = enrolled_camera();
  device.vendor = "AXIS";
  device.hostname = "axis-accc8e68d4d2";
  device.driver = "axis_rest";
  device.seen = kNow;
  device.clock_offset = -kHour;
  device.sealed_password = "sealed:v1:abc";
  device.accept_plain_http = true;
  device.leftover_ids = {"lenscap-00000009"};
  device.live->chain_incomplete = true;
  device.live->window = RenewalWindow{kNow, kNow + kDay, kNow - kHour, Seconds(3600)};
  device.live->asked = kNow - kMinute;
  device.endpoint = {"fd00:20::7", 0, 8443};
  device.wrong_certificates = 2;
  device.moves_from = "https://old.example/acme/directory";
  device = with_failure(device, {"unreachable", Retry::later, "no answer"}, kNow);
  auto parsed = parse_device(json::write(to_json(device)));
  ASSERT_TRUE(parsed.ok()) << parsed.error().detail();
  EXPECT_EQ(*parsed, device);

  Device little;
  little.serial = "ACCC8E68D4D2";
  EXPECT_EQ(parse_device(json::write(to_json(little))).value(), little);
}

TEST(DeviceRecord, DamageIsBroken) {
  auto store = store_with({camera()});
  store->write([](store::WriteTxn& txn) {
    txn.put(kDevices, "ACCC8E68D4D2", "{}");
    return true;
  });
  EXPECT_THROW(store->read([](store::ReadTxn& txn) { load_device(txn, "ACCC8E68D4D2"); }), store::Broken);
  EXPECT_THROW(store->read([](store::ReadTxn& txn) { all_devices(txn); }), store::Broken);
}

TEST(EraseDevice, TakesTheJournalWithIt) {
  auto store = store_with({camera(), other_camera()});
  store->write([](store::WriteTxn& txn) {
    save_journal(txn, begin_journal(camera(), Purpose::enroll, "lenscap-1", "", kNow));
    return true;
  });
  store->write([](store::WriteTxn& txn) {
    erase_device(txn, "ACCC8E68D4D2");
    return true;
  });
  store->read([](store::ReadTxn& txn) {
    EXPECT_EQ(load_device(txn, "ACCC8E68D4D2"), std::nullopt);
    EXPECT_EQ(load_journal(txn, "ACCC8E68D4D2"), std::nullopt);
    EXPECT_EQ(all_devices(txn).size(), 1U);
  });
}

TEST(FindDevice, ByWhateverAPersonTypes) {
  auto shared = other_camera();
  shared.endpoint = {"10.20.4.119", 8080, 8443};  // two cameras behind one address
  auto v6 = other_camera();
  v6.serial = "ACCC8E000001";
  v6.endpoint = {"fd00::7", 80, 8443};
  v6.names = testing::names("cam3.cams.example", "fd00::7");
  auto store = store_with({camera(), shared, v6});
  struct Case {
    char const* what;
    char const* serial;
  };
  Case const cases[] = {
      {"ACCC8E68D4D2", "ACCC8E68D4D2"},      {"ac:cc:8e:68:d4:d2", "ACCC8E68D4D2"},
      {"10.20.4.119:443", "ACCC8E68D4D2"},   {"10.20.4.119:8443", "ACCC8E022A4D"},
      {"10.20.4.119:8080", "ACCC8E022A4D"},  {"cam1.cams.example", "ACCC8E68D4D2"},
      {"CAM2.cams.example", "ACCC8E022A4D"}, {"fd00::7", "ACCC8E000001"},
      {"[fd00::7]:8443", "ACCC8E000001"},
  };
  store->read([&](store::ReadTxn& txn) {
    for (auto const& c : cases) {
      auto found = find_device(txn, c.what);
      ASSERT_TRUE(found.ok()) << c.what << ": " << found.error().detail();
      EXPECT_EQ(found->serial, c.serial) << c.what;
    }
    for (auto what : {"ACCC8E68D4D3", "10.20.4.1", "10.20.4.119:9", "", "nonsense here", "cam9.cams.example"}) {
      auto found = find_device(txn, what);
      ASSERT_FALSE(found.ok()) << what;
      EXPECT_EQ(found.error().code(), Errc::not_found);
    }
    auto found = find_device(txn, "10.20.4.119");
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code(), Errc::conflict);
    EXPECT_THAT(found.error().detail(), HasSubstr("ACCC8E022A4D, ACCC8E68D4D2"));
  });
}

TEST(CheckNamesFree, ADeviceMustNotBecomeAnotherOne) {
  auto store = store_with({camera()});
  store->read([](store::ReadTxn& txn) {
    EXPECT_TRUE(check_names_free(txn, camera()).ok()) << "its own names";
    EXPECT_TRUE(check_names_free(txn, other_camera()).ok());

    auto thief = other_camera();
    thief.names.dns = camera().names.dns;
    auto refused = check_names_free(txn, thief);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::conflict);
    EXPECT_THAT(refused.error().detail(), HasSubstr("belongs to device ACCC8E68D4D2"));

    auto same_address = other_camera();
    same_address.names.ip = camera().names.ip;
    EXPECT_FALSE(check_names_free(txn, same_address).ok());
    same_address.endpoint.https_port = 8443;
    EXPECT_TRUE(check_names_free(txn, same_address).ok());
  });
}

TEST(Password, OpensOnlyForItsDevice) {
  Sealer sealer(SecretBytes(std::string_view("0123456789abcdef0123456789abcdef")));
  auto device = camera();
  device.sealed_password = seal_password(sealer, SecretBytes(std::string_view("pass")), device.serial);
  EXPECT_THAT(device.sealed_password, ::testing::Not(HasSubstr("pass")));
  EXPECT_EQ(open_password(sealer, device).value().text(), "pass");
  auto thief = other_camera();
  thief.sealed_password = device.sealed_password;
  auto opened = open_password(sealer, thief);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::wrong_passphrase);
  EXPECT_THAT(opened.error().detail(), HasSubstr("ACCC8E022A4D"));
}

}  // namespace
}  // namespace lenscap::agent
