#include "store/copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>

#include "store/backends.h"
#include "store/crc32c.h"
#include "store/schema.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::store {
namespace {

using ::testing::HasSubstr;

constexpr Table kFruit{"fruit"};
constexpr Table kAnimals{"animals"};

std::unique_ptr<Store> must_open(std::string const& url, std::string const& base = {}) {
  auto opened = open(url, base);
  if (!opened.ok()) throw std::runtime_error(opened.error().detail());
  return std::move(opened).value();
}

void fill(Store& store) {
  store.write([](WriteTxn& txn) {
    txn.put(kFruit, "apple", R"({"colour":"red"})");
    txn.put(kFruit, std::string("\0\xff\x80", 3), std::string("\0\x01", 2));
    txn.put(kFruit, "line\nbreak", "");
    txn.put(kAnimals, "caf\xc3\xa9", std::string(kValueBytesMax, '"'));
    txn.put(kAnimals, "big", std::string(kValueBytesMax, '\xff'));
    return true;
  });
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
Pairs all(Store& store) {
  Pairs pairs;
  store.read([&](ReadTxn& txn) {
    for (auto const& name : txn.tables()) {
      txn.scan(Table{name}, {}, [&](std::string_view key, std::string_view value) {
        pairs.emplace_back(name + "/" + std::string(key), value);
        return true;
      });
    }
  });
  return pairs;
}

TEST(Copy, FromOneBackEndToAnother) {
  fakes::TempDir dir;
  auto memory = must_open("memory:");
  fill(*memory);
  std::stringstream text;
  EXPECT_EQ(dump(*memory, text).value(), 5U);
  EXPECT_THAT(text.str(), ::testing::StartsWith("{\"lenscap_store\":1,\"version\":\"1\"}\n"));
  EXPECT_THAT(text.str(), HasSubstr(R"({"t":"fruit","k":"apple","v":"{\"colour\":\"red\"}"})"));
  auto lmdb = must_open("lmdb:" + dir.path("store"));
  auto loaded = load(*lmdb, text);
  ASSERT_TRUE(loaded.ok()) << loaded.error().detail();
  EXPECT_EQ(*loaded, 5U);
  EXPECT_EQ(all(*lmdb), all(*memory));
  lmdb.reset();
  EXPECT_EQ(all(*must_open("lmdb:" + dir.path("store"))), all(*memory));
}

TEST(Copy, AnEmptyStore) {
  auto from = must_open("memory:");
  auto to = must_open("memory:");
  std::stringstream text;
  EXPECT_EQ(dump(*from, text).value(), 0U);
  EXPECT_EQ(load(*to, text).value(), 0U);
  EXPECT_EQ(all(*to), all(*from));
}

TEST(Dump, AFullDiskIsSaid) {
  auto store = must_open("memory:");
  fill(*store);
  std::ostringstream text;
  text.setstate(std::ios::badbit);
  auto dumped = dump(*store, text);
  ASSERT_FALSE(dumped.ok());
  EXPECT_EQ(dumped.error().code(), Errc::file);
}

TEST(Load, OnlyIntoAnEmptyStore) {
  auto store = must_open("memory:");
  fill(*store);
  auto before = all(*store);
  std::stringstream text;
  EXPECT_TRUE(dump(*store, text).ok());
  auto loaded = load(*store, text);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code(), Errc::conflict);
  EXPECT_EQ(all(*store), before);
}

// With a good last line, so that only what the case is about is wrong.
std::string with_end(std::string lines, int records) {
  char crc[9];
  std::snprintf(crc, sizeof crc, "%08x", crc32c(as_bytes(lines)));
  return lines + "{\"records\":" + std::to_string(records) + ",\"crc32c\":\"" + crc + "\"}\n";
}

TEST(Load, RefusesWhatIsNotAWholeCopy) {
  std::string const header = "{\"lenscap_store\":1,\"version\":\"1\"}\n";
  std::string const record = "{\"t\":\"fruit\",\"k\":\"apple\",\"v\":\"red\"}\n";
  std::string const good = with_end(header + record, 1);
  struct Case {
    char const* name;
    std::string text;
    char const* why;
  };
  Case const cases[] = {
      {"empty", "", "line 1 of the copy: the end is missing"},
      {"something else", "hello\n", "line 1"},
      {"another format", "{\"lenscap_store\":2,\"version\":\"1\"}\n",
       "not a copy of a store that this program can read"},
      {"newer", with_end("{\"lenscap_store\":1,\"version\":\"99\"}\n", 0), "knows formats up to 1"},
      {"unfinished", with_end("{\"lenscap_store\":1,\"version\":\"unfinished copy\"}\n", 0), "not a number"},
      {"cut behind a line", header + record, "line 3 of the copy: the end is missing"},
      {"cut inside a line", good.substr(0, good.size() - 5), "line 3 of the copy: the end is missing"},
      {"a record missing", header + good.substr(header.size() + record.size()), "damaged"},
      {"a letter changed", std::string(good).replace(good.find("red"), 3, "rad"), "damaged"},
      {"wrong count", with_end(header + record, 2), "damaged"},
      {"no key", with_end(header + "{\"t\":\"fruit\",\"v\":\"red\"}\n", 1), "line 2"},
      {"empty key", with_end(header + "{\"t\":\"fruit\",\"k\":\"\",\"v\":\"red\"}\n", 1), "the key is empty"},
      {"bad table", with_end(header + "{\"t\":\"Fruit\",\"k\":\"a\",\"v\":\"red\"}\n", 1), "not the name of a table"},
      {"meta", with_end(header + "{\"t\":\"meta\",\"k\":\"version\",\"v\":\"9\"}\n", 1), "not the name of a table"},
      {"bad base64", with_end(header + "{\"t\":\"fruit\",\"k\":\"a\",\"v64\":\"!\"}\n", 1), "line 2"},
      {"long key", with_end(header + "{\"t\":\"fruit\",\"k\":\"" + std::string(401, 'k') + "\",\"v\":\"\"}\n", 1),
       "too long"},
  };
  auto fine = must_open("memory:");
  std::istringstream good_text(good);
  ASSERT_TRUE(load(*fine, good_text).ok());
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto store = must_open("memory:");
    std::istringstream in(c.text);
    auto loaded = load(*store, in);
    ASSERT_FALSE(loaded.ok());
    EXPECT_THAT(loaded.error().detail(), HasSubstr(c.why));
  }
}

TEST(Load, AHalfFilledStoreIsNotOpened) {
  fakes::TempDir dir;
  auto store = must_open("lmdb:store", dir.path());
  std::istringstream in("{\"lenscap_store\":1,\"version\":\"1\"}\n{\"t\":\"fruit\",\"k\":\"apple\",\"v\":\"red\"}\n");
  EXPECT_FALSE(load(*store, in).ok());
  store.reset();
  auto opened = open("lmdb:store", dir.path());
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail(), HasSubstr("\"unfinished copy\""));
}

}  // namespace
}  // namespace lenscap::store
