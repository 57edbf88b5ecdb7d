#include "store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/backends.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::store {
namespace {

using ::testing::HasSubstr;

constexpr Table kFruit{"fruit"};

void add_colour(WriteTxn& txn) { txn.put(kFruit, "apple", txn.get(kFruit, "apple").value_or("") + "+colour"); }
void add_size(WriteTxn& txn) { txn.put(kFruit, "apple", txn.get(kFruit, "apple").value_or("") + "+size"); }
void fails(WriteTxn&) { throw std::runtime_error("mine"); }

constexpr Upgrade kTwoSteps[] = {{"fruit have a colour", add_colour}, {"fruit have a size", add_size}};
constexpr Upgrade kSecondFails[] = {{"fruit have a colour", add_colour}, {"never works", fails}};

std::unique_ptr<Store> store_with(char const* version) {
  auto store = make_memory_store();
  store->write([&](WriteTxn& txn) {
    txn.put(kFruit, "apple", "apple");
    if (version != nullptr) txn.put(kMeta, "version", version);
    return true;
  });
  return store;
}

std::string get(Store& store, Table table, std::string_view key) {
  std::string value;
  store.read([&](ReadTxn& txn) { value = txn.get(table, key).value_or("(nothing)"); });
  return value;
}

TEST(BringUpToDate, AnEmptyStoreIsNewestAtOnce) {
  auto store = make_memory_store();
  ASSERT_TRUE(bring_up_to_date(*store, kTwoSteps).ok());
  EXPECT_EQ(get(*store, kMeta, "version"), "3");
  EXPECT_EQ(get(*store, kFruit, "apple"), "(nothing)");
}

TEST(BringUpToDate, RunsTheMissingStepsInOrder) {
  struct Case {
    char const* before;
    char const* apple;
  };
  for (auto [before, apple] : {Case{"1", "apple+colour+size"}, Case{"2", "apple+size"}, Case{"3", "apple"}}) {
    SCOPED_TRACE(before);
    auto store = store_with(before);
    ASSERT_TRUE(bring_up_to_date(*store, kTwoSteps).ok());
    EXPECT_EQ(get(*store, kMeta, "version"), "3");
    EXPECT_EQ(get(*store, kFruit, "apple"), apple);
  }
}

TEST(BringUpToDate, AStepThatFailsUndoesAll) {
  auto store = store_with("1");
  EXPECT_THROW(static_cast<void>(bring_up_to_date(*store, kSecondFails)), std::runtime_error);
  EXPECT_EQ(get(*store, kMeta, "version"), "1");
  EXPECT_EQ(get(*store, kFruit, "apple"), "apple");
}

TEST(BringUpToDate, RefusesWhatItDoesNotKnow) {
  struct Case {
    char const* version;
    char const* text;
  };
  for (auto [version, text] :
       {Case{"4", "has format 4, this program knows formats up to 3"}, Case{"99999999999999999999999", "not a number"},
        Case{"two", "not a number"}, Case{"0", "not a number"}, Case{"", "not a number"},
        Case{nullptr, "no format version"}}) {
    SCOPED_TRACE(text);
    auto store = store_with(version);
    auto outcome = bring_up_to_date(*store, kTwoSteps);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code(), Errc::settings);
    EXPECT_THAT(outcome.error().detail(), HasSubstr(text));
    EXPECT_EQ(get(*store, kFruit, "apple"), "apple");
  }
}

TEST(Open, RefusesUnknownUrls) {
  fakes::TempDir dir;
  for (auto url : {"", "lmdb", "sqlite:file", "LMDB:store", ":", "lmdb:", "memory:x"}) {
    SCOPED_TRACE(url);
    auto opened = open(url, dir.path());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Errc::settings);
  }
  EXPECT_THAT(open("sqlite:file", "").error().detail(), HasSubstr("known: lmdb:DIRECTORY, memory:"));
}

TEST(Open, RefusesAFormatOfTheFuture) {
  fakes::TempDir dir;
  {
    auto opened = open("lmdb:" + dir.path("store"), "/nowhere");
    ASSERT_TRUE(opened.ok()) << opened.error().detail();
    (*opened)->write([](WriteTxn& txn) {
      txn.put(kMeta, "version", "1000");
      return true;
    });
  }
  auto opened = open("lmdb:store", dir.path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::settings);
}

}  // namespace
}  // namespace lenscap::store
