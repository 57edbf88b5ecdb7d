#include "ca/ledger_visits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "tests/ca/ledger_fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct LedgerVisits : Ledger {};

TEST_F(LedgerVisits, PossiblyIssuedAreThoseWithoutCertificate) {
  issue(names({"done.cams.example"}), kNow);
  ASSERT_TRUE(intend(draft(names({"lost.cams.example"}), kNow + kMinute)).ok());
  ASSERT_TRUE(intend(draft(names({"now.cams.example"}), kNow + kHour)).ok());
  auto lost = [&](Time before) {
    return seen([&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_possibly_issued(txn, before, visit); });
  };
  EXPECT_THAT(lost(kNow + kHour), ElementsAre("lost.cams.example"));
  EXPECT_THAT(lost(kNow + kHour + Seconds(1)), ElementsAre("lost.cams.example", "now.cams.example"));
}

TEST_F(LedgerVisits, NewestFirstOverLongStretches) {
  int const days[] = {0, 0, 1, 2, 30, 31, 400, 401};
  int number = 0;
  for (int day : days)
    issue(names({"c" + std::to_string(number++) + ".cams.example"}), kNow + kDay * day + Seconds(number));
  EXPECT_THAT(newest(), ElementsAre("c7.cams.example", "c6.cams.example", "c5.cams.example", "c4.cams.example",
                                    "c3.cams.example", "c2.cams.example", "c1.cams.example", "c0.cams.example"));
  EXPECT_THAT(newest(3), ElementsAre("c7.cams.example", "c6.cams.example", "c5.cams.example"));
}

// More than a page of each kind, certificates and intents in turn; and every place is a good one to go on from.
TEST_F(LedgerVisits, PagesJoinWithoutASeam) {
  constexpr int kMany = 150;
  std::vector<std::string> wanted;
  for (int i = 0; i < kMany; ++i) {
    auto const name = "c" + std::to_string(i) + ".cams.example";
    auto made = draft(names({name}, {"10.20.0.1"}), kNow + Seconds(i));
    ASSERT_TRUE(intend(made).ok());
    if (i % 2 == 0) {
      ASSERT_TRUE(complete(ca.issuer->sign(std::move(made)).value()).ok());
    }
    wanted.insert(wanted.begin(), name);
  }
  EXPECT_THAT(newest(), ::testing::ElementsAreArray(wanted));

  using Visit = std::function<void(store::ReadTxn&, std::string_view, RecordVisitor const&)>;
  Visit const visits[] = {
      [](auto& txn, auto at, auto const& visit) { visit_newest(txn, at, visit); },
      [](auto& txn, auto at, auto const& visit) { visit_by_subscriber(txn, "account-1", at, visit); },
      [](auto& txn, auto at, auto const& visit) {
        visit_by_name(txn, x509::IpAddress::parse("10.20.0.1").value(), at, visit);
      },
      [](auto& txn, auto at, auto const& visit) { visit_expiring(txn, kNow, kNow + 100 * kDay, at, visit); },
  };
  for (auto const& visit : visits) {
    std::vector<std::string> whole;
    store->read([&](store::ReadTxn& txn) {
      visit(txn, "", [&](CertificateRecord const& record) { return whole.push_back(record.serial_hex), true; });
    });
    EXPECT_GE(whole.size(), kMany / 2U);
    for (std::size_t size : {1U, 7U, 64U, 65U}) {
      std::vector<std::string> joined;
      for (std::size_t before = 1; before != joined.size();) {
        before = joined.size();
        std::size_t count = 0;
        store->read([&](store::ReadTxn& txn) {
          visit(txn, joined.empty() ? "" : joined.back(), [&](CertificateRecord const& record) {
            joined.push_back(record.serial_hex);
            return ++count < size;
          });
        });
        if (joined.empty()) break;
      }
      EXPECT_EQ(joined, whole) << "pages of " << size;
    }
  }
}

TEST_F(LedgerVisits, BySubscriber) {
  issue(names({"a.cams.example"}), kNow);
  auto other = draft(names({"b.cams.example"}), kNow + kDay);
  ASSERT_TRUE(intend(other, "order-2", "account-10").ok());
  ASSERT_TRUE(complete(ca.issuer->sign(std::move(other)).value()).ok());
  issue(names({"c.cams.example"}), kNow + kDay * 2);
  auto of = [&](std::string_view subscriber) {
    return seen(
        [&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_by_subscriber(txn, subscriber, "", visit); });
  };
  EXPECT_THAT(of("account-1"), ElementsAre("c.cams.example", "a.cams.example"));
  EXPECT_THAT(of("account-10"), ElementsAre("b.cams.example"));
  EXPECT_THAT(of("account"), IsEmpty());
}

