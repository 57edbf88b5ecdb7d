// The trail as a file: whatever somebody does to the file afterwards is found, without the store.
#include "ca/audit_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <functional>

#include "base/json.h"
#include "store/backends.h"

namespace lenscap::ca {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kEntries = 20;

AuditEntry entry(std::uint64_t number) {
  return {.at = from_unix(1'790'000'000 + static_cast<long long>(number)),
          .event = AuditEvent::certificate_issued,
          .actor = "account 7",
          .subject = "0" + std::to_string(number),
          .rule = "camera-https",
          .detail = "=cam" + std::to_string(number) + ".example, \"quoted\"\r\n\u00e4"};
}

using Lines = std::vector<std::string>;

// Lines of a store that has these entries, and as many hashes as there are lines.
struct Exported {
  Lines lines;
  std::vector<AuditHead> heads;  // of each entry

  AuditHead last() const { return heads.back(); }
};

Exported export_of(store::Store& store) {
  Exported all;
  store.read([&](store::ReadTxn& txn) {
    Sha256 before{};
    visit_audit_rows(txn, 1, [&](std::string_view, Result<NumberedEntry> const& read) {
      if (read->hash == chain_audit(Sha256{}, read->text)) before = {};
      all.lines.push_back(audit_line(*read, before).value());
      all.heads.push_back({read->number, before = read->hash});
      return true;
    });
  });
  return all;
}

std::unique_ptr<store::Store> filled(std::vector<AuditEntry> const& entries) {
  auto store = store::make_memory_store();
  store->write([&](store::WriteTxn& txn) {
    for (auto const& each : entries) append_audit(txn, each);
    return true;
  });
  return store;
}

std::vector<AuditEntry> usual() {
  std::vector<AuditEntry> all;
  for (std::uint64_t i = 1; i <= kEntries; ++i) all.push_back(entry(i));
  return all;
}

ExportVerdict judge(Lines const& lines, std::vector<AuditHead> kept = {}, std::uint64_t from = 1) {
  ExportCheck check(std::move(kept), from);
  for (auto const& each : lines) check.line(each);
  return check.finish();
}

TEST(AuditLine, HasTheEntryOctetForOctetAndItsHashes) {
  auto const lines = export_of(*filled(usual())).lines;
  auto const object = json::parse_object(lines[1]).value();
  EXPECT_EQ(json::need_int(object, "number").value(), 2);
  EXPECT_EQ(json::need_int(object, "at").value(), to_unix(entry(2).at));
  EXPECT_EQ(json::need_string(object, "detail").value(), entry(2).detail);
  EXPECT_EQ(json::need_string(object, "before").value(),
            json::need_string(json::parse_object(lines[0]).value(), "hash").value());
  auto const text = lines[1].substr(0, lines[1].find(",\"before\"")) + "}";
  auto const before = from_hex(json::need_string(object, "before").value()).value();
  auto octets = before;
  octets.insert(octets.end(), text.begin(), text.end());
  EXPECT_EQ(json::need_string(object, "hash").value(), to_hex(sha256(octets)));
}

// Who writes the store may write any octets that are JSON; a file would have two lines of it.
TEST(AuditLine, IsNoneOfWhatWouldNotComeOutAsItWentIn) {
  NumberedEntry read{1, entry(1), "{\"number\":1}", {}};
  EXPECT_TRUE(audit_line(read, {}));
  for (auto const* text : {"{\"number\":\n1}", "{\"number\":\r1}", "{\"number\":1} ", ""}) {
    read.text = text;
    EXPECT_FALSE(audit_line(read, {})) << text;
  }
}

TEST(ExportCheck, AWholeFileIsGood) {
  auto const made = export_of(*filled(usual()));
  auto const verdict = judge(made.lines, {made.last()});
  EXPECT_EQ(verdict.fault, "");
  EXPECT_EQ(verdict.last, made.last());
  EXPECT_EQ(verdict.begins, 1U);
  EXPECT_EQ(verdict.kept, kEntries);
  EXPECT_EQ(judge(made.lines).kept, 0U) << "nobody told";
  EXPECT_EQ(judge(made.lines, {made.heads[14], made.heads[3]}).kept, 15U);
}

// As one that could not be written.
TEST(ExportCheck, AFileWithoutAnEntryIsNotGood) { EXPECT_THAT(ExportCheck({}).finish().fault, HasSubstr("no entry")); }

// Also without a head, but for the last ones.
TEST(ExportCheck, AnyChangedOctetIsFound) {
  auto const made = export_of(*filled(usual()));
  for (std::size_t i = 0; i < made.lines[8].size(); ++i) {
    auto lines = made.lines;
    lines[8][i] = static_cast<char>(lines[8][i] ^ 0x01);
    auto const verdict = judge(lines, {made.last()});
    EXPECT_THAT(verdict.fault, HasSubstr("entry 9 ")) << lines[8];
    EXPECT_EQ(verdict.last.number, 8U);
    EXPECT_NE(judge(lines).fault, "") << lines[8];
  }
}

TEST(ExportCheck, WhatWasDoneToTheFileIsFoundAndNamed) {
  struct Case {
    char const* name;
    std::function<void(Lines&)> done;
    char const* says;
  };
  Case const cases[] = {
      {"deleted", [](Lines& all) { all.erase(all.begin() + 6); }, "entry 7 is missing; the next one is 8"},
      {"the first ones deleted", [](Lines& all) { all.erase(all.begin(), all.begin() + 3); },
       "entry 1 is missing; the next one is 4"},
      {"swapped", [](Lines& all) { std::swap(all[3], all[4]); }, "entry 4 is missing; the next one is 5"},
      {"replayed", [](Lines& all) { all.insert(all.begin() + 9, all[4]); },
       "entry 10 is missing: entry 5 stands in its place"},
      {"replayed at the end", [](Lines& all) { all.push_back(all.back()); }, "entry 21 is missing: entry 20 stands"},
      {"in the place of another", [](Lines& all) { all[5] = all[2]; }, "entry 6 is missing: entry 3 stands"},
      {"truncated", [](Lines& all) { all.resize(12); }, "entry 13 is missing: the file ends before it"},
      {"truncated to nothing", [](Lines& all) { all.clear(); }, "entry 1 is missing: the file ends before it"},
      {"truncated in a line", [](Lines& all) { all.back().resize(100); }, "entry 20 cannot be read"},
      {"a line that is none", [](Lines& all) { all.insert(all.begin() + 2, ""); }, "entry 3 cannot be read"},
      {"a hash in capitals",
       [](Lines& all) {
         auto& line = all[1];
         std::transform(line.end() - 66, line.end() - 2, line.end() - 66,
                        [](unsigned char c) { return std::toupper(c); });
       },
       "entry 2 cannot be read"},
      {"unreadable when it was exported",
       [](Lines& all) { all[7] = R"({"row":"0000000000000008","event":"unreadable","detail":"it is too short"})"; },
       "entry 8 cannot be read"},
  };
  auto const made = export_of(*filled(usual()));
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto lines = made.lines;
    c.done(lines);
    EXPECT_THAT(judge(lines, {made.last()}).fault, HasSubstr(c.says));
  }
}

// Who knows how lines are made can make a file that is good in itself; a head shows it.
TEST(ExportCheck, AKeptHeadShowsWhatTheFileItselfCannot) {
  using Entries = std::vector<AuditEntry>;
  struct Case {
    char const* name;
    std::function<void(Entries&)> change;
    char const* says;
  };
  Case const cases[] = {
      {"another actor", [](Entries& all) { all[5].actor = "account 8"; }, "entry 20 is not what it was"},
      {"one taken out", [](Entries& all) { all.erase(all.begin() + 3); }, "entry 20 is missing: the file ends"},
      {"two swapped", [](Entries& all) { std::swap(all[1], all[2]); }, "entry 20 is not what it was"},
      {"one once more", [](Entries& all) { all.insert(all.begin() + 7, all[2]); }, "entry 20 is not what it was"},
      {"truncated", [](Entries& all) { all.pop_back(); }, "entry 20 is missing: the file ends"},
  };
  auto const kept = export_of(*filled(usual())).last();
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto entries = usual();
    c.change(entries);
    auto const forged = export_of(*filled(entries)).lines;
    EXPECT_EQ(judge(forged).fault, "") << "the forger of this test makes mistakes";
    EXPECT_THAT(judge(forged, {kept}).fault, HasSubstr(c.says));
  }
}

