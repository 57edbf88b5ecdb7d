// Joining: what is sent to whom, and what a crash leaves behind.
#include "agent/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/journal_record.h"
#include "agent/plan.h"
#include "base/net/io_threads.h"
#include "store/backends.h"
#include "tests/agent/agent_values.h"
#include "tests/fakes/failing_store.h"
#include "tests/fakes/fake_acme.h"
#include "tests/fakes/fake_clock.h"

namespace lenscap::agent {
namespace {

using fakes::FailingStore;
using fakes::FakeAcme;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kMacKey = "0123456789abcdef0123456789abcdef";

struct MembershipTest : ::testing::Test {
  MembershipTest() {
    acme.eab_kid = "kid-1";
    acme.eab_mac_key = SecretBytes(kMacKey);
  }
  acme::JoinString word() {
    acme::JoinString word;
    word.directory = acme.directory_url();
    word.root_url = "http://ca.example/roots/x";
    word.root_sha256 = acme.authority.roots().front().fingerprint();
    word.eab_kid = "kid-1";
    word.eab_mac_key = SecretBytes(kMacKey);
    return word;
  }
  Result<Membership> run_join(acme::JoinString word) {
    return net::run(threads.next(), join(failing, sealer, acme.fetch(), std::move(word)));
  }
  std::optional<Membership> load() {
    Result<std::optional<Membership>> loaded = std::optional<Membership>();
    store->read([&](store::ReadTxn& txn) { loaded = load_membership(txn, sealer); });
    return std::move(loaded).value();
  }

  fakes::FakeClock clock{x509::testing::kNow};
  FakeAcme acme{clock};
  std::unique_ptr<store::Store> store = store::make_memory_store();
  FailingStore failing{*store};
  Sealer sealer{SecretBytes(Bytes(32, 7))};
  net::IoThreads threads{1};
};

TEST_F(MembershipTest, BeforeJoiningThereIsNone) { EXPECT_EQ(load(), std::nullopt); }

TEST_F(MembershipTest, Join) {
  auto joined = run_join(word());
  ASSERT_TRUE(joined.ok()) << joined.error().detail();
  EXPECT_EQ(joined->account_url, "https://ca.example/account/1");
  EXPECT_EQ(joined->server_roots, acme.authority.roots());
  EXPECT_EQ(joined->device_roots, acme.authority.roots());
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());

  auto const kept = load();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->directory_url, acme.directory_url());
  EXPECT_EQ(kept->account_url, joined->account_url);
  EXPECT_EQ(kept->account_key.public_key(), joined->account_key.public_key());
  EXPECT_EQ(kept->server_roots, joined->server_roots);
  EXPECT_EQ(kept->device_roots, joined->device_roots);
}

TEST_F(MembershipTest, TheRootMayComeAsDer) {
  acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (seen.url.find("/roots/") == std::string::npos) return std::nullopt;
    net::ClientResponse response;
    response.status = 200;
    response.body = as_text(acme.authority.roots().front().der());
    return FakeAcme::Answer(response);
  };
  EXPECT_TRUE(run_join(word()).ok());
}

// Whoever stands between shows a root of their own: they get neither the EAB credentials nor a word more.
TEST_F(MembershipTest, AnotherRootEndsItBeforeAnythingIsSent) {
  auto word = this->word();
  word.root_sha256[0] ^= 1;
  auto refused = run_join(std::move(word));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::tls);
  EXPECT_THAT(refused.error().detail(), HasSubstr(to_hex(acme.authority.roots().front().fingerprint())));
  ASSERT_EQ(acme.requests.size(), 1U);
  EXPECT_EQ(acme.requests[0].method, net::Method::get);
  EXPECT_EQ(load(), std::nullopt);
}

TEST_F(MembershipTest, ARootThatIsNone) {
  struct Case {
    int status;
    std::string body;
  };
  for (auto const& c : {Case{404, "gone"}, Case{200, ""}, Case{200, "-----BEGIN CERTIFICATE-----\n"},
                        Case{200, acme.root_pem() + acme.root_pem()}, Case{301, ""}}) {
    acme.instead = [&](FakeAcme::Seen const&) {
      net::ClientResponse response;
      response.status = c.status;
      response.body = c.body;
      return std::optional<FakeAcme::Answer>(response);
    };
    acme.requests.clear();
    EXPECT_FALSE(run_join(word()).ok()) << c.status << c.body.size();
    EXPECT_EQ(acme.requests.size(), 1U);
    EXPECT_EQ(load(), std::nullopt);
  }
}

// The server may have bound the key although nobody learned of it: the same key must come again.
TEST_F(MembershipTest, ACrashBetweenKeyAndAccount) {
  for (auto const effect : {FailingStore::Effect::lost, FailingStore::Effect::kept}) {
    store = store::make_memory_store();
    FailingStore failing_here(*store);
    failing_here.fail_at(2, effect);  // 1: the key, 2: the account
    auto crash = [&] { (void)net::run(threads.next(), join(failing_here, sealer, acme.fetch(), word())); };
    EXPECT_THROW(crash(), store::Broken);
    auto const left = load();
    ASSERT_TRUE(left);
    if (effect == FailingStore::Effect::kept) {
      EXPECT_FALSE(left->account_url.empty());
      continue;
    }
    EXPECT_EQ(left->account_url, "");
    failing_here.heal();
    auto again = net::run(threads.next(), join(failing_here, sealer, acme.fetch(), word()));
    ASSERT_TRUE(again.ok()) << again.error().detail();
    EXPECT_EQ(again->account_key.public_key(), left->account_key.public_key());
    EXPECT_EQ(acme.accounts.size(), 1U);
  }
}