TEST_F(LedgerVisits, ByNameKeyAndEnd) {
  auto const first = issue(names({"a.cams.example"}, {"10.20.0.1"}), kNow);
  issue(names({"aa.cams.example"}, {"10.20.0.11"}), kNow + kDay);
  issue(names({"b.cams.example", "z.cams.example"}, {"10.20.0.1"}), kNow + kDay * 2);
  ASSERT_TRUE(intend(draft(names({"a.cams.example"}), kNow + kDay * 3)).ok());  // not issued: no index names it
  auto by_dns = [&](char const* name) {
    return seen([&](store::ReadTxn& txn, RecordVisitor const& visit) {
      visit_by_name(txn, x509::DnsName::parse(name).value(), "", visit);
    });
  };
  EXPECT_THAT(by_dns("a.cams.example"), ElementsAre("a.cams.example"));
  EXPECT_THAT(by_dns("z.cams.example"), ElementsAre("b.cams.example"));
  EXPECT_THAT(by_dns("cams.example"), IsEmpty());
  EXPECT_THAT(seen([&](store::ReadTxn& txn, RecordVisitor const& visit) {
                visit_by_name(txn, x509::IpAddress::parse("10.20.0.1").value(), "", visit);
              }),
              ElementsAre("b.cams.example", "a.cams.example"));
  EXPECT_THAT(seen([&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_by_key(txn, first.key(), visit); }),
              ElementsAre("a.cams.example"));
  EXPECT_THAT(seen([&](store::ReadTxn& txn, RecordVisitor const& visit) {
                visit_expiring(txn, kNow, first.not_after() + kDay, "", visit);
              }),
              ElementsAre("a.cams.example", "aa.cams.example"));
  EXPECT_THAT(seen([&](store::ReadTxn& txn, RecordVisitor const& visit) {
                visit_expiring(txn, first.not_after() + Seconds(1), first.not_after() + 100 * kDay, "", visit);
              }),
              ElementsAre("aa.cams.example", "b.cams.example"));
}

TEST_F(LedgerVisits, BySerial) {
  auto const first = issue(names({"a.cams.example"}), kNow).serial_hex();
  auto const second = draft(names({"b.cams.example"}), kNow + kDay);  // possibly issued
  ASSERT_TRUE(intend(second).ok());
  auto const third = issue(names({"c.cams.example"}), kNow + 200 * kDay).serial_hex();
  auto const of = [&](std::string const& prefix, std::string const& before = "") {
    return seen([&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_by_serial(txn, prefix, before, visit); });
  };
  EXPECT_THAT(of(first), ElementsAre("a.cams.example"));
  EXPECT_THAT(of(second.serial_hex()), ElementsAre("b.cams.example"));
  // Serials begin with the time: the first two share more of it than the third.
  auto const shared = first.substr(0, 4);
  ASSERT_FALSE(third.starts_with(shared));
  EXPECT_THAT(of(shared), ElementsAre("b.cams.example", "a.cams.example"));
  EXPECT_THAT(of(shared, second.serial_hex()), ElementsAre("a.cams.example"));
  EXPECT_THAT(of("01"), ElementsAre("c.cams.example", "b.cams.example", "a.cams.example"));
  EXPECT_THAT(of("02"), IsEmpty());
  EXPECT_THAT(of(first + "0"), IsEmpty());
}

TEST_F(LedgerVisits, RevokedOnesLastEndFirst) {
  std::vector<std::string> serials;
  for (int i = 0; i < 150; ++i)  // more than two pages
    serials.push_back(issue(names({"cam" + std::to_string(100 + i) + ".cams.example"}), kNow + i * kDay).serial_hex());
  for (std::size_t i = 0; i < serials.size(); i += 2) ASSERT_TRUE(revoke(serials[i], kNow + 200 * kDay).ok());
  auto const from = [&](std::string const& before) {
    return seen([&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_revoked_records(txn, before, visit); });
  };
  auto const all = from("");
  ASSERT_EQ(all.size(), 75U);
  EXPECT_EQ(all.front(), "cam248.cams.example");
  EXPECT_EQ(all.back(), "cam100.cams.example");
  EXPECT_TRUE(std::ranges::is_sorted(all, std::greater<>()));
  EXPECT_EQ(from(serials[100]), std::vector<std::string>(all.begin() + 25, all.end())) << "behind cam200";
}

