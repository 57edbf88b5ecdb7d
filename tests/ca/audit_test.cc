// The audit trail: what was added is there in order, and whatever somebody does to it afterwards is found.
#include "ca/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "store/backends.h"

namespace lenscap::ca {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr store::Table kTable{"ca_audit"};
constexpr std::uint64_t kEntries = 20;

AuditEntry entry(std::uint64_t number) {
  return {.at = from_unix(1'790'000'000 + static_cast<long long>(number)),
          .event = number % 2 == 0 ? AuditEvent::certificate_revoked : AuditEvent::certificate_issued,
          .actor = "account 7",
          .subject = "0" + std::to_string(number),
          .rule = "camera-https",
          .detail = "cam" + std::to_string(number) + ".example"};
}

std::string key(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

struct Trail : ::testing::Test {
  std::unique_ptr<store::Store> store;
  AuditHead kept;  // of the whole trail, as somebody has it elsewhere

  Trail() {
    fill();
    store->read([&](store::ReadTxn& txn) { kept = find_audit_head(txn).value(); });
  }
  void fill() {
    store = store::make_memory_store();
    for (std::uint64_t i = 1; i <= kEntries; ++i) append(entry(i));
  }
  void append(AuditEntry const& what) {
    store->write([&](store::WriteTxn& txn) {
      append_audit(txn, what);
      return true;
    });
  }
  std::string row(std::uint64_t number) {
    std::string value;
    store->read([&](store::ReadTxn& txn) { value = txn.get(kTable, key(number)).value(); });
    return value;
  }
  void put(std::uint64_t number, std::string const& value) {
    store->write([&](store::WriteTxn& txn) {
      txn.put(kTable, key(number), value);
      return true;
    });
  }
  void erase(std::uint64_t number) {
    store->write([&](store::WriteTxn& txn) {
      txn.erase(kTable, key(number));
      return true;
    });
  }
  AuditVerdict verify(std::vector<AuditHead> const& heads = {}) {
    AuditVerdict verdict;
    store->read([&](store::ReadTxn& txn) { verdict = verify_audit(txn, heads); });
    return verdict;
  }
  // The whole trail made anew, with this done to it: what somebody does who knows how it is made.
  void make_anew(std::function<void(std::vector<AuditEntry>&)> const& change) {
    std::vector<AuditEntry> all;
    store->read([&](store::ReadTxn& txn) {
      visit_audit(txn, 1, [&](std::uint64_t, AuditEntry const& each) {
        all.push_back(each);
        return true;
      });
    });
    change(all);
    store = store::make_memory_store();
    for (auto const& each : all) append(each);
  }
};

TEST_F(Trail, IsReadBackInOrder) {
  std::uint64_t expected = 5;
  store->read([&](store::ReadTxn& txn) {
    visit_audit(txn, 5, [&](std::uint64_t number, AuditEntry const& each) {
      EXPECT_EQ(number, expected++);
      EXPECT_EQ(each, entry(number));
      return true;
    });
  });
  EXPECT_EQ(expected, kEntries + 1);
  EXPECT_EQ(kept.number, kEntries);
  auto const verdict = verify({kept});
  EXPECT_EQ(verdict.fault, "");
  EXPECT_EQ(verdict.last, kept);
}

TEST_F(Trail, AHeadStaysGoodWhenMoreIsAdded) {
  append(entry(21));
  EXPECT_EQ(verify({kept}).fault, "");
  EXPECT_EQ(verify({kept}).last.number, kEntries + 1);
  EXPECT_EQ(verify({{}, kept}).fault, "");
}

TEST_F(Trail, AnEmptyOneIsGood) {
  store = store::make_memory_store();
  EXPECT_EQ(verify().fault, "");
  EXPECT_EQ(verify().last.number, 0U);
  EXPECT_THAT(verify({kept}).fault, HasSubstr("entry 1 is missing"));
}

// By everybody who reads the trail, whether or not a head was kept.
TEST_F(Trail, AnyChangedOctetIsFound) {
  auto const good = row(9);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    put(9, changed);
    auto const verdict = verify();
    EXPECT_THAT(verdict.fault, HasSubstr("entry 9 ")) << "octet " << i;
    EXPECT_EQ(verdict.last.number, 8U);
  }
}

TEST_F(Trail, WhatWasDoneToItIsFoundAndNamed) {
  struct Case {
    char const* name;
    std::function<void()> done;
    char const* says;
  };
  auto const swap = [&](std::uint64_t a, std::uint64_t b) {
    auto const first = row(a);
    put(a, row(b));
    put(b, first);
  };
  Case const cases[] = {
      {"deleted", [&] { erase(7); }, "entry 7 is missing"},
      {"the first deleted", [&] { erase(1); }, "entry 1 is missing"},
      {"swapped", [&] { swap(4, 5); }, "entry 4 was changed, or stands where another one was"},
      {"put in the place of another", [&] { put(6, row(3)); }, "entry 6 was changed"},
      {"replayed at the end", [&] { put(21, row(20)); }, "entry 21 was changed"},
      {"cut short", [&] { put(8, "x"); }, "entry 8 cannot be read"},
      {"a row in front", [&] { put(0, row(1)); }, "entry 1: there is a row before it"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    fill();
    c.done();
    EXPECT_THAT(verify().fault, HasSubstr(c.says));
    EXPECT_THAT(verify({kept}).fault, HasSubstr(c.says));
  }
}

// Who can write the store can make a trail that is good in itself; a head that was kept elsewhere shows it.
TEST_F(Trail, AKeptHeadShowsWhatTheTrailItselfCannot) {
  struct Case {
    char const* name;
    std::function<void(std::vector<AuditEntry>&)> change;
    char const* says;
  };
  Case const cases[] = {
      {"truncated", [](auto& all) { all.pop_back(); }, "entry 20 is missing"},
      {"truncated to nothing", [](auto& all) { all.clear(); }, "entry 1 is missing"},
      {"one taken out", [](auto& all) { all.erase(all.begin() + 3); }, "entry 20 is missing"},
      {"one taken out, another added",
       [](auto& all) {
         all.erase(all.begin() + 3);
         all.push_back(entry(99));
       },
       "entry 20 is not what it was"},
      {"another actor", [](auto& all) { all[5].actor = "account 8"; }, "entry 20 is not what it was"},
      {"two swapped", [](auto& all) { std::swap(all[1], all[2]); }, "entry 20 is not what it was"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    fill();
    make_anew(c.change);
    EXPECT_EQ(verify().fault, "") << "the forger of this test makes mistakes";
    EXPECT_THAT(verify({kept}).fault, HasSubstr(c.says));
  }
}

// The earliest head that does not fit tells most.
TEST_F(Trail, TheEarliestKeptHeadNamesTheEntry) {
  AuditHead early;
  store = store::make_memory_store();
  for (std::uint64_t i = 1; i <= kEntries; ++i) {
    append(entry(i));
    if (i == 10) store->read([&](store::ReadTxn& txn) { early = find_audit_head(txn).value(); });
  }
  make_anew([](auto& all) { all[5].actor = "account 8"; });
  EXPECT_THAT(verify({kept, early}).fault, HasSubstr("entry 10 is not what it was"));
}

TEST_F(Trail, ATextThatIsTooLongIsCutAndTheRestKept) {
  auto long_one = entry(21);
  long_one.detail.clear();
  for (int i = 0; i < 500'000; ++i) long_one.detail += "\u00e4";
  append(long_one);
  EXPECT_LT(row(21).size(), 4096U);
  EXPECT_EQ(verify({kept}).fault, "");
  store->read([&](store::ReadTxn& txn) {
    visit_audit(txn, 21, [&](std::uint64_t, AuditEntry const& each) {
      EXPECT_EQ(each.subject, long_one.subject);
      EXPECT_THAT(each.detail, StartsWith("\u00e4\u00e4"));
      EXPECT_THAT(each.detail, HasSubstr("\u00e4 ... (1000000 octets")) << "whole characters";
      return true;
    });
  });
}

TEST(AuditEvents, EachHasAWord) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(AuditEvent::policy_changed); ++i) {  // the last one
    auto const event = static_cast<AuditEvent>(i);
    EXPECT_EQ(audit_event_of(to_string(event)), event);
    EXPECT_TRUE(words.insert(to_string(event)).second) << to_string(event);
  }
  EXPECT_EQ(audit_event_of("certificate"), std::nullopt);
}

}  // namespace
}  // namespace lenscap::ca
