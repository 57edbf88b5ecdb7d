// What a start makes of intents without certificate: those that were possibly signed are revoked, once, those that were
// not are ruled out, and their orders go on under new serial numbers. Whatever comes of an old one afterwards is no
// certificate that anybody gets.
#include "acme/server/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "acme/server/operations.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "ca/audit.h"
#include "ca/gap.h"
#include "ca/ledger_tables.h"
#include "ca/ledger_visits.h"
#include "store/copy.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::acme::test {
namespace {

using ca::CertificateStatus;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char const* kHost = "cam1.cams.example";
constexpr char const* kOff = "[crl]\nrevoke_possibly_issued = false\n";

struct Recovery : ::testing::Test {
  std::unique_ptr<store::Store> memory = store::open("memory:", "").value();
  fakes::FailingStore failing{*memory};
  std::unique_ptr<TestServer> server;
  std::optional<Client> client;
  std::string order_url;

  void start(char const* settings = "") {
    ServerOptions options{.settings = settings};
    options.store = std::make_unique<BorrowedStore>(failing, *memory);
    server = std::make_unique<TestServer>(std::move(options));
  }
  // Dies at the settlement of an order: its claim is durable. `by_signer`: its certificate was to be signed by a
  // process that keeps a ledger.
  ca::CertificateRecord lose(bool by_signer = false) {
    if (!client) client.emplace(granted_client(*server));
    order_url = client->new_order({kHost}).header("Location");
    failing.fail_at(2, fakes::FailingStore::Effect::lost);
    EXPECT_THROW(client->finalize(order_url, {kHost}), store::Broken);
    failing.heal();
    auto lost = open_intents().at(0);
    if (!by_signer) return lost;
    memory->write([&](store::WriteTxn& txn) {
      std::string value(txn.get(ca::tables::kIntents, lost.serial_hex).value());
      txn.put(ca::tables::kIntents, lost.serial_hex, value.insert(1, "\"by_signer\":true,"));
      return true;
    });
    return find(lost.serial_hex);
  }
  std::vector<ca::CertificateRecord> open_intents() {
    std::vector<ca::CertificateRecord> all;
    memory->read([&](store::ReadTxn& txn) {
      ca::visit_possibly_issued(txn, Time::max(), [&](ca::CertificateRecord const& record) {
        if (!record.given_up_at) all.push_back(record);
        return true;
      });
    });
    return all;
  }
  ca::CertificateRecord find(std::string const& serial) {
    std::optional<ca::CertificateRecord> record;
    memory->read([&](store::ReadTxn& txn) { record = ca::find_by_serial(txn, serial); });
    return record.value();
  }
  Recovered recover(std::optional<ca::RecentlySigned> const& of_late = {}) {
    return acme::recover(*server->app, of_late, server->clock.now()).value();
  }
  static ca::SignedEntry line_of(ca::CertificateRecord const& record) {
    return {.issuer = record.issuer, .at = kNow, .serial_hex = record.serial_hex, .tbs_hash = record.tbs_hash};
  }
  std::string dumped() {
    std::ostringstream out;
    EXPECT_TRUE(store::dump(*memory, out).ok());
    return out.str();
  }
  std::string broken() { return broken_promises(*memory, server->clock.now()); }
  std::string log() {
    std::string all;
    for (auto const& line : server->log_lines()) all += line + "\n";
    return all;
  }
  std::vector<std::string> listed(std::string const& issuer) {
    std::vector<std::string> serials;
    memory->read([&](store::ReadTxn& txn) {
      ca::visit_revoked(txn, issuer, server->clock.now(), [&](ca::RevokedCertificate const& revoked) {
        serials.push_back(revoked.serial_hex);
        return true;
      });
    });
    return serials;
  }
};

TEST_F(Recovery, WhatWasPossiblySignedIsRevokedAndItsOrderGoesOn) {
  start();
  auto const lost = lose();
  EXPECT_EQ(recover(), (Recovered{.given_up = 1, .revoked = 1, .returned_to_ready = 1}));
  auto const record = find(lost.serial_hex);
  EXPECT_EQ(record.status, CertificateStatus::possibly_issued);
  EXPECT_EQ(record.given_up_at, kNow);
  EXPECT_EQ(record.revocation,
            (ca::Revocation{.at = kNow, .reason = x509::RevocationReason::superseded, .by = "server"}));
  EXPECT_THAT(listed(lost.issuer), ::testing::ElementsAre(lost.serial_hex));
  memory->read([&](store::ReadTxn& txn) {
    ca::visit_revoked(txn, lost.issuer, lost.not_after + Seconds(1), [](auto const&) {
      ADD_FAILURE() << "when it ends is known from its intent";
      return false;
    });
    auto const last = ca::find_audit_head(txn).value().number;
    ca::visit_audit(txn, last, [&](std::uint64_t, ca::AuditEntry const& entry) {
      EXPECT_EQ(entry, (ca::AuditEntry{.at = kNow,
                                       .event = ca::AuditEvent::certificate_revoked,
                                       .actor = "server",
                                       .subject = lost.serial_hex,
                                       .rule = "reason superseded",
                                       .detail = std::string("possibly issued: ") + kHost}));
      return true;
    });
  });
  EXPECT_THAT(log(), HasSubstr("certificate.possibly_issued"));
  EXPECT_THAT(log(), HasSubstr("\"was_signed\":\"unknown\",\"revoked\":true"));
  EXPECT_THAT(server->app->metrics.text({.now = kNow}),
              HasSubstr("lenscap_revocations_total{reason=\"superseded\"} 1\n"));
  EXPECT_EQ(broken(), "");

  auto const before = dumped();
  EXPECT_EQ(recover(), Recovered{}) << "the next start has nothing to do";
  EXPECT_EQ(dumped(), before);

  EXPECT_EQ(client->read(order_url).text("status"), "ready");
  auto const done = client->finalize(order_url, {kHost});
  EXPECT_EQ(done.text("status"), "valid");
  auto const leaf = x509::parse_pem_chain(client->read(done.text("certificate")).body).value().front();
  EXPECT_NE(leaf.serial_hex(), lost.serial_hex);
  EXPECT_FALSE(find(leaf.serial_hex()).revocation);
  EXPECT_EQ(broken(), "");
}

// By what the signer's ledger tells, and by the setting.
TEST_F(Recovery, TheSignersLedgerRulesOut) {
  struct Case {
    char const* name;
    bool by_signer;
    bool tells;   // the signer of its ledger
    bool has_it;  // that ledger
    char const* settings;
    CertificateStatus status;
    bool is_revoked;
  };
  for (Case const& c : {
           Case{"signed", true, true, true, "", CertificateStatus::possibly_issued, true},
           Case{"not signed", true, true, false, "", CertificateStatus::not_issued, false},
           Case{"no signer tells", true, false, false, "", CertificateStatus::possibly_issued, true},
           Case{"by a key in the server", false, true, false, "", CertificateStatus::possibly_issued, true},
           Case{"signed, and the operator decides", true, true, true, kOff, CertificateStatus::possibly_issued, false},
           Case{"not signed, either way", true, true, false, kOff, CertificateStatus::not_issued, false},
       }) {
    SCOPED_TRACE(c.name);
    client.reset();
    server.reset();
    memory = store::open("memory:", "").value();
    fakes::FailingStore other(*memory);
    ServerOptions options{.settings = c.settings};
    options.store = std::make_unique<BorrowedStore>(other, *memory);
    TestServer mine(std::move(options));
    auto user = granted_client(mine);
    auto const url = user.new_order({kHost}).header("Location");
    other.fail_at(2, fakes::FailingStore::Effect::lost);
    EXPECT_THROW(user.finalize(url, {kHost}), store::Broken);
    other.heal();
    auto const lost = open_intents().at(0);
    memory->write([&](store::WriteTxn& txn) {
      std::string value(txn.get(ca::tables::kIntents, lost.serial_hex).value());
      if (c.by_signer) txn.put(ca::tables::kIntents, lost.serial_hex, value.insert(1, "\"by_signer\":true,"));
      return true;
    });
    ca::RecentlySigned told;
    if (c.has_it) told.certificates.push_back(line_of(lost));
    auto const of_late = c.tells ? std::optional(told) : std::nullopt;
    for (int i = 0; i < 2; ++i) {
      auto const recovered = acme::recover(*mine.app, of_late, kNow).value();
      EXPECT_EQ(recovered.given_up, i == 0 ? 1u : 0u);
      EXPECT_EQ(recovered.returned_to_ready, i == 0 ? 1u : 0u);
      auto const record = find(lost.serial_hex);
      EXPECT_EQ(record.status, c.status);
      EXPECT_EQ(record.revocation.has_value(), c.is_revoked);
      auto by = CheckedBy{.now = kNow};
      by.revokes_possibly_issued = *c.settings == '\0';
      EXPECT_EQ(broken_promises(*memory, by), "");
    }
    EXPECT_EQ(user.finalize(url, {kHost}).text("status"), "valid");
  }
}

// Nobody looks again whether it can be ruled out: the signer tells of the last lines of its ledger alone.
TEST_F(Recovery, WhatTheOperatorKeptIsRevokedOnceTheSettingSaysSo) {
  start(kOff);
  auto const lost = lose(true);
  ca::RecentlySigned told;
  told.certificates.push_back(line_of(lost));
  EXPECT_EQ(recover(told).revoked, 0u);
  EXPECT_THAT(broken(), HasSubstr("I8 ")) << "by other settings";
  client.reset();
  start();
  EXPECT_EQ(recover(ca::RecentlySigned{}), (Recovered{.revoked = 1}));
  EXPECT_TRUE(find(lost.serial_hex).revocation);
  EXPECT_EQ(broken(), "");
}

TEST_F(Recovery, WhatHasEndedIsInNoList) {
  start();
  auto const lost = lose();
  server->clock.advance(lost.not_after + Seconds(1) - kNow);
  EXPECT_EQ(recover().revoked, 0u);
  EXPECT_EQ(find(lost.serial_hex).given_up_at, server->clock.now());
  EXPECT_EQ(broken(), "");
}

// As what was issued in the gap: it is in use, mostly.
TEST_F(Recovery, WhatIsOfBeforeARestoreIsLeftToAPerson) {
  start();
  auto const lost = lose();
  memory->write([](store::WriteTxn& txn) {
    ca::open_gap(txn, {kNow, kNow + kMinute});
    return ca::close_gap(txn, kNow + kMinute).has_value();
  });
  server->clock.advance(2 * kMinute);
  EXPECT_EQ(recover(), (Recovered{.given_up = 1, .returned_to_ready = 1}));
  EXPECT_FALSE(find(lost.serial_hex).revocation);
  EXPECT_THAT(log(), HasSubstr("\"revoked\":false"));
  EXPECT_EQ(broken(), "");
  EXPECT_EQ(client->finalize(order_url, {kHost}).text("status"), "valid");
  memory->write([&](store::WriteTxn& txn) {
    return revoke(txn, lost.serial_hex, {.at = server->clock.now(), .reason = {}, .by = "a person"}).ok();
  });
  EXPECT_EQ(broken(), "");
}

// So many are given up in more than one transaction, and the process dies at each of them in turn.
TEST_F(Recovery, ADeathAtAnyWriteLeavesNothingHalf) {
  using Effect = fakes::FailingStore::Effect;
  for (auto const effect : {Effect::lost, Effect::kept}) {
    for (int nth : {1, 2}) {
      SCOPED_TRACE("write " + std::to_string(nth) + (effect == Effect::kept ? " kept" : " lost"));
      client.reset();
      server.reset();
      memory = store::open("memory:", "").value();
      fakes::FailingStore other(*memory);
      ServerOptions options;
      options.store = std::make_unique<BorrowedStore>(other, *memory);
      TestServer mine(std::move(options));
      constexpr std::size_t kLost = 70;
      auto const& authority = *mine.app->authority;
      std::string issuer;
      for (std::size_t i = 0; i < kLost; ++i) {
        auto const name = "cam" + std::to_string(i) + ".cams.example";
        auto const draft = authority.prepare(ca::test::request(names_of({name})), kNow).value();
        issuer = to_hex(draft.issuer_key_id());
        memory->write([&](store::WriteTxn& txn) { return ca::record_intent(txn, draft, "order").ok(); });
      }
      auto const count = [&] {
        std::uint64_t revoked = 0;
        memory->read([&](store::ReadTxn& txn) { revoked = ca::count_revocations(txn, issuer); });
        return revoked;
      };
      other.fail_at(nth, effect);
      EXPECT_THROW((void)acme::recover(*mine.app, {}, kNow), store::Broken);
      other.heal();
      auto const done = count();
      EXPECT_EQ(done + open_intents().size(), kLost) << "each is given up and revoked, or neither";
      EXPECT_EQ(done == 0, nth == 1 && effect == Effect::lost);
      EXPECT_EQ(done == kLost, nth == 2 && effect == Effect::kept);
      EXPECT_EQ(broken_promises(*memory, kNow), "");
      EXPECT_EQ(acme::recover(*mine.app, {}, kNow).value().revoked, kLost - done);
      EXPECT_EQ(count(), kLost);
      EXPECT_EQ(broken_promises(*memory, kNow), "");
    }
  }
}

// --- what comes late

TEST_F(Recovery, WhatIsRevokedWhileItIsSignedIsGivenToNobody) {
  start();
  client.emplace(granted_client(*server));
  std::string serial;
  server->key->before = [&](ByteView) {
    if (!serial.empty()) return;
    serial = open_intents().at(0).serial_hex;
    memory->write(
        [&](store::WriteTxn& txn) { return revoke(txn, serial, {.at = kNow, .reason = {}, .by = "a person"}).ok(); });
  };
  auto const url = client->new_order({kHost}).header("Location");
  auto const answer = client->finalize(url, {kHost});
  EXPECT_EQ(answer.text("status"), "invalid") << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("alreadyRevoked"));
  EXPECT_THAT(answer.body, HasSubstr("order another one"));
  EXPECT_EQ(find(serial).status, CertificateStatus::possibly_issued);
  EXPECT_THAT(log(), HasSubstr("certificate.failed"));
  EXPECT_THAT(log(), Not(HasSubstr("\"event\":\"certificate.issued\"")));
  EXPECT_EQ(broken(), "");
  auto const again = client->new_order({kHost}).header("Location");
  EXPECT_EQ(client->finalize(again, {kHost}).text("status"), "valid");
}

