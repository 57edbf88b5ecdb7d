// What store.h promises, asked of every back end. A new back end gets a row in kBackends and must pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>

#include "store/store.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr Table kFruit{"fruit"};
constexpr Table kFruits{"fruits"};  // one name is the beginning of the other
constexpr Table kAnimals{"animals"};

struct Backend {
  char const* name;
  char const* url;
  bool keeps;  // what was written is there after the object's end
};

constexpr Backend kBackends[] = {
    {"memory", "memory:", false},
    {"lmdb", "lmdb:store", true},
};

class Conformance : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = open(GetParam().url, dir_.path());
    ASSERT_TRUE(opened.ok()) << opened.error().detail();
    store_ = std::move(opened).value();
  }

  void put(Table table, std::string_view key, std::string_view value) {
    ASSERT_TRUE(store_->write([&](WriteTxn& txn) {
      txn.put(table, key, value);
      return true;
    }));
  }

  std::optional<std::string> get(Table table, std::string_view key) {
    std::optional<std::string> found;
    store_->read([&](ReadTxn& txn) { found = txn.get(table, key); });
    return found;
  }

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  static Pairs collect(ReadTxn& txn, Table table, std::string_view from = {}) {
    Pairs pairs;
    txn.scan(table, from, [&](std::string_view key, std::string_view value) {
      pairs.emplace_back(key, value);
      return true;
    });
    return pairs;
  }
  Pairs all(Table table, std::string_view from = {}) {
    Pairs pairs;
    store_->read([&](ReadTxn& txn) { pairs = collect(txn, table, from); });
    return pairs;
  }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Backends, Conformance, ::testing::ValuesIn(kBackends),
                         [](auto const& param) { return std::string(param.param.name); });

TEST_P(Conformance, WhatWasPutIsFound) {
  put(kFruit, "apple", "red");
  EXPECT_EQ(get(kFruit, "apple"), "red");
  EXPECT_EQ(get(kFruit, "appl"), std::nullopt);
  EXPECT_EQ(get(kFruit, "apple2"), std::nullopt);
  EXPECT_EQ(get(kAnimals, "apple"), std::nullopt);
}

TEST_P(Conformance, AnEmptyStoreHasNothing) {
  EXPECT_EQ(get(kFruit, "apple"), std::nullopt);
  EXPECT_THAT(all(kFruit), IsEmpty());
  EXPECT_FALSE(store_->write([](WriteTxn& txn) {
    EXPECT_EQ(txn.get(kFruit, "apple"), std::nullopt);
    EXPECT_THAT(collect(txn, kFruit), IsEmpty());
    txn.erase(kFruit, "apple");
    return false;
  }));
}

TEST_P(Conformance, PutReplacesAndEraseRemoves) {
  put(kFruit, "apple", "red");
  put(kFruit, "apple", "a much longer value than before, so that it cannot lie in the same place");
  EXPECT_THAT(*get(kFruit, "apple"), ::testing::StartsWith("a much longer"));
  put(kFruit, "apple", "");
  EXPECT_EQ(get(kFruit, "apple"), "");
  EXPECT_TRUE(store_->write([](WriteTxn& txn) {
    txn.erase(kFruit, "apple");
    txn.erase(kFruit, "never there");
    return true;
  }));
  EXPECT_EQ(get(kFruit, "apple"), std::nullopt);
}

TEST_P(Conformance, ARefusedBodyLeavesNothing) {
  put(kFruit, "apple", "red");
  EXPECT_FALSE(store_->write([](WriteTxn& txn) {
    txn.put(kFruit, "apple", "green");
    txn.put(kFruit, "pear", "yellow");
    txn.put(kAnimals, "cat", "grey");
    return false;
  }));
  EXPECT_THAT(all(kFruit), ElementsAre(Pair("apple", "red")));
  EXPECT_THAT(all(kAnimals), IsEmpty());
}

