#include "ca/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/ledger_check.h"
#include "ca/ledger_visits.h"
#include "tests/ca/ledger_fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

TEST_F(Ledger, AnIntentThatIsGivenUpBecomesNoCertificate) {
  for (auto const as : {CertificateStatus::possibly_issued, CertificateStatus::not_issued}) {
    SCOPED_TRACE(to_string(as));
    auto made = draft(names({"a.cams.example"}));
    auto const serial = made.serial_hex();
    ASSERT_TRUE(intend(made).ok());
    auto const give_up = [&](std::string const& which) {
      Result<> outcome;
      store->write(
          [&](store::WriteTxn& txn) { return (outcome = give_up_intent(txn, which, as, kNow + kMinute)).ok(); });
      return outcome;
    };
    ASSERT_TRUE(give_up(serial).ok());
    auto const record = read([&](store::ReadTxn& txn) { return find_by_serial(txn, serial); });
    EXPECT_EQ(record->status, as);
    EXPECT_EQ(record->given_up_at, kNow + kMinute);
    EXPECT_EQ(give_up(serial).error().code(), Errc::conflict) << "once and for ever";
    EXPECT_EQ(give_up("00").error().code(), Errc::internal);
    EXPECT_EQ(intend(made).error().code(), Errc::internal) << "the number stays taken";

    auto const late = ca.issuer->sign(std::move(made)).value();
    EXPECT_EQ(complete(late, kNow + kHour).error().code(), Errc::conflict);
    EXPECT_FALSE(read([&](store::ReadTxn& txn) { return find_certificate(txn, serial); }));
    EXPECT_EQ(give_up(issue(names({"b.cams.example"})).serial_hex()).error().code(), Errc::internal);

    ASSERT_TRUE(revoke(serial, kNow + kHour).ok()) << "a person may know more";
    EXPECT_EQ(complete(late, kNow + kHour).error().code(), Errc::conflict);
  }
  // Those that were ruled out are none.
  auto const possibly = [](store::ReadTxn& txn, RecordVisitor const& visit) {
    visit_possibly_issued(txn, Time::max(), visit);
  };
  EXPECT_THAT(seen(possibly), ElementsAre("a.cams.example"));
}

TEST_F(Ledger, WhatWasRevokedBeforeItWasSignedIsNoCertificate) {
  auto made = draft(names({"a.cams.example"}));
  auto const serial = made.serial_hex();
  ASSERT_TRUE(intend(made).ok());
  auto const is_open = [&] { return read([&](store::ReadTxn& txn) { return check_open_intent(txn, serial); }); };
  EXPECT_TRUE(is_open().ok());
  ASSERT_TRUE(revoke(serial, kNow).ok());
  EXPECT_EQ(is_open().error().code(), Errc::already_revoked);
  auto const late = ca.issuer->sign(std::move(made)).value();
  EXPECT_EQ(complete(late).error().code(), Errc::already_revoked);
  EXPECT_EQ(read([&](store::ReadTxn& txn) { return check_open_intent(txn, "00"); }).error().code(), Errc::internal);
}