TEST_F(LedgerVisits, RevokedOnesOfAnIssuerThatHaveNotEnded) {  // 8555-7.6-6
  auto const early = issue(names({"early.cams.example"}));
  issue(names({"good.cams.example"}));
  auto const late = issue(names({"late.cams.example"}), kNow + kDay);
  ASSERT_TRUE(revoke(late.serial_hex(), kNow + kDay, x509::RevocationReason::superseded).ok());
  ASSERT_TRUE(revoke(early.serial_hex(), kNow + 2 * kDay).ok());
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  auto const revoked = [&](std::string const& of, Time ends_from, std::size_t at_most = 10) {
    std::vector<RevokedCertificate> found;
    store->read([&](store::ReadTxn& txn) {
      visit_revoked(txn, of, ends_from, [&](RevokedCertificate const& one) {
        found.push_back(one);
        return found.size() < at_most;
      });
    });
    return found;
  };
  auto const all = revoked(issuer, kNow);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].serial_hex, early.serial_hex());
  EXPECT_EQ(all[0].not_after, early.not_after());
  EXPECT_EQ(all[0].revoked_at, kNow + 2 * kDay);
  EXPECT_EQ(all[0].reason, std::nullopt);
  EXPECT_EQ(all[1].serial_hex, late.serial_hex());
  EXPECT_EQ(all[1].reason, x509::RevocationReason::superseded);
  EXPECT_EQ(revoked(issuer, kNow, 1).size(), 1u);
  EXPECT_EQ(revoked(issuer, early.not_after()).size(), 2u);
  EXPECT_EQ(revoked(issuer, early.not_after() + Seconds(1)).size(), 1u);
  // Issuers whose entries would stand before, at the beginning of, and behind these.
  for (auto const& other : {std::string("!"), issuer.substr(0, issuer.size() - 1), issuer + "0", std::string("z")})
    EXPECT_EQ(revoked(other, kNow).size(), 0u) << other;
}

// What a list says stands in the index itself.
TEST_F(LedgerVisits, TheIndexOfRevocationsKeepsTimeAndReason) {
  using enum x509::RevocationReason;
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  std::map<std::string, std::pair<Time, std::optional<x509::RevocationReason>>> wanted;
  Time at = kNow;
  for (std::optional<x509::RevocationReason> const reason :
       {std::optional<x509::RevocationReason>(), std::optional(unspecified), std::optional(key_compromise),
        std::optional(ca_compromise), std::optional(affiliation_changed), std::optional(superseded),
        std::optional(cessation_of_operation), std::optional(certificate_hold), std::optional(remove_from_crl),
        std::optional(privilege_withdrawn), std::optional(aa_compromise)}) {
    auto const serial = issue(names({"a.cams.example"})).serial_hex();
    at += kHour + Seconds(1);
    ASSERT_TRUE(revoke(serial, at, reason).ok());
    wanted[serial] = {at, reason};
  }
  decltype(wanted) found;
  store->read([&](store::ReadTxn& txn) {
    visit_revoked(txn, issuer, kNow, [&](RevokedCertificate const& one) {
      found[one.serial_hex] = {one.revoked_at, one.reason};
      return true;
    });
  });
  EXPECT_EQ(found, wanted);
}

TEST_F(LedgerVisits, ARevocationThatCannotBeRead) {
  for (char const* value :
       {"", "006846a1c", "006846a1c0z", "006846a1c07", "006846a1c011", "00684Ga1c0", R"({"at":7})"}) {
    store->write([&](store::WriteTxn& txn) {
      txn.put(store::Table{"ca_revocations"}, "ab|006846a1c0|0123", value);
      return true;
    });
    auto const visit = [](store::ReadTxn& txn) {
      visit_revoked(txn, "ab", kNow - 365 * kDay, [](RevokedCertificate const&) { return true; });
    };
    EXPECT_THROW(store->read(visit), store::Broken) << value;
  }
}

}  // namespace
}  // namespace lenscap::ca::test
