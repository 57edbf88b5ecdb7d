#include "acme/server/nonces.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

std::string temp_path() { return ::testing::TempDir() + "nonces-" + random_token(); }

TEST(Nonces, AreRedeemedOnce) {  // 8555-6.5-4
  Nonces nonces;
  auto nonce = nonces.issue();
  EXPECT_TRUE(nonces.redeem(nonce).ok());
  auto again = nonces.redeem(nonce);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::bad_nonce);
}

TEST(Nonces, AreUniqueBase64url) {  // 8555-6.5.1-1
  Nonces nonces;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    auto nonce = nonces.issue();
    EXPECT_TRUE(from_base64url(nonce).ok()) << nonce;
    EXPECT_TRUE(seen.insert(nonce).second);
  }
}

TEST(Redeem, TextThatIsNoNonceOfOurs) {
  struct Case {
    char const* name;
    std::string nonce;
    Errc code;
  };
  Nonces nonces, other;
  auto good = nonces.issue();
  auto flipped = good;
  flipped[3] = flipped[3] == 'A' ? 'B' : 'A';
  Case const cases[] = {
      {"empty", "", Errc::malformed},            // 8555-6.5.2-1
      {"padded", good + "==", Errc::malformed},  // 8555-6.1-5
      {"not base64url", "++++++++++++++++++++++", Errc::malformed},
      {"foreign", other.issue(), Errc::bad_nonce},  // 8555-6.5-3
      {"one character changed", flipped, Errc::bad_nonce},
      {"short", good.substr(0, 20), Errc::bad_nonce},
      {"long", good + good.substr(0, 2), Errc::bad_nonce},
  };
  for (auto const& c : cases) {
    auto result = nonces.redeem(c.nonce);
    ASSERT_FALSE(result.ok()) << c.name;
    EXPECT_EQ(result.error().code(), c.code) << c.name << ": " << result.error().detail();
  }
  EXPECT_TRUE(nonces.redeem(good).ok());
}

TEST(Redeem, OneNonceFromManyThreadsHasOneWinner) {  // 8555-6.5-7
  Nonces nonces;
  for (int round = 0; round < 150; ++round) {
    auto nonce = nonces.issue();
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 64; ++t)
      threads.emplace_back([&] {
        if (nonces.redeem(nonce).ok()) ++won;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
  }
}

TEST(Redeem, ANonceOlderThanTheWindowHasExpired) {
  Nonces nonces;
  auto oldest = nonces.issue();
  auto next = nonces.issue();
  for (std::uint64_t i = 0; i < Nonces::kWindow - 1; ++i) nonces.issue();
  EXPECT_FALSE(nonces.redeem(oldest).ok());
  EXPECT_TRUE(nonces.redeem(next).ok());
  EXPECT_FALSE(nonces.redeem(next).ok());
}

TEST(Load, AfterAGracefulStopGoodNoncesStayGoodAndUsedOnesUsed) {  // B-20, K-18, 8555-6.5-7
  auto path = temp_path();
  Nonces before;
  auto used = before.issue(), fresh = before.issue();
  ASSERT_TRUE(before.redeem(used).ok());
  ASSERT_TRUE(before.save(path).ok());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  Nonces after;
  after.load(path);
  EXPECT_FALSE(after.redeem(used).ok());
  EXPECT_TRUE(after.redeem(fresh).ok());
  EXPECT_NE(after.issue(), fresh);
  EXPECT_FALSE(file_exists(path));

  Nonces crashed;  // the process above crashes: its successor knows nothing, and refuses all of it
  crashed.load(path);
  EXPECT_EQ(crashed.redeem(fresh).error().code(), Errc::bad_nonce);
}

TEST(Load, AFileThatIsNotWholeIsIgnored) {
  auto path = temp_path();
  ASSERT_TRUE(write_file(path, "lenscap-nonces-1 and then nothing", 0600).ok());
  Nonces nonces;
  nonces.load(path);
  EXPECT_TRUE(nonces.redeem(nonces.issue()).ok());
  EXPECT_FALSE(file_exists(path));
}

}  // namespace
}  // namespace lenscap::acme