// What was issued before a restore is in the hands of clients, and not in the store.
TEST_F(Ledger, WhatItDoesNotKnowCanBeRevoked) {
  std::string const serial = "0169000000aa";
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  auto const revoke_unknown = [&](std::string const& which) {
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) {
      Revocation const revocation{.at = kNow, .reason = x509::RevocationReason::key_compromise, .by = "a person"};
      return (outcome = record_unknown_revoked(txn, which, issuer, kNow + 30 * kDay, revocation)).ok();
    });
    return outcome;
  };
  // A list is made of these as they stand, so what no list can hold must not come in.
  for (std::string const none : {"", "169000000aa", "00ab", "0", "0169000000AA", "0169 0000", "xy", "0x0169",
                                 "0123456789abcdef0123456789abcdef0123456789"})
    EXPECT_EQ(revoke_unknown(none).error().code(), Errc::not_found) << none;
  ASSERT_TRUE(revoke_unknown(serial).ok());
  auto const record = read([&](store::ReadTxn& txn) { return find_by_serial(txn, serial); });
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, CertificateStatus::unknown);
  EXPECT_EQ(record->issuer, issuer);
  EXPECT_EQ(record->revocation->at, kNow);
  store->read([&](store::ReadTxn& txn) {
    std::vector<std::string> listed;
    visit_revoked(txn, issuer, kNow, [&](RevokedCertificate const& revoked) {
      listed.push_back(revoked.serial_hex);
      return true;
    });
    EXPECT_THAT(listed, ElementsAre(serial));
    visit_revoked(txn, issuer, kNow + 31 * kDay, [](auto const& revoked) {
      ADD_FAILURE() << revoked.serial_hex << " has ended";
      return true;
    });
    EXPECT_EQ(count_revocations(txn, issuer), 1U);
    EXPECT_FALSE(is_compromised(txn, ca.ca.issuing.key())) << "nobody knows its key";
    visit_newest(txn, "", [&](CertificateRecord const& each) {
      EXPECT_EQ(each.serial_hex, serial);
      return true;
    });
    for (auto const check : {check_serials, check_ledger_indexes})
      check(txn, [](Finding const& finding) { ADD_FAILURE() << finding.record << " " << finding.what; });
  });
  EXPECT_EQ(revoke_unknown(serial).error().code(), Errc::already_revoked);
  auto const known = issue(names({"a.cams.example"})).serial_hex();
  EXPECT_EQ(revoke_unknown(known).error().code(), Errc::conflict);
  EXPECT_FALSE(read([&](store::ReadTxn& txn) { return find_revocation(txn, known); }));
  EXPECT_EQ(revoke_unknown(std::string(41, 'a')).error().code(), Errc::not_found);
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

// Keys are found to be stolen after their certificates were replaced.
TEST_F(Ledger, OnlyKeyCompromiseTakesThePlaceOfAReason) {
  using Reason = x509::RevocationReason;
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  auto const certificate = issue(names({"a.cams.example"}));
  auto const serial = certificate.serial_hex();
  ASSERT_TRUE(revoke(serial, kNow, Reason::superseded).ok());
  EXPECT_EQ(revoke(serial, kNow + kHour, Reason::privilege_withdrawn).error().code(), Errc::already_revoked);
  EXPECT_EQ(revoke(serial, kNow + kHour).error().code(), Errc::already_revoked);
  ASSERT_TRUE(revoke(serial, kNow + kHour, Reason::key_compromise).ok());
  EXPECT_EQ(revoke(serial, kNow + kDay, Reason::key_compromise).error().code(), Errc::already_revoked);
  EXPECT_EQ(revoke(serial, kNow + kDay, Reason::superseded).error().code(), Errc::already_revoked);
  store->read([&](store::ReadTxn& txn) {
    EXPECT_TRUE(is_compromised(txn, certificate.key()));
    EXPECT_EQ(find_revocation(txn, serial)->at, kNow) << "since when it is revoked";
    EXPECT_EQ(find_revocation(txn, serial)->reason, Reason::key_compromise);
    EXPECT_EQ(count_revocations(txn, issuer), 2U) << "lists have something else to say";
    EXPECT_EQ(count_changed_reasons(txn, issuer), 1U);
    int listed = 0;
    visit_revoked(txn, issuer, kNow, [&](RevokedCertificate const& revoked) {
      EXPECT_EQ(revoked.revoked_at, kNow);
      EXPECT_EQ(revoked.reason, Reason::key_compromise);
      return ++listed > 0;
    });
    EXPECT_EQ(listed, 1);
    check_ledger_indexes(txn, [](Finding const& finding) { ADD_FAILURE() << finding.record << ": " << finding.what; });
  });
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

}  // namespace
}  // namespace lenscap::ca::test