TEST_F(MembershipTest, ACrashBeforeTheKeyIsKeptLeavesNothing) {
  failing.fail_at(1, FailingStore::Effect::lost);
  EXPECT_THROW((void)run_join(word()), store::Broken);
  EXPECT_EQ(load(), std::nullopt);
  EXPECT_TRUE(acme.accounts.empty()) << "no account is made with a key that is not kept";
}

TEST_F(MembershipTest, ARefusedBindingMayBeTriedAgainWithAnotherWord) {
  auto bad = word();
  bad.eab_mac_key = SecretBytes(std::string_view("not the key, but as long as one."));
  auto refused = run_join(std::move(bad));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::unauthorized);
  EXPECT_THAT(refused.error().detail(), Not(HasSubstr("not the key")));
  EXPECT_TRUE(run_join(word()).ok());
}

// The server was set up anew in the meantime, with another root: the new word counts.
TEST_F(MembershipTest, AnAttemptThatCameToNothingDoesNotBindToItsRoot) {
  acme.instead = [](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (seen.url.ends_with("/directory")) return FakeAcme::Answer(Error(Errc::unreachable, "down"));
    return std::nullopt;
  };
  EXPECT_EQ(run_join(word()).error().code(), Errc::unreachable);
  ASSERT_TRUE(load());

  FakeAcme anew{clock};
  auto word = this->word();
  word.root_sha256 = anew.authority.roots().front().fingerprint();
  auto joined = net::run(threads.next(), join(failing, sealer, anew.fetch(), std::move(word)));
  ASSERT_TRUE(joined.ok()) << joined.error().detail();
  EXPECT_EQ(joined->server_roots, anew.authority.roots());

  auto elsewhere = this->word();
  elsewhere.directory = "https://other.example/directory";
  EXPECT_EQ(run_join(std::move(elsewhere)).error().code(), Errc::conflict);
}

TEST_F(MembershipTest, ASecondServerIsRefused) {
  ASSERT_TRUE(run_join(word()).ok());
  auto const key = load()->account_key.public_key();
  acme.requests.clear();
  auto second = word();
  second.directory = "https://other.example/directory";
  auto refused = run_join(std::move(second));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().detail(), HasSubstr("--state"));
  EXPECT_EQ(run_join(word()).error().code(), Errc::conflict) << "the same one is no reason for a new account";
  EXPECT_TRUE(acme.requests.empty());
  EXPECT_EQ(load()->account_key.public_key(), key);
}

// --- another server in the place of this one ---

struct Replacing : MembershipTest {
  static constexpr char const* kOld = "https://old.example/directory";

  Replacing() {
    belong_to_old();
    have_devices();
  }
  void belong_to_old() {
    store->write([&](store::WriteTxn& txn) {
      auto const roots = fakes::FakeAcme(clock).authority.roots();
      save_membership(
          txn, sealer,
          {kOld, "https://old.example/account/1", x509::PrivateKey::generate(x509::KeyType::ec_p256), roots, roots});
      return true;
    });
  }
  void have_devices() {
    store->write([&](store::WriteTxn& txn) {
      save_device(txn, testing::enrolled_camera());
      auto fresh = testing::camera();
      fresh.serial = "ACCC8E68D4D3";
      save_device(txn, fresh);
      return true;
    });
  }
  Result<Membership> replace() {
    return net::run(threads.next(), join(failing, sealer, acme.fetch(), word(), JoinMode::replace));
  }
  std::optional<Membership> former() {
    Result<std::optional<Membership>> loaded = std::optional<Membership>();
    store->read([&](store::ReadTxn& txn) { loaded = load_former_membership(txn, sealer); });
    return std::move(loaded).value();
  }
  Device device(std::string_view serial) {
    std::optional<Device> found;
    store->read([&](store::ReadTxn& txn) { found = load_device(txn, serial); });
    return found.value();
  }
  bool forget() {
    return store->write([](store::WriteTxn& txn) { return forget_former_if_moved(txn); });
  }
  void change(std::string_view serial, std::function<void(Device&)> const& how) {
    auto changed = device(serial);
    how(changed);
    store->write([&](store::WriteTxn& txn) { return save_device(txn, changed), true; });
  }
};

