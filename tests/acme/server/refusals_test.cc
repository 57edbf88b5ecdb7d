// What a known account was refused is in the audit trail, and nobody can fill the trail by being refused.
#include "acme/server/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/audit.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

struct RefusedRequests : ::testing::Test {
  TestServer server;
  Client client = granted_client(server);

  void write() { server.app->refusals.write_due(server.app->db, server.clock.now()); }
  std::vector<ca::AuditEntry> entries() {
    std::vector<ca::AuditEntry> found;
    server.app->store->read([&](store::ReadTxn& txn) {
      found.clear();
      ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
        if (entry.event == ca::AuditEvent::request_refused) found.push_back(entry);
        return true;
      });
    });
    return found;
  }
  std::string account() const { return "account " + client.kid.substr(client.kid.rfind('/') + 1); }
};

TEST_F(RefusedRequests, AreToldWithWhoWhatAndWhichRule) {
  ASSERT_EQ(client.new_order({"cam1.elsewhere.example"}).problem(), "rejectedIdentifier");
  EXPECT_TRUE(entries().empty()) << "a request must not wait for the trail";
  write();
  ASSERT_EQ(entries().size(), 1U);
  auto const entry = entries().front();
  EXPECT_EQ(entry.actor, account());
  EXPECT_EQ(entry.subject, server.app->settings.urls.new_order());
  EXPECT_THAT(entry.rule, HasSubstr(" rejectedIdentifier"));
  EXPECT_THAT(entry.detail, HasSubstr("elsewhere.example"));
  EXPECT_EQ(entry.at, server.clock.now());
  store::ReadBody const verify = [](store::ReadTxn& txn) { EXPECT_EQ(ca::verify_audit(txn).fault, ""); };
  server.app->store->read(verify);
}

TEST_F(RefusedRequests, TheSameAgainAndAgainIsOneEntryMore) {
  for (int i = 0; i < 30; ++i) {
    client.new_order({"cam1.elsewhere.example"});
    if (i == 0) write();
  }
  write();
  EXPECT_EQ(entries().size(), 1U);
  server.clock.advance(10 * kMinute);
  write();
  ASSERT_EQ(entries().size(), 2U);
  EXPECT_THAT(entries().back().detail, HasSubstr("29 times since "));
}

TEST_F(RefusedRequests, EachKindOfThemCounts) {
  auto const& urls = server.app->settings.urls;
  struct Case {
    char const* name;
    std::function<void()> send;
    char const* rule;  // nullptr: no refusal
  };
  Case const cases[] = {
      {"done", [&] { client.new_order({"cam1.cams.example"}); }, nullptr},
      {"of nobody", [&] { Client(server).new_account(nullptr); }, nullptr},
      {"a nonce twice",
       [&] {
         auto const body = client.sign(urls.new_order(), "{}", "AAAA");
         EXPECT_EQ(server.post(urls.new_order(), body).problem(), "badNonce");
       },
       nullptr},
      {"what is not there", [&] { client.read(urls.order("nothing")); }, "malformed"},
      {"what cannot be there", [&] { client.read(urls.order("no.id")); }, "malformed"},
      {"another URL", [&] { server.post(urls.new_order(), client.sign(urls.new_authz(), "{}", server.nonce())); },
       "unauthorized"},
      {"a payload that is none", [&] { client.post(urls.new_order(), "{"); }, "malformed"},
      {"an account that has ended",
       [&] {
         client.post(client.kid, R"({"status":"deactivated"})");
         client.new_order({"cam1.cams.example"});
       },
       "unauthorized"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const before = entries().size();
    c.send();
    server.clock.advance(20 * kMinute);
    write();
    auto const all = entries();
    if (c.rule == nullptr) {
      EXPECT_EQ(all.size(), before);
      continue;
    }
    ASSERT_EQ(all.size(), before + 1);
    EXPECT_THAT(all.back().rule, HasSubstr(c.rule));
    EXPECT_EQ(all.back().actor, account());
  }
}

}  // namespace
}  // namespace lenscap::acme::test