// It cannot happen, since a start waits for what is being signed; if it did, the old number would be no certificate.
TEST_F(Recovery, AnAnswerThatComesAfterItWasGivenUpIsNoCertificate) {
  for (char const* settings : {"", kOff}) {
    SCOPED_TRACE(settings);
    client.reset();
    memory = store::open("memory:", "").value();
    fakes::FailingStore other(*memory);
    ServerOptions options{.settings = settings};
    options.store = std::make_unique<BorrowedStore>(other, *memory);
    TestServer mine(std::move(options));
    auto user = granted_client(mine);
    std::string serial;
    mine.key->before = [&](ByteView) {
      if (!serial.empty()) return;
      serial = open_intents().at(0).serial_hex;
      EXPECT_EQ(acme::recover(*mine.app, {}, kNow).value().given_up, 1u);
    };
    auto const url = user.new_order({kHost}).header("Location");
    EXPECT_EQ(user.finalize(url, {kHost}).status, 500);
    EXPECT_EQ(user.read(url).text("status"), "ready");
    EXPECT_EQ(find(serial).status, CertificateStatus::possibly_issued);
    memory->read([&](store::ReadTxn& txn) { EXPECT_FALSE(ca::find_certificate(txn, serial)); });
    EXPECT_EQ(user.finalize(url, {kHost}).text("status"), "valid");
    auto by = CheckedBy{.now = kNow};
    by.revokes_possibly_issued = *settings == '\0';
    EXPECT_EQ(broken_promises(*memory, by), "");
  }
}

TEST_F(Recovery, TheyAreListedAsSuch) {
  start(kOff);
  auto const lost = lose();
  recover();
  EXPECT_EQ(client->finalize(order_url, {kHost}).text("status"), "valid");
  auto const& authority = *server->app->authority;
  OperationContext const context{
      server->app->settings, *memory, nullptr, authority.root_certificate(), authority.issuer().limits(),
      server->clock.now()};
  auto const list = [&](json::Object const& arguments) {
    return json::write(find_operation("cert.list")->run(context, arguments).value());
  };
  auto const some = list({{"status", "possibly-issued"}});
  EXPECT_THAT(some, HasSubstr(lost.serial_hex));
  EXPECT_THAT(some, HasSubstr("\"possibly issued\""));
  EXPECT_THAT(some, Not(HasSubstr("\"issued\"")));
  EXPECT_THAT(list({{"status", "issued"}}), Not(HasSubstr(lost.serial_hex)));
  auto const shown = json::write(find_operation("cert.show")->run(context, {{"serial", lost.serial_hex}}).value());
  EXPECT_THAT(shown, HasSubstr("\"given_up_at\":\"2026-"));
}

}  // namespace
}  // namespace lenscap::acme::test
