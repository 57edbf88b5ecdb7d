// The signer's book: what is in it after a restart, after a cut in the last line, and after a change by somebody.
#include "ca/signing_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "ca/signing_ledger_check.h"
#include "store/store.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace lenscap::ca::test
