// The signer's book: what is in it after a restart, after a cut in the last line, and after a change by somebody.
#include "ca/signing_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "ca/gap.h"
#include "ca/ledger_tables.h"
#include "ca/signing_ledger_check.h"
#include "store/store.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SignedEntry certificate(std::string const& serial) {
  return {.issuer = "abcd", .at = kNow, .serial_hex = serial, .tbs_hash = std::string(64, 'a')};
}
SignedEntry list(std::string const& scope, std::uint64_t number) {
  return {.kind = SignedEntry::Kind::crl,
          .issuer = "abcd",
          .at = kNow,
          .scope = scope,
          .number = number,
          .tbs_hash = std::string(64, 'b')};
}

struct SigningLedgerTest : ::testing::Test {
  fakes::TempDir dir;
  std::string const path = dir.path("ledger");
  std::vector<SignedEntry> seen;

  Result<SigningLedger> open() {
    seen.clear();
    return SigningLedger::open(path, [this](SignedEntry const& entry) { seen.push_back(entry); });
  }
  void write(std::vector<SignedEntry> const& entries) {
    auto ledger = open().value();
    for (auto const& entry : entries) ledger.add(entry);
    ASSERT_TRUE(ledger.commit());
  }
};

TEST_F(SigningLedgerTest, KeepsWhatWasCommitted) {
  SignedEntry const clock{.kind = SignedEntry::Kind::clock, .at = kNow};
  write({certificate("01ab"), list("", 3), list("16-5", 4), clock});
  write({certificate("01ac")});
  auto const ledger = open();
  EXPECT_THAT(seen, ElementsAre(certificate("01ab"), list("", 3), list("16-5", 4), clock, certificate("01ac")));
  auto const mode = std::filesystem::status(path).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(SigningLedgerTest, ALastLineThatIsCutOffGoesWhereverItIsCut) {
  write({certificate("01ab")});
  auto const good = std::filesystem::file_size(path);
  auto const line = to_line(certificate("01ac"));
  for (std::size_t length = 1; length < line.size(); ++length) {
    std::ofstream(path, std::ios::app) << line.substr(0, length);
    EXPECT_TRUE(visit_signing_ledger(path, [](SignedEntry const&) {})) << "it may be written at this moment";
    ASSERT_TRUE(open()) << length;
    ASSERT_THAT(seen, ElementsAre(certificate("01ab"))) << length;
    ASSERT_EQ(std::filesystem::file_size(path), good) << length;
  }
}

// Of what was not synced a disk keeps any sectors; the others read as zeros.
TEST_F(SigningLedgerTest, HolesThatAPowerCutLeftAtItsEndGo) {
  auto const lines = to_line(certificate("01ac")) + to_line(certificate("01ad")) + to_line(list("", 3));
  std::string const holes[] = {std::string(20, '\0') + lines.substr(20), lines.substr(0, 150) + std::string(4096, '\0'),
                               std::string(2000, '\0'), std::string(512, '\0') + lines};
  for (auto const& hole : holes) {
    std::filesystem::remove(path);
    write({certificate("01ab")});
    std::ofstream(path, std::ios::binary | std::ios::app) << hole;
    EXPECT_TRUE(visit_signing_ledger(path, [](SignedEntry const&) {}));
    write({certificate("01ae")});
    ASSERT_TRUE(open());
    EXPECT_EQ(seen.front(), certificate("01ab"));
    EXPECT_EQ(seen.back(), certificate("01ae"));
  }
  // Not in the middle, where everything was synced long ago.
  std::ofstream(path, std::ios::binary | std::ios::app) << std::string(600, '\0') << std::string(100'000, 'x');
  EXPECT_FALSE(open());
}

TEST_F(SigningLedgerTest, AChangedLineIsNotReadOver) {
  write({certificate("01ab"), certificate("01ac")});
  std::string text = to_line(certificate("01ab")) + to_line(certificate("01ac"));
  text[text.find("01ab") + 3] = 'c';
  std::ofstream(path, std::ios::trunc) << text;
  auto const opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().detail(), HasSubstr("line 1 cannot be read"));
  EXPECT_FALSE(visit_signing_ledger(path, [](SignedEntry const&) {}));
}

TEST_F(SigningLedgerTest, NobodyWritesItBesideAnother) {
  auto ledger = std::make_optional(open().value());
  auto second =
      std::async(std::launch::async, [this] { return SigningLedger::open(path, [](SignedEntry const&) {}).ok(); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  ledger.reset();
  EXPECT_TRUE(second.get()) << "a signer that is just ending is waited for";
}

TEST_F(SigningLedgerTest, NoFileIsAnEmptyLedger) {
  EXPECT_TRUE(visit_signing_ledger(path, [this](SignedEntry const& entry) { seen.push_back(entry); }));
  EXPECT_THAT(seen, IsEmpty());
}

TEST(ParseLine, RefusesWhatIsNoLine) {
  auto const good = to_line(certificate("01ab"));
  ASSERT_TRUE(parse_line(good.substr(0, good.size() - 1)));
  for (std::size_t i = 0; i + 1 < good.size(); ++i) {
    auto bad = good.substr(0, good.size() - 1);
    bad[i] = bad[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(parse_line(bad)) << bad;
  }
  EXPECT_FALSE(parse_line(""));
}

TEST_F(SigningLedgerTest, TheStoreIsAskedWhetherItKnowsWhatWasSigned) {
  TestCa test;
  auto const store = store::open("memory:", "").value();
  auto const draft = test.issuer->prepare(profile("camera-https"), request(names({"cam1.cams.example"})), kNow).value();
  auto const serial = draft.serial_hex();
  auto known = certificate(serial);
  known.tbs_hash = to_hex(sha256(draft.tbs()));
  store->write([&](store::WriteTxn& txn) { return record_intent(txn, draft, "order").ok(); });
  auto changed = known;
  changed.tbs_hash = std::string(64, 'a');
  write({known, certificate("01ab"), list("", 3), changed});
  EXPECT_THAT(find_unknown(*store, path).value(), ElementsAre(certificate("01ab"), changed));
}

// A store whose certificates are said to come from a signer with a ledger, or not.
struct LedgerOfAStore : SigningLedgerTest {
  SignedEntry issue(bool by_signer, Time now = kNow, bool is_open = false) {
    auto draft = test.issuer->prepare(profile("camera-https"), request(names({"cam1.cams.example"})), now).value();
    auto line = certificate(draft.serial_hex());
    line.tbs_hash = to_hex(sha256(draft.tbs()));
    store->write([&](store::WriteTxn& txn) {
      EXPECT_TRUE(record_intent(txn, draft, "order").ok());
      if (!by_signer) return true;
      // As the record of an issuer whose signer is elsewhere.
      std::string value(txn.get(tables::kIntents, line.serial_hex).value());
      txn.put(tables::kIntents, line.serial_hex, value.insert(1, "\"by_signer\":true,"));
      return true;
    });
    if (is_open) return line;
    auto const signed_one = test.issuer->sign(std::move(draft)).value();
    store->write([&](store::WriteTxn& txn) { return record_issued(txn, signed_one, now).ok(); });
    return line;
  }
  std::vector<std::string> missing(Time now = kNow) {
    std::vector<std::string> serials;
    auto const found = find_missing(*store, path, now, 100).value();
    for (auto const& record : found.first) serials.push_back(record.serial_hex);
    EXPECT_EQ(found.count, serials.size());
    return serials;
  }
  std::vector<std::string> missing_of_late(std::vector<SignedEntry> recent) {
    std::vector<std::string> serials;
    store->read([&](store::ReadTxn& txn) {
      for (auto const& record : find_missing_of_late(txn, {std::move(recent), {}}, kNow).first)
        serials.push_back(record.serial_hex);
    });
    return serials;
  }
  TestCa test;
  std::unique_ptr<store::Store> store = store::open("memory:", "").value();
};

TEST_F(LedgerOfAStore, LinesThatWereCutAreMissing) {
  issue(false);  // by a server that kept its key to itself
  auto const first = issue(true);
  auto const second = issue(true, kNow + kHour);
  write({first, second});
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_THAT(missing_of_late({first, second}), IsEmpty());
  for (auto const& left : {std::vector<SignedEntry>{}, {first}}) {
    std::filesystem::remove(path);
    write(left);
    SCOPED_TRACE(left.size());
    auto const expected =
        left.empty() ? std::vector{second.serial_hex, first.serial_hex} : std::vector{second.serial_hex};
    EXPECT_EQ(missing(), expected);
    EXPECT_EQ(missing_of_late(left), expected);
  }
  std::filesystem::remove(path);
  EXPECT_THAT(missing(), SizeIs(2)) << "a ledger that is not there has no line";
  EXPECT_THAT(missing(kNow + 100 * kDay), IsEmpty()) << "what has ended is of use to nobody";
  EXPECT_EQ(find_missing(*store, path, kNow, 1).value().count, 2U) << "all are counted";
}

// The octets count, not the serial number alone.
TEST_F(LedgerOfAStore, AnotherLineUnderTheSameNumberIsNone) {
  auto line = issue(true);
  auto const serial = line.serial_hex;
  line.tbs_hash = std::string(64, 'a');
  write({line});
  EXPECT_THAT(missing(), ElementsAre(serial));
}

// The ledger of a lost machine is lost: what was signed there has no line here, and what came after it has.
TEST_F(LedgerOfAStore, OfBeforeARestoreNothingIsAsked) {
  issue(true);
  store->write([](store::WriteTxn& txn) {
    open_gap(txn, {kNow, kNow + kHour});
    return true;
  });
  EXPECT_THAT(missing(), IsEmpty());
  store->write([](store::WriteTxn& txn) { return close_gap(txn, kNow + kHour).has_value(); });
  EXPECT_THAT(missing(), IsEmpty());
  auto const after = issue(true, kNow + 2 * kHour);
  EXPECT_THAT(missing(), ElementsAre(after.serial_hex));
}

TEST_F(LedgerOfAStore, TellsWhetherAnOpenIntentWasSigned) {
  auto const lost = issue(true, kNow, true);
  auto const never = issue(true, kNow + kMinute, true);
  write({issue(true), lost});
  auto const check = [&](std::vector<OpenIntent> const& open) {
    ASSERT_THAT(open, SizeIs(2));
    EXPECT_EQ(open[0].serial_hex, lost.serial_hex);
    EXPECT_TRUE(open[0].was_signed);
    EXPECT_EQ(open[1].serial_hex, never.serial_hex);
    EXPECT_FALSE(open[1].was_signed);
  };
  check(find_open_intents(*store, path).value());
  EXPECT_THAT(missing(), IsEmpty()) << "an intent is no certificate";
  // What was decided is not asked.
  store->write([&](store::WriteTxn& txn) {
    EXPECT_TRUE(record_revoked(txn, lost.serial_hex, {.at = kNow, .reason = {}, .by = "a test"}).ok());
    return give_up_intent(txn, never.serial_hex, CertificateStatus::not_issued, kNow).ok();
  });
  EXPECT_THAT(find_open_intents(*store, path).value(), IsEmpty());
}

TEST_F(LedgerOfAStore, RulesOutWhatItCannotHaveLost) {
  auto const before = issue(true, kNow - kHour);
  auto const lost = issue(true, kNow, true);
  auto const of_the_server = issue(false, kNow + Seconds(1), true);
  auto const tell = [&](SignedEntry const& intent, std::vector<SignedEntry> recent) {
    WasSigned was_signed{};
    store->read([&](store::ReadTxn& txn) {
      was_signed =
          SignedOfLate(txn, {std::move(recent), {}}, kNow).tell(find_by_serial(txn, intent.serial_hex).value());
    });
    return was_signed;
  };
  // As many as it ever tells of, the oldest of this time: before that it may have forgotten.
  auto const since = [&](Time oldest) {
    std::vector<SignedEntry> all{before};
    all.front().at = oldest;
    auto other = certificate("01ab");
    other.at = kNow + kMinute;
    while (all.size() < kRecent) all.push_back(other);
    return all;
  };
  EXPECT_EQ(tell(lost, {before, lost}), WasSigned::yes);
  EXPECT_EQ(tell(lost, {before}), WasSigned::no);
  EXPECT_EQ(tell(of_the_server, {before}), WasSigned::unknown) << "no signer was to sign it";
  EXPECT_EQ(tell(lost, {}), WasSigned::unknown) << "the ledger lacks what the store has: it was cut, or is another";
  EXPECT_EQ(tell(lost, since(kNow - kHour)), WasSigned::no);
  EXPECT_EQ(tell(lost, since(kNow - 5 * kMinute)), WasSigned::unknown) << "the clock may have stepped back so far";
  EXPECT_EQ(tell(lost, since(kNow + kMinute)), WasSigned::unknown);
  store->write([](store::WriteTxn& txn) {
    open_gap(txn, {kNow - kHour, kNow + kMinute});
    return true;
  });
  EXPECT_EQ(tell(lost, {before}), WasSigned::unknown) << "the ledger may be that of another machine";
}

TEST_F(LedgerOfAStore, ALineOfWhatWasRuledOutIsNotKnown) {
  auto const lost = issue(true, kNow, true);
  store->write([&](store::WriteTxn& txn) {
    return give_up_intent(txn, lost.serial_hex, CertificateStatus::not_issued, kNow).ok();
  });
  write({lost});
  EXPECT_THAT(find_unknown(*store, path).value(), ElementsAre(lost));
  store->write([&](store::WriteTxn& txn) {
    return record_revoked(txn, lost.serial_hex, {.at = kNow, .reason = {}, .by = "a test"}).ok();
  });
  EXPECT_THAT(find_unknown(*store, path).value(), IsEmpty()) << "that settles it";
}

// What a person revoked without knowing more of it is settled.
TEST_F(LedgerOfAStore, ALineOfWhatWasRevokedAsUnknownIsKnown) {
  write({certificate("01ab")});
  EXPECT_THAT(find_unknown(*store, path).value(), SizeIs(1));
  store->write([](store::WriteTxn& txn) {
    return record_unknown_revoked(txn, "01ab", "issuer", kNow + kDay, {.at = kNow, .reason = {}, .by = "a test"}).ok();
  });
  EXPECT_THAT(find_unknown(*store, path).value(), IsEmpty());
}

}  // namespace
}  // namespace lenscap::ca::test
