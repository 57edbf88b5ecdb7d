#include "ca/crl_schedule.h"

#include <gtest/gtest.h>

#include "ca/clock_mark.h"
#include "ca/ledger_tables.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

constexpr CrlPlan kPlan{.lifetime = 8 * kDay, .after_revocation = kHour};

TEST(CrlDueAt, Rule) {
  CrlState const last{.number = 5, .this_update = kNow, .next_update = kNow + 8 * kDay, .revocations = 3};
  struct Case {
    char const* name;
    std::optional<CrlState> last;
    std::uint64_t revocations;
    Time now;
    Time due_at;
  };
  Case const cases[] = {
      {"none yet: at once", {}, 0, kNow, kNow},
      {"nothing revoked since: at half its life", last, 3, kNow + kHour, kNow + 4 * kDay},
      {"the same when that is past", last, 3, kNow + 9 * kDay, kNow + 4 * kDay},
      {"something revoked: not at once", last, 4, kNow, kNow + kHour},
      {"the same when that is past", last, 4, kNow + 2 * kHour, kNow + kHour},
      {"a ledger put back: another number is news", last, 2, kNow + 2 * kHour, kNow + kHour},
      {"a clock that runs back a little changes nothing", last, 3, kNow - kClockStepBack, kNow + 4 * kDay},
      {"a list from the future: at once", last, 3, kNow - kClockStepBack - Seconds(1),
       kNow - kClockStepBack - Seconds(1)},
  };
  for (Case const& c : cases) EXPECT_EQ(crl_due_at(kPlan, c.last, c.revocations, c.now), c.due_at) << c.name;
  // A pause longer than half the life does not put off the regular list.
  EXPECT_EQ(crl_due_at({.lifetime = 8 * kDay, .after_revocation = 30 * kDay}, last, 4, kNow), kNow + 4 * kDay);
}

class BeginCrl : public ::testing::Test {
 protected:
  CrlBegin begin(std::string const& scope, Time now, std::string const& issuer = "ab") {
    CrlBegin made;
    store->write([&](store::WriteTxn& txn) {
      made = begin_crl(txn, kPlan, issuer, scope, now);
      return true;
    });
    return made;
  }
  std::optional<CrlState> find(std::string const& scope, std::string const& issuer = "ab") {
    std::optional<CrlState> found;
    store->read([&](store::ReadTxn& txn) { found = find_begun_crl(txn, issuer, scope); });
    return found;
  }
  std::optional<CrlState> find_signed(std::string const& scope) {
    std::optional<CrlState> found;
    store->read([&](store::ReadTxn& txn) { found = find_signed_crl(txn, "ab", scope); });
    return found;
  }
  void have_signed(std::string const& scope, CrlState const& state) {
    store->write([&](store::WriteTxn& txn) {
      record_signed_crl(txn, "ab", scope, SignedCrlState{state, 3, "5eed"});
      return true;
    });
  }
  std::unique_ptr<store::Store> store = store::open("memory:", "").value();
};

TEST_F(BeginCrl, NumbersRise) {
  EXPECT_EQ(find(""), std::nullopt);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    auto const made = begin("", kNow + number * kHour);
    EXPECT_EQ(made.state.number, number);
    EXPECT_EQ(made.state.this_update, kNow + number * kHour);
    EXPECT_EQ(made.state.next_update, kNow + number * kHour + 8 * kDay);
    EXPECT_EQ(find(""), made.state);
  }
  EXPECT_EQ(begin("", kNow).state.number, 4u) << "whatever the clock does";
}

TEST_F(BeginCrl, EachScopeAndIssuerCountsForItself) {
  begin("", kNow);
  begin("", kNow);
  EXPECT_EQ(begin("1", kNow).state.number, 1u);
  EXPECT_EQ(begin("", kNow, "cd").state.number, 1u);
  EXPECT_EQ(begin("", kNow).state.number, 3u);
}

// RFC 5280 3.3: an entry goes only after it stood in a list made beyond its certificate's end.
TEST_F(BeginCrl, EntriesOutliveTheirCertificatesByOneList) {
  EXPECT_EQ(begin("", kNow).ends_from, kNow);
  EXPECT_EQ(begin("", kNow + kDay).ends_from, kNow);
  EXPECT_EQ(begin("", kNow + 3 * kDay).ends_from, kNow + kDay);
}

// A key that is away: lists are begun again and again, and none of them stood anywhere.
TEST_F(BeginCrl, WhatWasNotSignedCountsForItsNumberAlone) {
  EXPECT_EQ(find_signed(""), std::nullopt);
  auto const first = begin("", kNow);
  EXPECT_EQ(find_signed(""), std::nullopt);
  have_signed("", first.state);
  begin("", kNow + kDay);
  auto const third = begin("", kNow + 2 * kDay);
  EXPECT_EQ(third.state.number, 3u);
  EXPECT_EQ(third.ends_from, kNow) << "what ended since the first one still has to stand in a list";
  EXPECT_EQ(find_signed(""), first.state);
  EXPECT_EQ(find_signed("1"), std::nullopt);
  have_signed("", third.state);
  EXPECT_EQ(find_signed(""), third.state);
  EXPECT_EQ(begin("", kNow + 3 * kDay).ends_from, kNow + 2 * kDay);
}

