#include "ca/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Ledger : public ::testing::Test {
 protected:
  Draft draft(x509::NameSet const& wanted, Time now = kNow, std::string const& profile_name = "camera-https") {
    return ca.issuer->prepare(profile(profile_name), request(wanted, profile_name), now).value();
  }
  Result<> intend(Draft const& wanted, std::string const& reference = "order-1",
                  std::string const& subscriber = "account-1") {
    Result<> outcome;
    store->write(
        [&](store::WriteTxn& txn) { return (outcome = record_intent(txn, wanted, reference, subscriber)).ok(); });
    return outcome;
  }
  Result<> complete(x509::Certificate const& certificate, Time now = kNow) {
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) { return (outcome = record_issued(txn, certificate, now)).ok(); });
    return outcome;
  }
  x509::Certificate issue(x509::NameSet const& wanted, Time now = kNow) {
    auto made = draft(wanted, now);
    EXPECT_TRUE(intend(made).ok());
    auto certificate = ca.issuer->sign(std::move(made)).value();
    EXPECT_TRUE(complete(certificate, now).ok());
    return certificate;
  }
  Result<> revoke(std::string const& serial, Time at, std::optional<x509::RevocationReason> reason = {}) {
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) {
      return (outcome = record_revoked(txn, serial, {.at = at, .reason = reason, .by = "account-1"})).ok();
    });
    return outcome;
  }
  template <class Function>
  auto read(Function const& function) {
    decltype(function(std::declval<store::ReadTxn&>())) result{};
    store->read([&](store::ReadTxn& txn) { result = function(txn); });
    return result;
  }
  // First DNS names of what a visit sees.
  template <class Visit>
  std::vector<std::string> seen(Visit const& visit, std::size_t at_most = 1000) {
    std::vector<std::string> found;
    store->read([&](store::ReadTxn& txn) {
      visit(txn, [&](CertificateRecord const& record) {
        found.push_back(record.names.dns.empty() ? record.names.text() : record.names.dns.begin()->text());
        return found.size() < at_most;
      });
    });
    return found;
  }
  std::vector<std::string> newest(std::size_t at_most = 1000) {
    return seen([](store::ReadTxn& txn, RecordVisitor const& visit) { visit_newest(txn, "", visit); }, at_most);
  }

  TestCa ca;
  std::unique_ptr<store::Store> store = store::open("memory:", "").value();
};

TEST_F(Ledger, IntentBecomesACertificate) {
  auto made = draft(names({"a.cams.example"}, {"10.20.0.1"}));
  std::string const serial = made.serial_hex();
  Bytes const tbs = made.tbs();
  ASSERT_TRUE(intend(made, "order-7").ok());
  auto record = read([&](store::ReadTxn& txn) { return find_by_serial(txn, serial); });
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, CertificateStatus::possibly_issued);
  EXPECT_EQ(record->reference, "order-7");
  EXPECT_EQ(record->tbs_hash, to_hex(sha256(tbs)));
  EXPECT_EQ(read([&](store::ReadTxn& txn) { return find_intent_tbs(txn, serial); }), tbs);
  EXPECT_FALSE(read([&](store::ReadTxn& txn) { return find_certificate(txn, serial); }));

  auto const certificate = ca.issuer->sign(std::move(made)).value();
  ASSERT_TRUE(complete(certificate, kNow + Seconds(2)).ok());
  record = read([&](store::ReadTxn& txn) { return find_by_serial(txn, serial); });
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, CertificateStatus::issued);
  EXPECT_EQ(record->reference, "order-7");
  EXPECT_EQ(record->subscriber, "account-1");
  EXPECT_FALSE(record->revocation);
  EXPECT_EQ(record->profile, "camera-https");
  EXPECT_EQ(record->profile_hash, to_hex(profile("camera-https").hash()));
  EXPECT_EQ(record->issuer, to_hex(ca.ca.issuing.subject_key_id()));
  EXPECT_EQ(record->common_name, "a.cams.example");
  EXPECT_EQ(record->names, names({"a.cams.example"}, {"10.20.0.1"}));
  EXPECT_EQ(record->spki_hash, to_hex(certificate.key().spki_hash()));
  EXPECT_EQ(record->not_before, certificate.not_before());
  EXPECT_EQ(record->not_after, certificate.not_after());
  EXPECT_EQ(record->recorded_at, kNow);
  EXPECT_EQ(record->issued_at, kNow + Seconds(2));
  EXPECT_EQ(record->fingerprint, to_hex(certificate.fingerprint()));
  EXPECT_EQ(read([&](store::ReadTxn& txn) { return find_certificate(txn, serial); }), certificate);
  EXPECT_FALSE(read([&](store::ReadTxn& txn) { return find_intent_tbs(txn, serial); }));
}