TEST_P(Conformance, AnExceptionLeavesNothingAndComesOut) {
  put(kFruit, "apple", "red");
  EXPECT_THROW(store_->write([](WriteTxn& txn) -> bool {
    txn.erase(kFruit, "apple");
    throw std::invalid_argument("mine");
  }),
               std::invalid_argument);
  EXPECT_EQ(get(kFruit, "apple"), "red");
  EXPECT_THROW(store_->read([](ReadTxn&) { throw std::invalid_argument("mine"); }), std::invalid_argument);
  put(kFruit, "pear", "yellow");  // and the store goes on
  EXPECT_EQ(get(kFruit, "pear"), "yellow");
}

TEST_P(Conformance, ABodyReadsItsOwnWrites) {
  put(kFruit, "apple", "red");
  put(kFruit, "cherry", "black");
  put(kFruit, "pear", "yellow");
  EXPECT_TRUE(store_->write([](WriteTxn& txn) {
    txn.put(kFruit, "apple", "green");
    txn.put(kFruit, "banana", "yellow");
    txn.put(kFruit, "quince", "golden");
    txn.erase(kFruit, "cherry");
    EXPECT_EQ(txn.get(kFruit, "apple"), "green");
    EXPECT_EQ(txn.get(kFruit, "banana"), "yellow");
    EXPECT_EQ(txn.get(kFruit, "cherry"), std::nullopt);
    EXPECT_THAT(collect(txn, kFruit), ElementsAre(Pair("apple", "green"), Pair("banana", "yellow"),
                                                  Pair("pear", "yellow"), Pair("quince", "golden")));
    EXPECT_THAT(collect(txn, kFruit, "b"),
                ElementsAre(Pair("banana", "yellow"), Pair("pear", "yellow"), Pair("quince", "golden")));
    txn.erase(kFruit, "banana");
    txn.put(kFruit, "cherry", "back");
    EXPECT_EQ(txn.get(kFruit, "banana"), std::nullopt);
    EXPECT_EQ(txn.get(kFruit, "cherry"), "back");
    return true;
  }));
  EXPECT_THAT(all(kFruit), ElementsAre(Pair("apple", "green"), Pair("cherry", "back"), Pair("pear", "yellow"),
                                       Pair("quince", "golden")));
}

TEST_P(Conformance, ScanGoesInByteOrderFromTheKeyAndStops) {
  for (auto key : {"b", "a", "\xff", "B", "ab", "a\x01", "\x7f", "\x80"}) put(kFruit, key, key);
  put(kFruits, "a", "other table");
  put(kAnimals, "a", "other table");
  std::vector<std::string> keys;
  for (auto const& [key, value] : all(kFruit)) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("B", "a", "a\x01", "ab", "b", "\x7f", "\x80", "\xff"));
  EXPECT_THAT(all(kFruit, "ab"), ElementsAre(Pair("ab", "ab"), Pair("b", "b"), Pair("\x7f", "\x7f"),
                                             Pair("\x80", "\x80"), Pair("\xff", "\xff")));
  EXPECT_THAT(all(kFruit, "\xff\xff"), IsEmpty());
  int visited = 0;
  store_->read([&](ReadTxn& txn) { txn.scan(kFruit, {}, [&](auto, auto) { return ++visited < 3; }); });
  EXPECT_EQ(visited, 3);
  visited = 0;
  store_->write([&](WriteTxn& txn) {
    txn.put(kFruit, "aa", "mine");
    txn.scan(kFruit, {}, [&](auto, auto) { return ++visited < 4; });
    return false;
  });
  EXPECT_EQ(visited, 4);
}

TEST_P(Conformance, KeysAndValuesAreAnyOctets) {
  std::string key("a\0b\xff\n", 5);
  std::string value("\0\x01\xff\0", 4);
  put(kFruit, key, value);
  put(kFruit, std::string("a\0", 2), "short");
  put(kFruit, "a", "shorter");
  EXPECT_EQ(get(kFruit, key), value);
  EXPECT_THAT(all(kFruit), ElementsAre(Pair("a", "shorter"), Pair(std::string("a\0", 2), "short"), Pair(key, value)));
}

