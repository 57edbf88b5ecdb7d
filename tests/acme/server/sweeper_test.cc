// A year and more in the life of a store, by virtual time: what ends is removed with every row that spoke of it, what
// must stay stays, and a sweep that dies between two of its transactions leaves nothing half.
#include "acme/server/sweeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "acme/server/records.h"
#include "acme/wire/renewal_info.h"
#include "ca/ledger_visits.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::acme::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::map<std::string, std::string> rows(store::Store& store, std::string_view table) {
  std::map<std::string, std::string> all;
  store.read([&](store::ReadTxn& txn) {
    txn.scan(store::Table{table}, "", [&](std::string_view key, std::string_view value) {
      all.emplace(key, value);
      return true;
    });
  });
  return all;
}

std::string part(std::string const& key, bool first) {
  return first ? key.substr(0, key.find('/')) : key.substr(key.find('/') + 1);
}

// Every row of an index speaks of something that is there, and each order has one row in `due`.
void expect_whole(store::Store& store) {
  std::set<std::string> orders, authorizations;
  for (auto const& [key, value] : rows(store, "orders"))
    (key.find('.') == key.npos ? orders : authorizations).insert(key);
  for (auto const& [key, value] : rows(store, "authorizations")) authorizations.insert(key);
  auto const accounts = rows(store, "accounts");
  for (auto const& [key, value] : rows(store, "account_orders")) EXPECT_TRUE(orders.contains(part(key, false))) << key;
  for (auto const& [key, value] : rows(store, "reusable_authorizations"))
    EXPECT_TRUE(authorizations.contains(value)) << key;
  for (auto const& [key, value] : rows(store, "pre_authorizations"))
    EXPECT_TRUE(authorizations.contains(part(key, false))) << key;
  for (auto const& [key, value] : rows(store, "replacements")) EXPECT_TRUE(orders.contains(value)) << key;
  for (auto const& [key, value] : rows(store, "account_keys")) EXPECT_TRUE(accounts.contains(value)) << key;
  std::map<std::string, std::size_t> open, due;
  for (auto const& [key, value] : rows(store, "due")) ++due[key.substr(11)];
  for (auto const& id : orders) EXPECT_EQ(due[id], 1u) << "order " << id;
  store.read([&](store::ReadTxn& txn) {
    for (auto const& order : load_open_orders(txn, "")) ++open[order.account_id];
    for (auto const& [id, value] : accounts) EXPECT_EQ(count_open_orders(txn, id), open[id]) << id;
  });
}

std::vector<std::string> tables(store::Store& store) {
  std::vector<std::string> names;
  store.read([&](store::ReadTxn& txn) { names = txn.tables(); });
  return names;
}

struct LongLife : ::testing::Test {
  std::unique_ptr<store::Store> memory = store::make_memory_store();
  fakes::FailingStore failing{*memory};
  TestServer server{options()};
  std::string const host = "cam1.cams.example";

  ServerOptions options() {
    ServerOptions made;
    made.settings =
        "eab_required = false\nmay_reach = [\"127.0.0.0/8\"]\nlimits.orders_for_name = "
        "\"none\"\n[acme.open]\ngrant_dns = [\"cams.example\"]\n"
        "prove_ip = [\"127.0.0.0/8\"]\nlive_names = 1000\n";
    made.store = std::make_unique<BorrowedStore>(failing, *memory);
    return made;
  }
  Client open_client() {
    Client client(server);
    EXPECT_EQ(client.new_account(nullptr).status, 201);
    return client;
  }
  Swept sweep_now() { return sweep(*server.app, server.clock.now()); }
  // As the chores do it, but once a day.
  void live(int days) {
    for (int day = 0; day < days; ++day) {
      server.clock.advance(kDay);
      while (sweep_now().more) {
      }
    }
  }
  std::size_t authorizations() {
    std::size_t count = rows(*memory, "authorizations").size();
    for (auto const& [key, value] : rows(*memory, "orders")) count += key.find('.') == key.npos ? 0 : 1;
    return count;
  }
  std::string issue(Client& client, std::vector<std::string> const& hosts, json::Object more = {}) {
    auto const order = client.new_order(hosts, std::move(more));
    EXPECT_EQ(order.status, 201) << order.body;
    auto const url = order.header("Location");
    EXPECT_EQ(client.finalize(url, hosts).text("status"), "valid");
    return url;
  }
};