TEST_F(Ledger, SerialIsTakenForEver) {
  auto made = draft(names({"a.cams.example"}));
  ASSERT_TRUE(intend(made).ok());
  EXPECT_EQ(intend(made).error().code(), Errc::internal);
  // Also once the certificate is out.
  auto copy = made.tbs();
  auto const certificate = ca.issuer->sign(std::move(made)).value();
  ASSERT_TRUE(complete(certificate).ok());
  ASSERT_TRUE(complete(certificate).ok());  // the answer of the first got lost: the same again is fine
  EXPECT_THAT(newest(), ElementsAre("a.cams.example"));
}

TEST_F(Ledger, CertificateWithoutIntent) {
  auto const certificate = ca.issuer->sign(draft(names({"a.cams.example"}))).value();
  auto const outcome = complete(certificate);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::internal);
  EXPECT_THAT(newest(), IsEmpty());
}

TEST_F(Ledger, CertificateThatDiffersFromItsIntent) {
  auto made = draft(names({"a.cams.example"}));
  ASSERT_TRUE(intend(made).ok());
  Template what = made.what();
  what.names = names({"b.cams.example"});
  auto const outcome = complete(forge(ca.ca, what));
  ASSERT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.error().detail(), HasSubstr("not what its intent said"));
  // Nor may a second one take the place of the first.
  auto const certificate = ca.issuer->sign(std::move(made)).value();
  ASSERT_TRUE(complete(certificate).ok());
  EXPECT_FALSE(complete(forge(ca.ca, what)).ok());
  EXPECT_EQ(read([&](store::ReadTxn& txn) { return find_certificate(txn, certificate.serial_hex()); }), certificate);
}

TEST_F(Ledger, ClockThatRunsBack) {
  ASSERT_TRUE(intend(draft(names({"a.cams.example"}), kNow)).ok());
  EXPECT_EQ(read(clock_mark), kNow);
  EXPECT_TRUE(intend(draft(names({"b.cams.example"}), kNow - Seconds(300))).ok());
  EXPECT_EQ(read(clock_mark), kNow) << "the mark never falls";
  auto const outcome = intend(draft(names({"c.cams.example"}), kNow - Seconds(301)));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::unavailable);
  EXPECT_THAT(outcome.error().detail(), HasSubstr("2026-06-01T11:54:59Z"));
  EXPECT_THAT(newest(), ElementsAre("a.cams.example", "b.cams.example"));  // by the clock of each
}

TEST_F(Ledger, PossiblyIssuedAreThoseWithoutCertificate) {
  issue(names({"done.cams.example"}), kNow);
  ASSERT_TRUE(intend(draft(names({"lost.cams.example"}), kNow + kMinute)).ok());
  ASSERT_TRUE(intend(draft(names({"now.cams.example"}), kNow + kHour)).ok());
  auto lost = [&](Time before) {
    return seen([&](store::ReadTxn& txn, RecordVisitor const& visit) { visit_possibly_issued(txn, before, visit); });
  };
  EXPECT_THAT(lost(kNow + kHour), ElementsAre("lost.cams.example"));
  EXPECT_THAT(lost(kNow + kHour + Seconds(1)), ElementsAre("lost.cams.example", "now.cams.example"));
}

