// A server whose audit trail somebody has changed: it issues nothing, and revocation goes on, until a person accepts
// what was done. The end-to-end test is tests/e2e/120_audit_test.cc.
#include "acme/server/audit_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/audit_heads.h"
#include "acme/server/operations.h"
#include "acme/wire/revocation.h"
#include "base/x509/csr.h"
#include "ca/audit_break.h"
#include "ca/ledger.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr store::Table kTable{"ca_audit"};

class ChangedTrail : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  std::vector<std::string> const hosts{"cam1.cams.example"};
  App& app = *server.app;
  AuditWatch watch{app.db, app.log};

  std::string issue() {
    auto const order = client.new_order(hosts);
    auto const done = client.finalize(order.header("Location"), hosts);
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    return client.read(done.text("certificate")).body;
  }
  // The first of them, where there are others.
  void erase_an_entry() {
    app.store->write([](store::WriteTxn& txn) {
      EXPECT_GE(ca::find_audit_head(txn).value().number, 2U);
      txn.erase(kTable, "0000000000000001");
      return true;
    });
  }
  Answer health() { return server.send_web(make_request(net::Method::get, "/health")); }
  Result<json::Object> run(std::string_view name) {
    OperationContext context{
        app.settings,   *app.store, &app.sealer, app.authority->root_certificate(), app.authority->issuer().limits(),
        app.clock.now()};
    context.actor = operator_by(4711);
    return find_operation(name)->run(context, {});
  }
  std::optional<ca::SignedAuditHead> sign_head() {
    auto const done =
        sign_audit_head_if_due(*app.store, app.db, app.sealer, app.log, app.clock.now(), HeadEffort::when_new);
    EXPECT_TRUE(done.ok());
    std::optional<ca::SignedAuditHead> last;
    app.store->read([&](store::ReadTxn& txn) { last = ca::last_audit_head(txn); });
    return last;
  }
  void expect_come_again(Answer const& answer) {
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_THAT(answer.detail(), HasSubstr("audit trail"));
    EXPECT_EQ(answer.header("Retry-After"), "600");
  }
};

TEST_F(ChangedTrail, AWholeOneStopsNothing) {
  issue();
  watch.look(kNow);
  issue();
  EXPECT_EQ(health().status, 200);
  EXPECT_THAT(server.log_lines(), Not(Contains(HasSubstr("audit.trail_changed"))));
  EXPECT_TRUE(run("audit.head").ok());
  EXPECT_EQ(run("audit.accept_break").error().code(), Errc::conflict);
}

TEST_F(ChangedTrail, NothingIsIssuedAndRevocationGoesOn) {
  auto const chain = issue();
  auto const order = client.new_order(hosts);
  erase_an_entry();
  watch.look(kNow);

  expect_come_again(client.new_order(hosts));
  expect_come_again(client.finalize(order.header("Location"), hosts));
  EXPECT_EQ(client.read(order.header("Location")).text("status"), "ready");
  EXPECT_EQ(health().status, 503);
  EXPECT_THAT(health().text("why"), HasSubstr("audit: the audit trail was changed"));

  auto const leaf = x509::parse_pem_chain(chain).value().front();
  EXPECT_EQ(
      client.post(app.settings.urls.revoke_cert(), json::write(to_json(RevocationRequest{to_bytes(leaf.der()), {}})))
          .status,
      200);
  // What the service needs for revocation, such as what signs OCSP answers, has no subscriber.
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  ca::IssueRequest const own{.profile = app.authority->default_profile().name,
                             .key = key.public_key(),
                             .names = names_of(hosts),
                             .common_name = ""};
  EXPECT_TRUE(app.authority->issue(own, "own", kNow).ok());
}

TEST_F(ChangedTrail, TheLogSaysItOnce) {
  issue();
  erase_an_entry();
  watch.look(kNow);
  EXPECT_THAT(server.log_lines().back(), HasSubstr("audit.trail_changed"));
  EXPECT_THAT(server.log_lines().back(), HasSubstr("entry 1 is missing"));
  auto const count = server.log_lines().size();
  watch.look(kNow);
  EXPECT_EQ(server.log_lines().size(), count);
}

// Whoever asks for it, and whether or not the watch has looked already.
TEST_F(ChangedTrail, NoHeadIsSigned) {
  issue();
  auto const good = sign_head();
  ASSERT_TRUE(good);
  issue();
  erase_an_entry();
  auto const refused = run("audit.head");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("entry 1 is missing"));
  EXPECT_EQ(sign_head()->head, good->head);
  watch.look(kNow);
  EXPECT_EQ(sign_head()->head, good->head);
  EXPECT_FALSE(run("audit.head").ok());
}

TEST_F(ChangedTrail, WhatWasPutBackStillHasToBeAccepted) {
  issue();
  std::string row;
  app.store->read([&](store::ReadTxn& txn) { row = txn.get(kTable, "0000000000000001").value(); });
  erase_an_entry();
  watch.look(kNow);
  app.store->write([&](store::WriteTxn& txn) {
    txn.put(kTable, "0000000000000001", row);
    return true;
  });
  watch.look(kNow);
  expect_come_again(client.new_order(hosts));
  EXPECT_FALSE(run("audit.head").ok());
}

// Each certificate has to be put behind the last row, and that one is no entry: it ends no process.
TEST_F(ChangedTrail, ARowAtTheEndThatIsNoEntryStopsIssuingAlone) {
  issue();
  app.store->write([](store::WriteTxn& txn) {
    txn.put(kTable, "zzz", "garbage");
    return true;
  });
  issue();  // until it is seen
  watch.look(kNow);
  expect_come_again(client.new_order(hosts));
  EXPECT_THAT(server.log_lines(), Contains(HasSubstr("audit.trail_changed")));
  ASSERT_TRUE(run("audit.accept_break").ok());
  watch.look(kNow);
  issue();
  watch.look(kNow + 2 * kHour);
  issue();
  EXPECT_TRUE(run("audit.head").ok());
}

TEST_F(ChangedTrail, GoesOnWhenAPersonAcceptsIt) {
  issue();
  erase_an_entry();
  watch.look(kNow);
  auto const accepted = run("audit.accept_break");
  ASSERT_TRUE(accepted.ok()) << accepted.error().detail();
  auto const number = static_cast<std::uint64_t>(json::need_int(*accepted, "number").value());
  watch.look(kNow);
  EXPECT_THAT(server.log_lines().back(), HasSubstr("audit.break_accepted"));
  issue();
  EXPECT_EQ(health().status, 200);
  app.store->read([&](store::ReadTxn& txn) {
    ca::visit_audit(txn, number, [](std::uint64_t, ca::AuditEntry const& entry) {
      EXPECT_EQ(entry.event, ca::AuditEvent::audit_break_accepted);
      EXPECT_EQ(entry.actor, "operator uid 4711");
      EXPECT_THAT(entry.detail, HasSubstr("entry 1 is missing"));
      return false;
    });
  });
  EXPECT_GT(sign_head()->head.number, number);
  watch.look(kNow + 2 * kHour);  // a walk over all of it
  issue();
  EXPECT_TRUE(run("audit.head").ok());
}

}  // namespace
}  // namespace lenscap::acme::test