TEST_F(LongLife, AllThatEndsGoesWithEveryRowOfIt) {
  auto const eab = server.add_eab(server.prove_scope());
  Client agent(server);
  ASSERT_EQ(agent.new_account(&eab).status, 201);
  auto client = open_client();
  auto const valid = issue(client, {host, "cam2.cams.example"});
  auto const failed = client.new_order({"cam3.cams.example"}).header("Location");
  auto const pending = agent.new_order({"cam4.cams.example", "127.0.0.1"}).header("Location");
  auto const given_up = agent.new_order({"cam5.cams.example"});
  EXPECT_EQ(agent.post(first_text(given_up.object(), "authorizations"), R"({"status":"deactivated"})").status, 200);
  json::Object wish;
  wish.set("identifier", to_json(Identifier::from_host("cam6.cams.example").value()));
  auto const authz = server.app->settings.urls.new_authz();
  EXPECT_EQ(client.post(authz, json::write(wish)).status, 201);  // granted
  EXPECT_EQ(agent.post(authz, json::write(wish)).status, 201);   // to be proved
  expect_whole(*memory);

  // A valid order loses its authorizations when they have expired, and nothing else.
  server.clock.advance(kHour);
  sweep_now();
  expect_whole(*memory);
  auto const order = client.read(valid);
  EXPECT_EQ(order.text("status"), "valid");
  EXPECT_EQ(client.read(first_text(order.object(), "authorizations")).status, 404);
  EXPECT_EQ(client.read(order.text("certificate")).status, 200);
  EXPECT_EQ(client.read(failed).text("status"), "invalid");  // granted for an hour, and never finalized
  EXPECT_EQ(agent.read(pending).text("status"), "pending");

  live(1);
  EXPECT_EQ(agent.read(pending).text("status"), "invalid");
  EXPECT_THAT(rows(*memory, "open_order_counts"), IsEmpty());
  EXPECT_THAT(rows(*memory, "pre_authorizations"), IsEmpty());
  expect_whole(*memory);

  live(31);  // failed orders are kept for thirty days, with what they say
  for (auto const& gone : {failed}) EXPECT_EQ(client.read(gone).status, 404) << gone;
  for (auto const& gone : {pending, given_up.header("Location")}) EXPECT_EQ(agent.read(gone).status, 404) << gone;
  EXPECT_EQ(authorizations(), 0u);
  EXPECT_THAT(rows(*memory, "reusable_authorizations"), IsEmpty());
  EXPECT_THAT(rows(*memory, "orders"), SizeIs(1));
  EXPECT_THAT(rows(*memory, "live_names"), SizeIs(2));

  live(58);
  EXPECT_EQ(client.read(valid).text("status"), "valid");  // for thirty days after its certificate
  live(30);
  EXPECT_EQ(client.read(valid).status, 404);
  EXPECT_EQ(client.read(order.text("certificate")).status, 200);  // the CA forgets nothing

  live(365);
  EXPECT_EQ(client.read(client.kid).status, 200) << "it had a certificate";
  EXPECT_EQ(agent.read(agent.kid).status, 200) << "somebody vouched for it";
  std::vector<std::string> left;
  for (auto const& name : tables(*memory))
    if (!name.starts_with("ca_")) left.push_back(name);
  EXPECT_THAT(left, ElementsAre("account_keys", "accounts", "eab_accounts", "eab_keys"));
}

TEST_F(LongLife, ARenewalOutlivesWhatItReplaces) {
  auto client = open_client();
  issue(client, {host});
  std::string id;
  memory->read([&](store::ReadTxn& txn) {
    ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
      id = CertificateId::of(*ca::find_certificate(txn, record.serial_hex)).value().text();
      return false;
    });
  });
  live(60);
  issue(client, {host}, {{"replaces", id}});
  EXPECT_THAT(rows(*memory, "replacements"), SizeIs(1));
  live(61);  // the first is gone
  expect_whole(*memory);
  EXPECT_THAT(rows(*memory, "orders"), SizeIs(1));
  EXPECT_THAT(rows(*memory, "replacements"), SizeIs(1));
  EXPECT_THAT(rows(*memory, "live_names"), SizeIs(1));  // lives on by the second
  live(60);
  EXPECT_THAT(rows(*memory, "orders"), IsEmpty());
  EXPECT_THAT(rows(*memory, "replacements"), IsEmpty());
  EXPECT_THAT(rows(*memory, "live_names"), IsEmpty());
}

