// The lists of an issuer from the ledger to the signature, as OpenSSL reads them.
#include "ca/crl_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ca/clock_mark.h"
#include "ca/ledger.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr CrlPlan kPlan{.lifetime = 8 * kDay, .after_revocation = kHour};

class MakeCrls : public ::testing::Test {
 protected:
  std::string revoked(Time at = kNow) {
    auto draft = test.issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), at).value();
    store->write([&](store::WriteTxn& txn) {
      return record_intent(txn, draft, "order-1").ok() &&
             record_revoked(txn, draft.serial_hex(), {.at = at, .reason = {}, .by = "a test"}).ok();
    });
    return draft.serial_hex();
  }
  std::vector<SignedCrl> make(unsigned parts = 1, Time now = kNow) {
    return make_crls(*store, *test.issuer, parts, kPlan, now).value();
  }
  std::vector<unsigned> divisions() {
    std::vector<unsigned> found;
    store->read([&](store::ReadTxn& txn) { found = crl_divisions(txn, to_hex(test.ca.issuing.subject_key_id())); });
    return found;
  }
  std::optional<CrlState> last_signed() {
    std::optional<CrlState> found;
    auto const issuer = to_hex(test.ca.issuing.subject_key_id());
    store->read([&](store::ReadTxn& txn) { found = find_signed_crl(txn, issuer, ""); });
    return found;
  }
  TestCa test{ceremony_settings(), kNow, 4};
  std::unique_ptr<store::Store> store = store::open("memory:", "").value();
};

std::string text_of(SignedCrl const& list) {
  fakes::TempDir dir;
  put_file(dir.path("list.crl"), std::string(as_text(list.der)));
  return run("openssl crl -inform DER -noout -text -in " + dir.path("list.crl")).output;
}

std::string upper(std::string hex) {
  for (char& c : hex)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  return hex;
}

TEST_F(MakeCrls, WholeListNamesWhatIsRevoked) {
  auto const serial = revoked();
  auto const lists = make();
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0].scope, "");
  EXPECT_EQ(lists[0].state.number, 1u);
  EXPECT_EQ(lists[0].state.revocations, 1u);
  EXPECT_EQ(lists[0].state.next_update, kNow + kPlan.lifetime);
  EXPECT_THAT(text_of(lists[0]), HasSubstr("Serial Number: " + upper(serial)));
  EXPECT_EQ(make()[0].state.number, 2u);
}

TEST_F(MakeCrls, EachEntryStandsInThePartOfItsSerial) {
  std::set<std::string> serials;
  for (int i = 0; i < 40; ++i) serials.insert(revoked());
  auto const lists = make(4);
  ASSERT_EQ(lists.size(), 4u);
  for (auto const& serial : serials)
    for (auto const& list : lists) {
      bool const belongs =
          test.issuer->crl_places().url(list.scope) == test.issuer->crl_places().url_for(from_hex(serial).value());
      EXPECT_EQ(text_of(list).find(upper(serial)) != std::string::npos, belongs) << serial << " in " << list.scope;
    }
  EXPECT_THAT(text_of(lists[3]), HasSubstr("URI:" + test.issuer->crl_places().url("4-3")));
}

// RFC 5280 3.3: an entry goes once it stood in a list made beyond its certificate's end.
TEST_F(MakeCrls, EntriesGoAfterTheirCertificatesEnd) {
  auto const serial = upper(revoked());
  make();
  Time const beyond = kNow + 100 * kDay;
  EXPECT_THAT(text_of(make(1, beyond)[0]), HasSubstr(serial));
  EXPECT_THAT(text_of(make(1, beyond + kHour)[0]), HasSubstr("No Revoked Certificates"));
}

TEST_F(MakeCrls, WhatWasRevokedByAClockThatRanAheadCountsAsOfTheList) {
  revoked(kNow + kDay);
  store->write([](store::WriteTxn& txn) { return accept_clock(txn, kNow).has_value(); });
  auto const list = make().front();
  auto const* at = list.der.data();
  ossl::Ptr<X509_CRL, X509_CRL_free> const read(d2i_X509_CRL(nullptr, &at, static_cast<long>(list.der.size())));
  ASSERT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(read.get())), 1);
  auto const* entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(read.get()), 0);
  EXPECT_EQ(ASN1_TIME_compare(X509_REVOKED_get0_revocationDate(entry), X509_CRL_get0_lastUpdate(read.get())), 0);
}

// As an intent: a signer remembers the time of both, so who asks it for a certificate has to hear of it before that.
TEST_F(MakeCrls, AListOfAClockThatRanAheadIsRemembered) {
  make(1, kNow + kDay);
  std::optional<Time> mark;
  store->read([&](store::ReadTxn& txn) { mark = clock_mark(txn); });
  EXPECT_EQ(mark, kNow + kDay);
  EXPECT_THAT(make_crls(*store, *test.issuer, 1, kPlan, kNow).error().detail(), HasSubstr("revocation list was made"));
  auto const draft = test.issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), kNow).value();
  Result<> intended;
  store->write([&](store::WriteTxn& txn) { return (intended = record_intent(txn, draft, "order-1")).ok(); });
  EXPECT_EQ(intended.error().code(), Errc::unavailable);
}

TEST_F(MakeCrls, DivisionsAreRemembered) {
  EXPECT_THAT(divisions(), IsEmpty());
  make(4);
  EXPECT_THAT(divisions(), ElementsAre(4));
  make(16);
  make(1);
  EXPECT_THAT(divisions(), ElementsAre(1, 4, 16));
}

TEST_F(MakeCrls, Refusals) {
  struct Case {
    char const* name;
    Time now;
    bool key_is_away;
    char const* why;
  };
  revoked();
  for (Case const& c : {
           Case{"a clock that ran back", kNow - kHour, false, "clock says"},
           Case{"after the issuer's end", kNow + 365 * 30 * kDay, false, "ended at"},
           Case{"the key is away", kNow, true, "no token in the slot"},
       }) {
    SCOPED_TRACE(c.name);
    test.key->instead = nullptr;
    if (c.key_is_away)
      test.key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
    auto const made = make_crls(*store, *test.issuer, 1, kPlan, c.now);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code(), Errc::unavailable);
    EXPECT_THAT(made.error().detail(), HasSubstr(c.why));
  }
  EXPECT_EQ(last_signed(), std::nullopt) << "a list that was only begun is no list";
  test.key->instead = nullptr;
  auto const list = make()[0];
  EXPECT_EQ(last_signed(), list.state);
  EXPECT_EQ(list.state.number, 2u) << "the number of the list that was not signed is left out";
}

}  // namespace
}  // namespace lenscap::ca::test