TEST_P(Conformance, ScanPrefixStaysInsideThePrefix) {
  for (auto key : {"order/1/a", "order/1/b", "order/10/a", "order/2/a", "order/1"}) put(kFruit, key, "x");
  std::vector<std::string> keys;
  auto visit = [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  };
  store_->read([&](ReadTxn& txn) { scan_prefix(txn, kFruit, "order/1/", visit); });
  EXPECT_THAT(keys, ElementsAre("order/1/a", "order/1/b"));
  keys.clear();
  store_->read([&](ReadTxn& txn) { scan_prefix(txn, kFruit, "order/3", visit); });
  EXPECT_THAT(keys, IsEmpty());
  keys.clear();
  store_->write([&](WriteTxn& txn) {
    txn.put(kFruit, "order/1/c", "x");
    txn.erase(kFruit, "order/1/a");
    scan_prefix(txn, kFruit, "order/1/", visit);
    return false;
  });
  EXPECT_THAT(keys, ElementsAre("order/1/b", "order/1/c"));
}

// What nobody waits for is written with what somebody waits for, and before it.
TEST_P(Conformance, AWriteThatMayWaitGoesWithTheNextOne) {
  std::promise<bool> answer;
  store_->write_async(
      [](WriteTxn& txn) {
        txn.put(kFruit, "apple", "red");
        return true;
      },
      [&](std::exception_ptr const&, bool committed) { answer.set_value(committed); }, Urgency::with_the_next);
  EXPECT_TRUE(store_->write([&](WriteTxn& txn) {
    EXPECT_EQ(txn.get(kFruit, "apple"), "red");
    return true;
  }));
  EXPECT_EQ(get(kFruit, "apple"), "red");
  EXPECT_TRUE(answer.get_future().get());
}

TEST_P(Conformance, AWriteThatMayWaitDoesNotWaitForEver) {
  std::promise<bool> answer;
  store_->write_async(
      [](WriteTxn& txn) {
        txn.put(kFruit, "apple", "red");
        return true;
      },
      [&](std::exception_ptr const&, bool committed) { answer.set_value(committed); }, Urgency::with_the_next);
  EXPECT_TRUE(answer.get_future().get());
  EXPECT_EQ(get(kFruit, "apple"), "red");
}

TEST_P(Conformance, ScanDownGoesInFallingOrderBelowTheKeyAndStops) {
  for (auto key : {"b", "a", "\xff", "ab", "a\x01"}) put(kFruit, key, key);
  put(kFruits, "a", "other table");
  put(kAnimals, "z", "other table");
  std::vector<std::string> keys;
  auto const down = [&](ReadTxn& txn, Table table, std::string_view before, std::size_t count) {
    keys.clear();
    txn.scan_down(table, before, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return keys.size() < count;
    });
  };
  store_->read([&](ReadTxn& txn) { down(txn, kFruit, {}, 100); });
  EXPECT_THAT(keys, ElementsAre("\xff", "b", "ab", "a\x01", "a"));
  store_->read([&](ReadTxn& txn) { down(txn, kFruit, "ab", 100); });
  EXPECT_THAT(keys, ElementsAre("a\x01", "a"));
  store_->read([&](ReadTxn& txn) { down(txn, kFruit, "ac", 2); });
  EXPECT_THAT(keys, ElementsAre("ab", "a\x01"));
  store_->read([&](ReadTxn& txn) { down(txn, kFruit, "a", 100); });
  EXPECT_THAT(keys, IsEmpty());
  store_->read([&](ReadTxn& txn) { down(txn, Table{"none"}, {}, 100); });
  EXPECT_THAT(keys, IsEmpty());
  store_->write([&](WriteTxn& txn) {  // pairs of this body among those below
    txn.put(kFruit, "aa", "mine");
    txn.put(kFruit, "zz", "mine");
    txn.erase(kFruit, "ab");
    txn.put(kFruit, "b", "mine too");
    down(txn, kFruit, {}, 100);
    EXPECT_THAT(keys, ElementsAre("\xff", "zz", "b", "aa", "a\x01", "a"));
    down(txn, kFruit, "b", 1);
    EXPECT_THAT(keys, ElementsAre("aa"));
    return false;
  });
}

