// A hostile front end gets nothing from the signer that lies outside profile, constraints, caps and record.
// LENSCAP_HOSTILE_MESSAGES says how many messages it sends: 20,000, and a million in `./dev test --long`.
#include "tests/ca/hostile_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace lenscap::ca::test {
namespace {

// ThreadSanitizer takes many times as long and finds what it finds in fewer.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kUsual = 5'000;
#else
constexpr std::size_t kUsual = 20'000;
#endif

std::size_t messages() {
  auto const* text = std::getenv("LENSCAP_HOSTILE_MESSAGES");
  return text == nullptr ? kUsual : std::strtoul(text, nullptr, 10);
}

TEST(HostileFront, GetsNothingOutsideTheRulesTheCapsAndTheRecord) {
  constexpr std::size_t kBatch = 50;
  constexpr SigningCaps kCaps{.per_minute = 400, .per_day = 1'000'000};
  fakes::TempDir dir;
  auto const ca = generate_ca(ceremony_settings(), kNow).value();
  auto signer = open_signer(ca, dir.path("ledger"), kNow, kCaps);
  HostileFront front(ca, /*seed=*/8'21);
  SignedThings things(ca);
  std::map<std::string, std::size_t> refusals;
  Time now = kNow;
  std::size_t const total = messages();
  for (std::size_t sent = 0; sent < total; sent += kBatch, now += Seconds(3)) {
    std::vector<Shot> shots;
    std::vector<Bytes> batch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      shots.push_back(front.next(now));
      batch.push_back(shots.back().message);
    }
    auto const answers = signer->answer(batch, now);
    ASSERT_EQ(answers.size(), batch.size());
    for (std::size_t i = 0; i < kBatch; ++i) {
      auto const answer = decode_answer(message_of(answers[i])).value();
      ASSERT_EQ(things.judge(shots[i], answer, now), "") << "message " << sent + i << ": " << to_hex(batch[i]);
      if (auto const* refused = std::get_if<Refused>(&answer))
        ++refusals[std::string(to_string(refused->error.code()))];
    }
    if (sent % 5'000 == 0) {  // a restart, after which everything must hold as before
      signer.reset();
      signer = open_signer(ca, dir.path("ledger"), now, kCaps);
    }
  }
  std::set<std::string> on_record;
  for (auto const& entry : entries_of(dir.path("ledger"))) on_record.insert(entry.tbs_hash);
  EXPECT_EQ(things.hashes(), on_record);
  EXPECT_LE(most_within(things.certificates_at(), kMinute), kCaps.per_minute);
  // It was not refused for a reason that makes the test empty.
  EXPECT_GT(things.certificates_at().size(), total / 10);
  EXPECT_GT(things.lists(), total / 200);
  for (auto const code :
       {Errc::malformed, Errc::rejected_identifier, Errc::bad_public_key, Errc::internal, Errc::unavailable})
    EXPECT_GT(refusals[std::string(to_string(code))], 0U) << to_string(code);
}

}  // namespace
}  // namespace lenscap::ca::test