TEST(ExportCheck, APartIsHeldAgainstHeadsToo) {
  auto const made = export_of(*filled(usual()));
  Lines const part(made.lines.begin() + 9, made.lines.end());
  EXPECT_THAT(judge(part).fault, HasSubstr("entry 1 is missing; the next one is 10"));
  EXPECT_EQ(judge(part, {made.last()}, 10).fault, "");
  EXPECT_EQ(judge(part, {made.last()}, 10).begins, 10U);
  EXPECT_EQ(judge(part, {made.heads[8], made.last()}, 10).fault, "");
  EXPECT_THAT(judge(part, {made.heads[4]}, 10).fault, HasSubstr("no head that was given tells of entry 10"));
  auto other = made.heads[8];
  other.hash.front() ^= 1;
  EXPECT_THAT(judge(part, {other, made.last()}, 10).fault, HasSubstr("entry 10 does not follow on what is before it"));
  auto changed = part;
  changed.front().replace(changed.front().find("account 7"), 9, "account 8");
  EXPECT_THAT(judge(changed, {made.last()}, 10).fault, HasSubstr("entry 10 was changed"));
}

// Somebody accepted that the trail was changed: what is before that is not vouched for.
TEST(ExportCheck, ATrailThatBeganAnewIsGoodFromThereOn) {
  auto const store = filled(usual());
  store->write([&](store::WriteTxn& txn) {
    auto accepted = entry(25);
    accepted.event = AuditEvent::audit_break_accepted;
    begin_audit_anew(txn, 25, accepted);
    append_audit(txn, entry(26));
    return true;
  });
  auto made = export_of(*store);
  auto const old_head = made.heads[kEntries - 1];
  auto const verdict = judge(made.lines, {old_head, made.last()});
  EXPECT_EQ(verdict.fault, "");
  EXPECT_EQ(verdict.begins, 25U);
  EXPECT_EQ(verdict.last, made.last());
  EXPECT_EQ(verdict.kept, 26U);
  made.lines[3] = "what somebody left of it";
  EXPECT_EQ(judge(made.lines, {old_head, made.last()}).fault, "");
  // Who writes such an entry himself has no head of it.
  EXPECT_THAT(judge(made.lines, {old_head}).fault, HasSubstr("no head that was given tells of entry 25"));
  std::swap(made.lines[made.lines.size() - 1], made.lines[made.lines.size() - 2]);
  EXPECT_NE(judge(made.lines, {made.last()}).fault, "");
}

TEST(ExportCheck, OnlyWhatIsBoundToNothingBeginsAnew) {
  auto entries = usual();
  entries[9].event = AuditEvent::audit_break_accepted;
  auto made = export_of(*filled(entries));
  EXPECT_EQ(judge(made.lines, {made.last()}).begins, 1U);
  made.lines[3] = "what somebody left of it";
  EXPECT_THAT(judge(made.lines, {made.last()}).fault, HasSubstr("entry 4 cannot be read"));
}

TEST(ExportCheck, ALineThatIsTooLongIsNone) {
  EXPECT_THAT(judge({std::string(kAuditLineMax + 1, 'x')}).fault, HasSubstr("entry 1 cannot be read"));
}

}  // namespace
}  // namespace lenscap::ca