TEST_P(Conformance, ScanPrefixDownStaysInsideThePrefix) {
  for (auto key : {"order/1/a", "order/1/b", "order/1/c", "order/10/a", "order/2/a", "order/1", "a"})
    put(kFruit, key, "x");
  std::vector<std::string> keys;
  auto const down = [&](std::string_view prefix, std::string_view before) {
    keys.clear();
    store_->read([&](ReadTxn& txn) {
      scan_prefix_down(txn, kFruit, prefix, before, [&](std::string_view key, std::string_view) {
        keys.emplace_back(key);
        return true;
      });
    });
  };
  down("order/1/", "");
  EXPECT_THAT(keys, ElementsAre("order/1/c", "order/1/b", "order/1/a"));
  down("order/1/", "c");
  EXPECT_THAT(keys, ElementsAre("order/1/b", "order/1/a"));
  down("order/1/", "a");
  EXPECT_THAT(keys, IsEmpty());
  down("order/3", "");
  EXPECT_THAT(keys, IsEmpty());
}

TEST_P(Conformance, AVisitorMayWriteAndScan) {
  for (auto key : {"a", "b", "c", "d"}) put(kFruit, key, std::string("value of ") + key);
  EXPECT_TRUE(store_->write([](WriteTxn& txn) {
    std::vector<std::string> visited;
    txn.scan(kFruit, {}, [&](std::string_view key, std::string_view value) {
      visited.emplace_back(key);
      std::string before(value);
      txn.put(kFruit, key, "new");
      EXPECT_EQ(value, before);
      if (key == "b") txn.erase(kFruit, "c");
      EXPECT_EQ(collect(txn, kFruit).size(), key == "a" ? 4U : 3U);
      return true;
    });
    EXPECT_THAT(visited, ElementsAre("a", "b", "d"));
    txn.scan(kFruit, {}, [&](std::string_view key, std::string_view value) {  // the same over pairs of this body
      txn.put(kFruit, key, "newer and longer than before, so that the text moves");
      EXPECT_EQ(value, "new");
      return true;
    });
    return true;
  }));
  EXPECT_EQ(all(kFruit).size(), 3U);
  EXPECT_THAT(*get(kFruit, "d"), ::testing::StartsWith("newer"));
}

TEST_P(Conformance, TablesAreListed) {
  auto mine = [](ReadTxn& txn) {
    auto names = txn.tables();
    std::erase(names, "meta");
    return names;
  };
  put(kFruits, "a", "1");
  put(kAnimals, "a", "1");
  store_->read([&](ReadTxn& txn) { EXPECT_THAT(mine(txn), ElementsAre("animals", "fruits")); });
  store_->write([&](WriteTxn& txn) {
    txn.erase(kAnimals, "a");
    txn.put(kFruit, "b", "2");
    EXPECT_THAT(mine(txn), ElementsAre("fruit", "fruits"));
    return false;
  });
}

TEST_P(Conformance, AReadSeesOneMoment) {
  put(kFruit, "apple", "red");
  std::promise<void> written;
  store_->read([&](ReadTxn& txn) {
    EXPECT_EQ(txn.get(kFruit, "apple"), "red");
    store_->write_async(
        [](WriteTxn& inner) {
          inner.put(kFruit, "apple", "green");
          inner.put(kFruit, "pear", "yellow");
          return true;
        },
        [&](std::exception_ptr, bool) { written.set_value(); });
    // The write may be durable already or wait for this read's end; this read cannot tell.
    std::this_thread::yield();
    EXPECT_EQ(txn.get(kFruit, "apple"), "red");
    EXPECT_THAT(collect(txn, kFruit), ElementsAre(Pair("apple", "red")));
  });
  written.get_future().wait();
  EXPECT_EQ(get(kFruit, "apple"), "green");
}