TEST_F(Replacing, KeepsBothUntilEveryCameraIsMoved) {
  auto const joined = replace();
  ASSERT_TRUE(joined.ok()) << joined.error().detail();
  EXPECT_EQ(load()->directory_url, acme.directory_url());
  ASSERT_TRUE(former());
  EXPECT_EQ(former()->directory_url, kOld);
  EXPECT_NE(former()->device_roots, load()->device_roots);
  EXPECT_EQ(device("ACCC8E68D4D2").moves_from, kOld);
  EXPECT_EQ(device("ACCC8E68D4D2").sealed_password, testing::enrolled_camera().sealed_password);
  EXPECT_EQ(device("ACCC8E68D4D3").moves_from, "") << "it has no certificate that could be replaced";

  EXPECT_FALSE(forget());
  EXPECT_EQ(replace().error().code(), Errc::conflict) << "it is there already";
  auto third = word();
  third.directory = "https://third.example/directory";
  auto const hasty = net::run(threads.next(), join(failing, sealer, acme.fetch(), std::move(third), JoinMode::replace));
  ASSERT_FALSE(hasty.ok());
  EXPECT_THAT(hasty.error().detail(), HasSubstr("still to be moved"));

  store->write([&](store::WriteTxn& txn) {
    auto moved = device("ACCC8E68D4D2");
    moved.moves_from.clear();
    save_device(txn, moved);
    return true;
  });
  EXPECT_TRUE(forget());
  EXPECT_EQ(former(), std::nullopt);
}

// Its firmware may never be updated; who waits for it waits for ever. It is moved when it is.
TEST_F(Replacing, DoesNotWaitForWhatNoDriverServes) {
  ASSERT_TRUE(replace().ok());
  change("ACCC8E68D4D2", [](Device& device) { device.https = HttpsState::unsupported_firmware; });
  EXPECT_TRUE(forget());
  EXPECT_EQ(former(), std::nullopt);
  EXPECT_EQ(device("ACCC8E68D4D2").moves_from, kOld);

  change("ACCC8E68D4D2", [](Device& device) { device.https = HttpsState::enabled; });
  EXPECT_TRUE(wants_certificate(device("ACCC8E68D4D2")));
}

// It is still at the CA that it could not be moved from, however often the agent leaves another.
TEST_F(Replacing, WhatCouldNotBeMovedRemembersWhereItIs) {
  for (std::string const where : {"https://before.example/directory", "https://ca.example/directory"}) {
    SCOPED_TRACE(where);
    change("ACCC8E68D4D2", [&](Device& device) {
      device.https = HttpsState::unsupported_firmware;
      device.moves_from = where;
    });
    belong_to_old();
    ASSERT_TRUE(replace().ok());
    bool const is_back = where == acme.directory_url();
    EXPECT_EQ(device("ACCC8E68D4D2").moves_from, is_back ? "" : where);
  }
}

// What was there works on until the new account is there, and the same word may come again.
TEST_F(Replacing, ACrashOrARefusalChangesNothing) {
  for (int write = 1; write <= 2; ++write) {
    failing.fail_at(write, FailingStore::Effect::lost);
    EXPECT_THROW((void)replace(), store::Broken);
    failing.heal();
    EXPECT_EQ(load()->directory_url, kOld);
    EXPECT_EQ(former(), std::nullopt);
    EXPECT_EQ(device("ACCC8E68D4D2").moves_from, "");
  }
  ASSERT_TRUE(replace().ok());
  EXPECT_EQ(acme.accounts.size(), 1U) << "the key was kept before it was bound";
}

TEST_F(Replacing, WaitsForAChangeThatIsUnderWay) {
  store->write([](store::WriteTxn& txn) {
    save_journal(txn,
                 begin_journal(testing::enrolled_camera(), Purpose::renew, "lenscap-00000002", "task", testing::kNow));
    return true;
  });
  auto const refused = replace();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().detail(), HasSubstr("in the middle of a change"));
  EXPECT_TRUE(acme.requests.empty());
}

TEST_F(Replacing, WithoutCamerasThereIsNothingToMove) {
  store->write([](store::WriteTxn& txn) {
    erase_device(txn, "ACCC8E68D4D2");
    return true;
  });
  ASSERT_TRUE(replace().ok());
  EXPECT_EQ(former(), std::nullopt);
}

TEST_F(MembershipTest, TheAccountKeyIsSealed) {
  ASSERT_TRUE(run_join(word()).ok());
  std::string record;
  store->read([&](store::ReadTxn& txn) {
    txn.scan(store::Table{"membership"}, "", [&](auto, std::string_view value) { return record = value, true; });
  });
  EXPECT_THAT(record, HasSubstr("sealed:v1:"));
  EXPECT_THAT(record, Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(record, Not(HasSubstr(std::string(kMacKey))));

  Sealer const other{SecretBytes(Bytes(32, 8))};
  store->read([&](store::ReadTxn& txn) {
    auto refused = load_membership(txn, other);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::wrong_passphrase);
  });
}

TEST_F(MembershipTest, ADamagedRecordIsRefused) {
  store->write([](store::WriteTxn& txn) { return txn.put(store::Table{"membership"}, "1", "{}"), true; });
  store->read([&](store::ReadTxn& txn) { EXPECT_FALSE(load_membership(txn, sealer).ok()); });
  EXPECT_FALSE(run_join(word()).ok());
  EXPECT_TRUE(acme.requests.empty());
}

}  // namespace
}  // namespace lenscap::agent
