// Which certificates a selection takes, and that whoever was interrupted can go on.
#include "acme/server/revoke_many.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "ca/blocked_keys.h"
#include "ca/ledger_visits.h"
#include "tests/acme/server/fixture.h"
#include "tests/ca/several_issuers.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::set<std::string>;

class RevokeMany : public ::testing::Test {
 protected:
  // Two accounts; the second one's certificates are an hour younger and of another issuer, and one of each is of
  // another profile.
  RevokeMany() {
    first = issue("default", {"a1.cams.example", "a2.hq.cams.example"}, {"a3.cams.example"});
    server.clock.advance(kHour);
    second = issue("plant4", {"b1.cams.example"}, {"b2.hq.cams.example"});
  }
  // What the commands would have put into the state directory.
  ServerOptions two_issuers() {
    auto const ca = ca::generate_ca(ca::test::ceremony_settings(), kNow).value();
    auto made =
        ca::test::several_issuers(ca, {{.name = "plant4"}}, kNow, {"camera-https", "camera-https-cn", "server"});
    std::filesystem::create_directory(dir.path("keys"));
    std::ofstream(dir.path("keys/root.pem")) << ca.root.pem();
    std::ofstream(dir.path("keys/issuing.pem")) << ca.issuing.pem();
    EXPECT_TRUE(
        ca::install_issuer(dir.path(), "plant4", made.certificates[1], {ca.root}, nullptr, SecretBytes(), {}).ok());
    ServerOptions options;
    options.state_dir = dir.path();
    options.issuing = std::move(made.issuing);
    return options;
  }
  std::string issue(std::string const& issuer, std::vector<std::string> const& hosts,
                    std::vector<std::string> const& of_the_other_profile) {
    auto scope = server.grant_scope();
    scope.issuer = issuer;
    scope.profiles = {"camera-https", "camera-https-cn"};
    auto const eab = server.add_eab(scope);
    Client client(server);
    EXPECT_EQ(client.new_account(&eab).status, 201);
    auto const one = [&](std::string const& host, json::Object more) {
      auto const order = client.new_order({host}, std::move(more));
      EXPECT_EQ(client.finalize(order.header("Location"), {host}).text("status"), "valid") << order.body;
    };
    for (auto const& host : hosts) one(host, {});
    for (auto const& host : of_the_other_profile) one(host, {{"profile", "camera-https-cn"}});
    return client.kid;
  }
  OperationContext context() {
    return {.settings = server.app->settings,
            .store = *server.app->store,
            .root = server.app->authority->root_certificate(),
            .limits = server.app->authority->issuer().limits(),
            .now = server.clock.now(),
            .looked_at_most = looked_at_most};
  }
  Result<json::Object> page(json::Object const& arguments) { return revoke_many(context(), arguments); }
  // As the command does: page after page.
  Names all(json::Object arguments) {
    Names names;
    for (;;) {
      auto const answer = page(arguments);
      if (!answer) {
        ADD_FAILURE() << answer.error().detail();
        return names;
      }
      for (auto const& each : *answer->find("certificates")->as_array())
        EXPECT_TRUE(names.insert(*each.as_object()->find("names")->as_string()).second) << "twice";
      auto const* next = answer->find("next");
      if (next == nullptr) return names;
      arguments.set("after", *next->as_string());
    }
  }
  Names revoked() {
    Names names;
    server.app->store->read([&](store::ReadTxn& txn) {
      ca::visit_revoked_records(txn, "", [&](ca::CertificateRecord const& record) {
        names.insert(record.names.text());
        return true;
      });
    });
    return names;
  }
  std::string key_of(std::string const& host) {
    std::string key;
    server.app->store->read([&](store::ReadTxn& txn) {
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
        if (record.names.text() == host) key = record.spki_hash;
        return true;
      });
    });
    return key;
  }

  fakes::TempDir dir;
  TestServer server{two_issuers()};
  std::string first, second;  // URLs of the accounts
  std::size_t looked_at_most = 10'000;
};

Names const kAll{"a1.cams.example", "a2.hq.cams.example", "a3.cams.example", "b1.cams.example", "b2.hq.cams.example"};