TEST_F(Ledger, NewestFirstOverLongStretches) {
  int const days[] = {0, 0, 1, 2, 30, 31, 400, 401};
  int number = 0;
  for (int day : days)
    issue(names({"c" + std::to_string(number++) + ".cams.example"}), kNow + kDay * day + Seconds(number));
  EXPECT_THAT(newest(), ElementsAre("c7.cams.example", "c6.cams.example", "c5.cams.example", "c4.cams.example",
                                    "c3.cams.example", "c2.cams.example", "c1.cams.example", "c0.cams.example"));
  EXPECT_THAT(newest(3), ElementsAre("c7.cams.example", "c6.cams.example", "c5.cams.example"));
}

// More than a page of each kind, certificates and intents in turn; and every place is a good one to go on from.
TEST_F(Ledger, PagesJoinWithoutASeam) {
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

TEST_F(Ledger, BySubscriber) {
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

TEST_F(Ledger, ByNameKeyAndEnd) {
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

TEST_F(Ledger, BySerial) {
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

TEST_F(Ledger, RevokedOnesLastEndFirst) {
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

TEST_F(Ledger, AKeyIsCertifiedFromTheIntentOn) {  // 8555-11.1-1
  auto made = draft(names({"a.cams.example"}));
  auto const key = made.what().key;
  auto const certified = [&] { return read([&](store::ReadTxn& txn) { return is_certified(txn, key); }); };
  EXPECT_FALSE(certified());
  ASSERT_TRUE(intend(made).ok());
  EXPECT_TRUE(certified());
  ASSERT_TRUE(complete(ca.issuer->sign(std::move(made)).value()).ok());
  EXPECT_TRUE(certified());
  auto const other = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  EXPECT_FALSE(read([&](store::ReadTxn& txn) { return is_certified(txn, other.public_key()); }));
}

TEST_F(Ledger, ARevocationIsForGood) {  // 8555-7.6-5
  auto const serial = issue(names({"a.cams.example"})).serial_hex();
  auto const found = [&] { return read([&](store::ReadTxn& txn) { return find_revocation(txn, serial); }); };
  EXPECT_FALSE(found());
  ASSERT_TRUE(revoke(serial, kNow + kHour, x509::RevocationReason::superseded).ok());
  Revocation const wanted{kNow + kHour, x509::RevocationReason::superseded, "account-1"};
  EXPECT_EQ(found(), wanted);
  auto const again = revoke(serial, kNow + 2 * kHour);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::already_revoked);
  EXPECT_THAT(again.error().detail(), HasSubstr("2026-06-01T13:00:00Z"));
  EXPECT_EQ(found(), wanted);
  EXPECT_EQ(revoke("00", kNow).error().code(), Errc::not_found);
  EXPECT_EQ(revoke("", kNow).error().code(), Errc::not_found);
  EXPECT_FALSE(read([&](store::ReadTxn& txn) { return find_revocation(txn, "00"); }));
}

TEST_F(Ledger, WhatWasPossiblyIssuedCanBeRevoked) {
  auto const lost = draft(names({"a.cams.example"}));
  ASSERT_TRUE(intend(lost).ok());
  ASSERT_TRUE(revoke(lost.serial_hex(), kNow).ok());
  auto const record = read([&](store::ReadTxn& txn) { return find_by_serial(txn, lost.serial_hex()); });
  EXPECT_EQ(record->status, CertificateStatus::possibly_issued);
  EXPECT_EQ(record->revocation, (Revocation{kNow, std::nullopt, "account-1"}));  // 8555-7.6-3
}

TEST_F(Ledger, AKeyInWrongHandsIsRemembered) {
  struct Case {
    std::optional<x509::RevocationReason> reason;
    bool compromised;
  };
  for (auto const& c : {Case{{}, false}, Case{x509::RevocationReason::superseded, false},
                        Case{x509::RevocationReason::key_compromise, true}}) {
    auto const certificate = issue(names({"a.cams.example"}));
    auto const compromised = [&] {
      return read([&](store::ReadTxn& txn) { return is_compromised(txn, certificate.key()); });
    };
    EXPECT_FALSE(compromised());
    ASSERT_TRUE(revoke(certificate.serial_hex(), kNow, c.reason).ok());
    EXPECT_EQ(compromised(), c.compromised);
  }
}

TEST_F(Ledger, RevokedOnesOfAnIssuerThatHaveNotEnded) {  // 8555-7.6-6
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
TEST_F(Ledger, TheIndexOfRevocationsKeepsTimeAndReason) {
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

TEST_F(Ledger, ARevocationThatCannotBeRead) {
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

TEST_F(Ledger, RevocationsAreCountedForEachIssuer) {
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  auto const counted = [&](std::string const& of) {
    return read([&](store::ReadTxn& txn) { return count_revocations(txn, of); });
  };
  auto const first = issue(names({"a.cams.example"}));
  auto const second = issue(names({"b.cams.example"}));
  EXPECT_EQ(counted(issuer), 0u);
  ASSERT_TRUE(revoke(first.serial_hex(), kNow).ok());
  EXPECT_EQ(counted(issuer), 1u);
  EXPECT_FALSE(revoke(first.serial_hex(), kNow).ok());
  EXPECT_EQ(counted(issuer), 1u) << "the second time changes nothing";
  ASSERT_TRUE(revoke(second.serial_hex(), kNow).ok());
  EXPECT_EQ(counted(issuer), 2u);
  EXPECT_EQ(counted("another"), 0u);
}

TEST_F(Ledger, RecordThatCannotBeRead) {
  auto const certificate = issue(names({"a.cams.example"}));
  std::string key;
  store->read([&](store::ReadTxn& txn) {
    txn.scan(store::Table{"ca_records"}, "0", [&](std::string_view found, std::string_view) {
      key = found;
      return false;
    });
  });
  store->write([&](store::WriteTxn& txn) {
    txn.put(store::Table{"ca_records"}, key, "{");
    return true;
  });
  EXPECT_THROW((void)read([&](store::ReadTxn& txn) { return find_by_serial(txn, certificate.serial_hex()); }),
               store::Broken);
}

TEST(CheckClock, TableOfTimes) {
  EXPECT_TRUE(check_clock({}, kNow).ok());
  EXPECT_TRUE(check_clock(kNow, kNow + 100 * kDay).ok());
  EXPECT_TRUE(check_clock(kNow, kNow - Seconds(300)).ok());
  EXPECT_FALSE(check_clock(kNow, kNow - Seconds(301)).ok());
  auto const begins = from_unix(kProgramBegins);
  EXPECT_TRUE(check_clock({}, begins).ok());
  EXPECT_FALSE(check_clock({}, begins - Seconds(1)).ok()) << "also when nothing was ever signed";
  EXPECT_FALSE(check_clock(begins - kDay, begins - Seconds(1)).ok()) << "also when it was wrong before";
  EXPECT_EQ(to_rfc3339(begins), "2026-01-01T00:00:00Z");
}

// A clock that had run ahead once would stop the CA for good if nobody could say so.
TEST_F(Ledger, AnAcceptedClockEndsTheRefusal) {
  issue(names({"a.cams.example"}), kNow + kDay * 400);
  ASSERT_EQ(intend(draft(names({"b.cams.example"}))).error().code(), Errc::unavailable);
  std::optional<Time> former;
  store->write([&](store::WriteTxn& txn) {
    former = accept_clock(txn, kNow);
    return true;
  });
  EXPECT_EQ(former, kNow + kDay * 400);
  EXPECT_TRUE(intend(draft(names({"b.cams.example"}))).ok());
  store->write([&](store::WriteTxn& txn) {
    former = accept_clock(txn, kNow + kDay);
    return true;
  });
  EXPECT_EQ(former, std::nullopt) << "the mark is never lifted by it";
}

}  // namespace
}  // namespace lenscap::ca::test