TEST_F(LongLife, AnUnusedAccountGoesAndItsKeyMayComeAgain) {
  auto unused = open_client();
  auto busy = open_client();
  auto ended = open_client();
  EXPECT_EQ(ended.post(ended.kid, R"({"status":"deactivated"})").status, 200);
  live(364);
  EXPECT_EQ(unused.read(unused.kid).status, 200);
  busy.new_order({"127.0.0.1"});
  live(2);
  EXPECT_EQ(unused.read(unused.kid).problem(), "accountDoesNotExist");
  EXPECT_EQ(busy.read(busy.kid).status, 200);
  expect_whole(*memory);
  auto const former = unused.kid;
  EXPECT_EQ(unused.new_account(nullptr).status, 201);
  EXPECT_NE(unused.kid, former);
  EXPECT_EQ(ended.new_account(nullptr).status, 401) << "a deactivated key is never an account's again";
  live(100);  // its only order is gone for long
  EXPECT_EQ(busy.read(busy.kid).problem(), "accountDoesNotExist");
}

// An order whose authorization was removed a moment before it: over, and no damage.
TEST_F(LongLife, AnOrderWithoutItsAuthorizationIsOver) {
  auto client = open_client();
  auto const order = client.new_order({host});
  auto const url = first_text(order.object(), "authorizations");
  memory->write([&](store::WriteTxn& txn) {
    auto const id = url.substr(server.app->settings.urls.authorization("").size());
    remove_authorization(txn, load_authorization(txn, id).value());
    return true;
  });
  EXPECT_EQ(client.finalize(order.header("Location"), {host}).problem(), "orderNotReady");
  EXPECT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
}

TEST_F(LongLife, WhatIsNotDueIsNotWrittenAndASweepHasAnEnd) {
  auto client = open_client();
  for (int i = 0; i < 10; ++i) client.new_order({host});
  auto const before = failing.writes();
  EXPECT_FALSE(sweep_now().more);
  EXPECT_EQ(failing.writes(), before);
  server.clock.advance(kDay);
  EXPECT_TRUE(sweep(*server.app, server.clock.now(), [] { return true; }).more);  // told to stop
  EXPECT_EQ(failing.writes(), before);
  EXPECT_EQ(sweep_now().expired, 10u);
}

class KilledSweep : public LongLife, public ::testing::WithParamInterface<fakes::FailingStore::Effect> {};

TEST_P(KilledSweep, LeavesNothingHalf) {
  auto client = open_client();
  for (int i = 0; i < 150; ++i) client.new_order({"cam" + std::to_string(i) + ".cams.example", host});
  issue(client, {host});
  sweep_now();
  int deaths = 0;
  for (int days = 1; days <= 40; days += 39) {  // once all orders expire, once all are removed
    server.clock.advance(days * kDay);
    for (;;) {  // dies at its second write, starts again, dies at its second write ...
      failing.fail_at(2, GetParam());
      bool died = false;
      try {
        sweep_now();
      } catch (store::Broken const&) {
        died = true;
        ++deaths;
      }
      failing.heal();
      expect_whole(*memory);
      EXPECT_EQ(broken_promises(*memory, server.clock.now()), "");
      if (!died) break;
    }
  }
  EXPECT_GE(deaths, 2);
  EXPECT_THAT(rows(*memory, "orders"), SizeIs(1));
  EXPECT_EQ(authorizations(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Effects, KilledSweep,
                         ::testing::Values(fakes::FailingStore::Effect::lost, fakes::FailingStore::Effect::kept));

TEST(ListDue, InTheOrderOfTimeAndNotBefore) {
  auto const store = store::make_memory_store();
  Due const first{kNow, DueKind::order, "b"}, second{kNow + Seconds(1), DueKind::account, "a"},
      third{kNow + 400 * kDay, DueKind::authorization, "c"};
  auto const list = [&](Time now, std::size_t count) {
    std::vector<Due> all;
    store->read([&](store::ReadTxn& txn) { all = list_due(txn, now, count); });
    return all;
  };
  store->write([&](store::WriteTxn& txn) {
    for (auto const& due : {third, first, second}) put_due(txn, due);
    return true;
  });
  EXPECT_THAT(list(kNow - Seconds(1), 9), IsEmpty());
  EXPECT_THAT(list(kNow, 9), ElementsAre(first));
  EXPECT_THAT(list(kNow + Seconds(1), 9), ElementsAre(first, second));
  EXPECT_THAT(list(kNow + 1000 * kDay, 2), ElementsAre(first, second));
  store->write([&](store::WriteTxn& txn) {
    erase_due(txn, first);
    return true;
  });
  EXPECT_THAT(list(kNow + 1000 * kDay, 9), ElementsAre(second, third));
}

}  // namespace
}  // namespace lenscap::acme::test