TEST_P(Conformance, AsyncAnswersWithTheOutcome) {
  std::promise<std::pair<std::exception_ptr, bool>> kept;
  std::promise<std::pair<std::exception_ptr, bool>> refused;
  std::promise<std::pair<std::exception_ptr, bool>> thrown;
  auto answer = [](auto& promise) {
    return [&promise](std::exception_ptr error, bool committed) { promise.set_value({error, committed}); };
  };
  auto body = [](bool keep) {
    return [keep](WriteTxn& txn) {
      txn.put(kFruit, keep ? "kept" : "refused", "x");
      return keep;
    };
  };
  store_->write_async(body(true), answer(kept));
  store_->write_async(body(false), answer(refused));
  store_->write_async([](WriteTxn&) -> bool { throw std::invalid_argument("mine"); }, answer(thrown));
  auto outcome = kept.get_future().get();
  EXPECT_TRUE(outcome.second);
  EXPECT_EQ(outcome.first, nullptr);
  outcome = refused.get_future().get();
  EXPECT_FALSE(outcome.second);
  EXPECT_EQ(outcome.first, nullptr);
  outcome = thrown.get_future().get();
  EXPECT_FALSE(outcome.second);
  EXPECT_THROW(std::rethrow_exception(outcome.first), std::invalid_argument);
  EXPECT_THAT(all(kFruit), ElementsAre(Pair("kept", "x")));
}

TEST_P(Conformance, AsyncWritesTakeEffectInOrder) {
  std::latch answered(100);
  for (int i = 0; i < 100; ++i) {
    store_->write_async(
        [i](WriteTxn& txn) {
          auto before = txn.get(kFruit, "list").value_or("");
          txn.put(kFruit, "list", before + std::to_string(i) + ",");
          return i % 10 != 3;  // some refuse, and leave nothing to those behind them
        },
        [&](std::exception_ptr, bool) { answered.count_down(); });
  }
  answered.wait();
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    if (i % 10 != 3) expected += std::to_string(i) + ",";
  }
  EXPECT_EQ(get(kFruit, "list"), expected);
}

TEST_P(Conformance, AnAnswerMayHandInAnotherWrite) {
  std::promise<void> done;
  auto second = [&](std::exception_ptr, bool) { done.set_value(); };
  store_->write_async([](WriteTxn&) { return false; },
                      [&](std::exception_ptr, bool) {
                        store_->write_async(
                            [](WriteTxn& txn) {
                              txn.put(kFruit, "second", "x");
                              return true;
                            },
                            second);
                      });
  done.get_future().wait();
  EXPECT_EQ(get(kFruit, "second"), "x");
}

TEST_P(Conformance, TheEndOfTheStoreFinishesWhatWasHandedIn) {
  std::atomic<int> answers = 0;
  for (int i = 0; i < 20; ++i) {
    store_->write_async(
        [i](WriteTxn& txn) {
          txn.put(kFruit, "key" + std::to_string(i), "x");
          return true;
        },
        [&](std::exception_ptr, bool committed) { answers += committed ? 1 : 0; });
  }
  store_.reset();
  EXPECT_EQ(answers, 20);
  if (!GetParam().keeps) return;
  reopen();
  EXPECT_EQ(all(kFruit).size(), 20U);
}

TEST_P(Conformance, WhatWasWrittenIsThereAfterOpeningAgain) {
  if (!GetParam().keeps) GTEST_SKIP() << "keeps nothing by design";
  put(kFruit, "apple", "red");
  put(kAnimals, "cat", std::string(kValueBytesMax, 'm'));
  reopen();
  EXPECT_EQ(get(kFruit, "apple"), "red");
  EXPECT_EQ(get(kAnimals, "cat"), std::string(kValueBytesMax, 'm'));
}