TEST_F(BeginCrl, KnowsTheRevocationsOfItsIssuer) {
  TestCa const ca;
  auto draft = ca.issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), kNow).value();
  auto const serial = draft.serial_hex();
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  store->write([&](store::WriteTxn& txn) { return record_intent(txn, draft, "order-1").ok(); });
  EXPECT_EQ(begin("", kNow, issuer).state.revocations, 0u);
  store->write([&](store::WriteTxn& txn) {
    return record_revoked(txn, serial, {.at = kNow, .reason = {}, .by = "a test"}).ok();
  });
  EXPECT_EQ(begin("", kNow, issuer).state.revocations, 1u);
  EXPECT_EQ(begin("", kNow, "another").state.revocations, 0u);
}

TEST_F(BeginCrl, StateThatCannotBeRead) {
  store->write([&](store::WriteTxn& txn) {
    txn.put(store::Table{"ca_crls"}, "ab|", R"({"number":-1,"this_update":1,"next_update":2,"revocations":0})");
    return true;
  });
  EXPECT_THROW(find(""), store::Broken);
}

TEST(NoteSignedCrl, NumbersGoOnAboveWhatWasSigned) {
  auto const store = store::open("memory:", "").value();
  store->write([&](store::WriteTxn& txn) {
    EXPECT_TRUE(note_signed_crl(txn, "abcd", "", 8, kNow));
    EXPECT_FALSE(note_signed_crl(txn, "abcd", "", 7, kNow));
    EXPECT_EQ(begin_crl(txn, CrlPlan{}, "abcd", "", kNow + kHour).state.number, 9U);
    return true;
  });
}

// What was signed in the gap bears these numbers; the next list comes above, however often a store is put back.
TEST_F(BeginCrl, NumbersGoOnAboveThoseOfAGap) {
  auto const restore = [&](Time from, Time now) {
    store->write([&](store::WriteTxn& txn) {
      lift_crl_numbers(txn, from, now);
      return true;
    });
  };
  for (int i = 0; i < 5; ++i) begin("", kNow);
  restore(kNow, kNow + kMinute);
  auto const first = begin("", kNow + kMinute).state.number;
  EXPECT_EQ(first, 5 + 60 * kCrlsPerSecond + kCrlsAtOnce + 1);
  EXPECT_GT(begin("16-3", kNow).state.number, 60 * kCrlsPerSecond) << "of a list that the store does not know";
  // The same back-up again, after a day of a list each second.
  auto const last = first + 24 * 3600;
  auto const other = std::exchange(store, store::open("memory:", "").value());
  for (int i = 0; i < 5; ++i) begin("", kNow);
  restore(kNow, kNow + kMinute + kDay);
  EXPECT_GT(begin("", kNow + kDay).state.number, last);
  EXPECT_EQ(find_signed(""), std::nullopt) << "that numbers are used up is no list";
}

TEST_F(BeginCrl, ASignedListIsKnownByItsTag) {
  auto const begun = begin("4-1", kNow).state;
  auto const as = [&](SignedCrlState const& state) {
    store->write([&](store::WriteTxn& txn) {
      record_signed_crl(txn, "ab", "4-1", state);
      return true;
    });
    std::optional<SignedCrlState> found;
    store->read([&](store::ReadTxn& txn) { found = find_signed_crl(txn, "ab", "4-1"); });
    return found;
  };
  SignedCrlState const known{begun, 17, "c0ffee"};
  EXPECT_EQ(as(known), known);
  EXPECT_EQ(as({begun, 0, ""}), (SignedCrlState{begun, 0, ""}));
}

// Stores of before have lists without one.
TEST_F(BeginCrl, ASignedListMayHaveNoTag) {
  std::optional<SignedCrlState> found;
  store->write([&](store::WriteTxn& txn) {
    txn.put(tables::kSignedCrls, "ab|", R"({"number":3,"this_update":1000,"next_update":2000,"revocations":5})");
    found = find_signed_crl(txn, "ab", "");
    return true;
  });
  EXPECT_EQ(found, (SignedCrlState{{3, from_unix(1000), from_unix(2000), 5}, 0, ""}));
}

// A new issuer's first list has to be one that its signer takes.
TEST_F(BeginCrl, TheFirstNumberStaysSmall) {
  store->write([&](store::WriteTxn& txn) {
    lift_crl_numbers(txn, kNow - 365 * kDay, kNow);
    lift_crl_numbers(txn, kNow - 365 * kDay, kNow);
    return true;
  });
  EXPECT_EQ(begin("", kNow, "new").state.number, 500'001u);
}

}  // namespace
}  // namespace lenscap::ca::test
