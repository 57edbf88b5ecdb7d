// What a known account was refused is in the audit trail, and nobody can fill the trail by being refused.
#include "acme/server/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/wire/revocation.h"
#include "base/x509/csr.h"
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

// At revokeCert, the one place where no account is needed.
struct RefusedKeys : RefusedRequests {
  Answer revoke(x509::PrivateKey const& by, std::string const& payload, std::string const& signed_url) {
    return server.post(urls.revoke_cert(),
                       sign_jws(by, {.url = signed_url, .nonce = server.nonce(), .kid = ""}, payload));
  }
  Answer revoke(x509::PrivateKey const& by, x509::Certificate const& certificate, std::optional<int> reason = {}) {
    return revoke(by, json::write(to_json(RevocationRequest{to_bytes(certificate.der()), reason})), urls.revoke_cert());
  }
  static std::string actor(x509::PrivateKey const& key) { return "key " + to_hex(key.public_key().spki_hash()); }

  Urls const& urls = server.app->settings.urls;
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey stranger = x509::PrivateKey::generate(x509::KeyType::ec_p256);
};

TEST_F(RefusedKeys, AreToldByTheirHash) {
  std::vector<std::string> const hosts{"cam1.cams.example"};
  auto const order = client.new_order(hosts);
  auto const done = client.finalize_with(order.header("Location"), x509::make_csr(key, names_of(hosts)));
  auto const certificate = x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
  struct Case {
    char const* name;
    std::function<Answer()> send;
    x509::PrivateKey const* by;
    char const* rule;  // nullptr: no refusal
  };
  Case const cases[] = {
      {"a reason that is not the holder's", [&] { return revoke(key, certificate, 9); }, &key, "badRevocationReason"},
      {"another URL", [&] { return revoke(key, "{}", urls.new_order()); }, &key, "unauthorized"},
      {"not the certificate's key", [&] { return revoke(stranger, certificate); }, &stranger, "unauthorized"},
      {"no payload", [&] { return revoke(stranger, "{", urls.revoke_cert()); }, &stranger, "malformed"},
      {"done", [&] { return revoke(key, certificate); }, &key, nullptr},
      {"done before", [&] { return revoke(key, certificate); }, &key, "alreadyRevoked"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const before = entries().size();
    auto const answer = c.send();
    EXPECT_EQ(answer.status == 200, c.rule == nullptr) << answer.body;
    server.clock.advance(20 * kMinute);
    write();
    auto const all = entries();
    ASSERT_EQ(all.size(), before + (c.rule == nullptr ? 0 : 1));
    if (c.rule == nullptr) continue;
    EXPECT_THAT(all.back().rule, HasSubstr(c.rule));
    EXPECT_EQ(all.back().actor, actor(*c.by));
    EXPECT_EQ(all.back().subject, urls.revoke_cert());
  }
}

// Keys cost nothing: who makes one for each refusal gets few lines, and takes none from accounts.
TEST_F(RefusedKeys, AFloodOfThemIsBoundedAndHidesNoAccount) {
  for (int i = 0; i < 100; ++i) {
    auto const one = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    ASSERT_EQ(revoke(one, "{", urls.revoke_cert()).status, 400);
  }
  client.post(urls.new_order(), "{");
  write();
  auto const all = entries();
  EXPECT_EQ(all.size(), 16U + 1 + 1);
  auto const is_of = [](std::string const& who) {
    return [who](ca::AuditEntry const& entry) { return entry.actor == who; };
  };
  EXPECT_EQ(std::ranges::count_if(all, is_of("several keys")), 1);
  EXPECT_EQ(std::ranges::count_if(all, is_of(account())), 1);
}

}  // namespace
}  // namespace lenscap::acme::test