TEST_P(Conformance, ManyThreadsLoseNoUpdate) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 25;
  std::vector<std::thread> threads;
  std::atomic<bool> torn = false;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        store_->write([&](WriteTxn& txn) {
          int count = std::stoi(txn.get(kFruit, "count").value_or("0"));
          txn.put(kFruit, "count", std::to_string(count + 1));
          txn.put(kAnimals, "count", std::to_string(count + 1));
          txn.put(kFruits, std::to_string(t) + "/" + std::to_string(i), std::to_string(count + 1));
          return true;
        });
        store_->read([&](ReadTxn& txn) {
          if (txn.get(kFruit, "count") != txn.get(kAnimals, "count")) torn = true;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(torn);
  EXPECT_EQ(get(kFruit, "count"), std::to_string(kThreads * kRounds));
  EXPECT_EQ(all(kFruits).size(), std::size_t{kThreads * kRounds});
}

TEST_P(Conformance, OneBodysExceptionDoesNotTouchItsNeighbours) {
  // The first body holds the writer until all the others wait, so that they share a group where there is one.
  std::latch first_runs(1);
  std::latch all_handed_in(1);
  std::latch answered(41);
  std::atomic<int> kept = 0;
  std::atomic<int> failed = 0;
  auto count = [&](std::exception_ptr error, bool committed) {
    kept += committed ? 1 : 0;
    failed += error ? 1 : 0;
    answered.count_down();
  };
  store_->write_async(
      [&](WriteTxn&) {
        first_runs.count_down();
        all_handed_in.wait();
        return false;
      },
      count);
  first_runs.wait();
  for (int i = 0; i < 40; ++i) {
    store_->write_async(
        [i](WriteTxn& txn) {
          txn.put(kFruit, "key" + std::to_string(i), "x");
          if (i % 4 == 1) throw std::runtime_error("mine");
          return i % 4 != 2;
        },
        count);
  }
  all_handed_in.count_down();
  answered.wait();
  EXPECT_EQ(kept, 20);
  EXPECT_EQ(failed, 10);
  EXPECT_EQ(all(kFruit).size(), 20U);
  EXPECT_EQ(get(kFruit, "key1"), std::nullopt);
  EXPECT_EQ(get(kFruit, "key2"), std::nullopt);
}

TEST_P(Conformance, TellsHowLongCommitsTook) {
  std::mutex mutex;
  std::condition_variable told;
  int first = 0, second = 0;
  auto const watch = [&](int& count) {
    return [&](std::chrono::nanoseconds took) {
      EXPECT_GT(took.count(), 0);
      std::lock_guard lock(mutex);
      ++count;
      told.notify_all();
    };
  };
  auto const wait_for = [&](int const& count, int wanted) {
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return count >= wanted; });
    EXPECT_EQ(count, wanted);
  };
  put(kFruit, "before", "somebody asks");
  store_->watch_commits(watch(first));
  put(kFruit, "apple", "red");
  store_->write([](WriteTxn&) { return false; });  // keeps nothing: no commit
  put(kFruit, "pear", "green");
  wait_for(first, 2);
  store_->watch_commits(watch(second));
  put(kFruit, "plum", "blue");
  wait_for(second, 1);
  EXPECT_EQ(first, 2);
  store_.reset();  // its thread uses what is above
}

TEST_P(Conformance, LimitsHold) {
  std::string long_key(kKeyBytesMax, 'k');
  std::string long_value(kValueBytesMax, 'v');
  constexpr Table kLongName{"a_table_whose_name_has_forty_characters_"};
  static_assert(kLongName.name.size() == 40);
  put(kLongName, long_key, long_value);
  put(kLongName, std::string(kKeyBytesMax, '\xff'), "last");
  EXPECT_EQ(get(kLongName, long_key), long_value);
  EXPECT_EQ(all(kLongName).size(), 2U);
}

using ConformanceDeathTest = Conformance;
INSTANTIATE_TEST_SUITE_P(Backends, ConformanceDeathTest, ::testing::ValuesIn(kBackends),
                         [](auto const& param) { return std::string(param.param.name); });

TEST_P(ConformanceDeathTest, BreakingALimitIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto writes = [&](Table table, std::string const& key, std::string const& value) {
    store_->write([&](WriteTxn& txn) {
      txn.put(table, key, value);
      return false;
    });
  };
  EXPECT_DEATH(writes(kFruit, "", "x"), "a key has at least one octet");
  EXPECT_DEATH(writes(kFruit, std::string(kKeyBytesMax + 1, 'k'), "x"), "a key has at most 400 octets");
  EXPECT_DEATH(writes(kFruit, "k", std::string(kValueBytesMax + 1, 'v')), "a value has at most 1 MiB");
  EXPECT_DEATH(writes(Table{"UPPER"}, "k", "v"), "a table name is");
  EXPECT_DEATH(store_->read([](ReadTxn& txn) { txn.get(kFruit, ""); }), "a key has at least one octet");
  EXPECT_DEATH(store_->write([&](WriteTxn&) { return store_->write([](WriteTxn&) { return true; }); }),
               "from inside a body");
}

}  // namespace
}  // namespace lenscap::store
