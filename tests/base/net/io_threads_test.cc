#include "base/net/io_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

namespace lenscap::net {
namespace {

using namespace std::chrono_literals;

Awaitable<std::string> text() {
  co_await sleep_for(1ms);
  co_return "text";
}

Awaitable<std::string> fails() {
  co_await sleep_for(1ms);
  throw std::runtime_error("as told");
}

Awaitable<std::thread::id> where() { co_return std::this_thread::get_id(); }

TEST(IoThreads, RunsATaskAndGivesItsValue) {
  IoThreads threads(2);
  EXPECT_EQ(run(threads.next(), text()), "text");
  EXPECT_THROW(run(threads.next(), fails()), std::runtime_error);
}

TEST(IoThreads, TakesItsLoopsInTurn) {
  IoThreads threads(3);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 6; ++i) seen.insert(run(threads.next(), where()));
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(run(threads.executor(1), where()), run(threads.executor(1), where()));
  EXPECT_EQ(seen.count(std::this_thread::get_id()), 0U);
}

TEST(IoThreads, CountsTheCoresWhenAskedForNone) { EXPECT_GE(IoThreads(0).size(), 1U); }

// Frames that still wait are destroyed with the loops, whichever loop's things they hold.
TEST(IoThreads, EndsWithTasksUnderWay) {
  auto const kept = std::make_shared<int>(7);
  {
    IoThreads threads(2);
    auto forever = [](std::shared_ptr<int> mine) -> Awaitable<> {
      co_await sleep_for(1h);
      *mine = 8;
    };
    for (int i = 0; i < 4; ++i) spawn(threads.next(), forever(kept));
    run(threads.executor(0), text());
    run(threads.executor(1), text());
    EXPECT_EQ(kept.use_count(), 5);
  }
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(*kept, 7);
}

struct Visit {
  std::thread::id before, inside, after;
};

Awaitable<Visit> visit(WorkPool& pool) {
  Visit visit;
  visit.before = std::this_thread::get_id();
  auto job = [&] { visit.inside = std::this_thread::get_id(); };
  co_await pool.run(job);
  visit.after = std::this_thread::get_id();
  co_return visit;
}

TEST(WorkPool, WorksElsewhereAndComesBack) {
  IoThreads threads(2);
  WorkPool pool(2);
  for (int i = 0; i < 50; ++i) {
    auto const seen = run(threads.next(), visit(pool));
    EXPECT_EQ(seen.before, seen.after);
    EXPECT_NE(seen.before, seen.inside);
  }
}

Awaitable<> throws_there(WorkPool& pool) {
  auto job = [] { throw std::runtime_error("there"); };
  co_await pool.run(job);
}

TEST(WorkPool, BringsExceptionsBack) {
  IoThreads threads;
  WorkPool pool(1);
  EXPECT_THROW(run_until_done(threads.next(), throws_there(pool)), std::runtime_error);
}

// The order that io_threads.h asks for: loops ended, then the pool with work in hand, then the loops destroyed.
TEST(WorkPool, EndsWithWorkUnderWay) {
  std::atomic<bool> began{false};
  std::atomic<bool> go{false};
  IoThreads threads;
  {
    WorkPool pool(1);
    auto task = [](WorkPool& p, std::atomic<bool>& b, std::atomic<bool>& g) -> Awaitable<> {
      auto job = [&b, &g] {
        b = true;
        while (!g) std::this_thread::yield();
      };
      co_await p.run(job);
    };
    spawn(threads.next(), task(pool, began, go));
    while (!began) std::this_thread::yield();
    threads.stop();
    threads.join();
    go = true;
  }
}

TEST(SpawnDeathTest, AnExceptionIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  auto leak = []() -> Awaitable<> {
    co_await sleep_for(1ms);
    throw std::runtime_error("leaked");
  };
  EXPECT_DEATH(
      {
        IoThreads threads;
        spawn(threads.next(), leak());
        std::this_thread::sleep_for(10s);
      },
      "leaked");
}

}  // namespace
}  // namespace lenscap::net