TEST_F(RevokeMany, Selections) {
  auto const an_hour_ago = to_rfc3339(server.clock.now());
  struct Case {
    char const* name;
    json::Object arguments;
    Names names;
  };
  Case const cases[] = {
      {"a name", {{"name", "a1.cams.example"}}, {"a1.cams.example"}},
      {"a name that nobody has", {{"name", "z.cams.example"}}, {}},
      {"an account by its URL", {{"account", second}}, {"b1.cams.example", "b2.hq.cams.example"}},
      {"a key", {{"key", key_of("a3.cams.example")}}, {"a3.cams.example"}},
      {"a profile", {{"where", "profile=camera-https-cn"}}, {"a3.cams.example", "b2.hq.cams.example"}},
      {"an issuer", {{"where", "issuer=plant4"}}, {"b1.cams.example", "b2.hq.cams.example"}},
      {"the first issuer", {{"where", "issuer=default"}}, {"a1.cams.example", "a2.hq.cams.example", "a3.cams.example"}},
      {"an issuer and a profile", {{"where", "issuer=default profile=camera-https-cn"}}, {"a3.cams.example"}},
      {"an account and another's issuer", {{"account", first}, {"where", "issuer=plant4"}}, {}},
      {"below a suffix", {{"where", "under=hq.cams.example"}}, {"a2.hq.cams.example", "b2.hq.cams.example"}},
      {"older than",
       {{"where", "issued-before=" + an_hour_ago}},
       {"a1.cams.example", "a2.hq.cams.example", "a3.cams.example"}},
      {"from then on", {{"where", "issued-after=" + an_hour_ago}}, {"b1.cams.example", "b2.hq.cams.example"}},
      {"from a day on", {{"where", "issued-after=2026-06-01"}}, kAll},
      {"every term", {{"where", " profile=camera-https-cn  under=hq.cams.example"}}, {"b2.hq.cams.example"}},
      {"an account and a term", {{"account", first}, {"where", "under=hq.cams.example"}}, {"a2.hq.cams.example"}},
  };
  for (Case const& c : cases) {
    auto arguments = c.arguments;
    arguments.set("dry_run", true);
    EXPECT_EQ(all(arguments), c.names) << c.name;
  }
  EXPECT_THAT(revoked(), IsEmpty()) << "a dry run";
  EXPECT_EQ(all({{"account", first}, {"reason", "superseded"}}),
            (Names{"a1.cams.example", "a2.hq.cams.example", "a3.cams.example"}));
  EXPECT_EQ(revoked(), (Names{"a1.cams.example", "a2.hq.cams.example", "a3.cams.example"}));
}

TEST_F(RevokeMany, Refusals) {
  struct Case {
    char const* name;
    json::Object arguments;
    char const* says;
  };
  for (Case const& c : {
           Case{"nothing said", {}, "say which"},
           Case{"an empty where", {{"where", " "}}, "say which"},
           Case{"two at once", {{"name", "a1.cams.example"}, {"account", first}}, "one of"},
           Case{"no name", {{"name", "a b"}}, "--name"},
           Case{"no key", {{"key", "abcd"}}, "key_sha256"},
           Case{"an unknown term", {{"where", "device=7"}}, "terms are"},
           Case{"a term without value", {{"where", "profile="}}, "terms are"},
           Case{"a term twice", {{"where", "profile=a profile=b"}}, "twice"},
           Case{"no issuer of this CA", {{"where", "issuer=plant5"}}, "there are: default, plant4"},
           Case{"no time", {{"where", "issued-before=yesterday"}}, "issued-before=yesterday"},
           Case{"a reason that nobody may give", {{"name", "a1.cams.example"}, {"reason", "cACompromise"}}, "reason"},
       }) {
    auto const answer = page(c.arguments);
    ASSERT_FALSE(answer.ok()) << c.name;
    EXPECT_THAT(answer.error().detail(), HasSubstr(c.says)) << c.name;
  }
  EXPECT_THAT(revoked(), IsEmpty());
}

// A page was done, and then the command was ended: the same command does the rest, and nothing twice.
TEST_F(RevokeMany, GoesOnWhereItWasInterrupted) {
  looked_at_most = 2;
  json::Object const arguments{{"where", "under=cams.example"}};
  auto const begun = page(arguments);
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(begun->find("certificates")->as_array()->size(), 2u);
  EXPECT_EQ(revoked().size(), 2u);
  EXPECT_EQ(all(arguments).size(), kAll.size() - 2);
  EXPECT_EQ(revoked(), kAll);
  EXPECT_THAT(all(arguments), IsEmpty());
}

TEST_F(RevokeMany, WhatHasEndedIsLeftAlone) {
  server.clock.advance(120 * kDay);
  EXPECT_THAT(all({{"where", "under=cams.example"}}), IsEmpty());
}

// Whoever says that a key is stolen means the key, whatever became of its certificates.
TEST_F(RevokeMany, AStolenKeyIsBlocked) {
  auto const key = key_of("a1.cams.example");
  json::Object arguments{{"key", key}, {"reason", "superseded"}};
  EXPECT_EQ(all(arguments), Names{"a1.cams.example"});
  EXPECT_THAT(all(arguments), IsEmpty());
  auto const is_blocked = [&](std::string const& hash) {
    bool found = false;
    server.app->store->read([&](store::ReadTxn& txn) {
      ca::visit_blocked_keys(txn, "", [&](ca::BlockedKey const& blocked) {
        found = found || blocked.spki_hash == hash;
        return true;
      });
    });
    return found;
  };
  EXPECT_FALSE(is_blocked(key));
  arguments.set("reason", "keyCompromise").set("dry_run", true);
  EXPECT_EQ(all(arguments), Names{"a1.cams.example"});
  EXPECT_FALSE(is_blocked(key)) << "nothing was to be done";
  arguments.set("dry_run", false);
  EXPECT_EQ(all(arguments), Names{"a1.cams.example"}) << "the reason is another now";
  EXPECT_TRUE(is_blocked(key));
  EXPECT_THAT(all(arguments), IsEmpty());
  auto const unknown = std::string(64, '8');
  EXPECT_THAT(all({{"key", unknown}, {"reason", "keyCompromise"}}), IsEmpty());
  EXPECT_TRUE(is_blocked(unknown)) << "of a certificate that another store has, perhaps";
}

}  // namespace
}  // namespace lenscap::acme::test
