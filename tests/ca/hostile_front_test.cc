// A hostile front end gets nothing from the signer that lies outside profile, constraints, caps and record, of any of
// its issuers. LENSCAP_HOSTILE_MESSAGES says how many messages it sends: 20,000, and a million in `./dev test --long`.
#include "tests/ca/hostile_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tests/ca/signed_things.h"

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

// What the signer's ledger says at this moment, read from outside, as far as it has grown.
class LedgerWatch {
 public:
  explicit LedgerWatch(std::string path) : path_(std::move(path)) {}
  bool has(std::string const& tbs_hash) {
    if (!hashes_.contains(tbs_hash)) read_on();
    return hashes_.contains(tbs_hash);
  }

 private:
  void read_on() {
    std::ifstream in(path_, std::ios::binary);
    in.seekg(at_);
    for (std::string line; std::getline(in, line) && !in.eof(); at_ = in.tellg())
      if (auto const entry = parse_line(line)) hashes_.insert(entry->tbs_hash);
  }
  std::string path_;
  std::streamoff at_ = 0;
  std::set<std::string> hashes_;
};

// One root; the default and who takes its place in a while; a site with profiles of its own; what is for 802.1X alone,
// though its list has a profile of TLS servers; a site whose first issuer is retired; and one whose time never comes.
struct Site {
  Time const roll_over;  // of the default
  GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  std::vector<std::string> const plant_profiles{"camera-https", "short-lived", "agent"};
  SeveralIssuers made = several_issuers(
      ca,
      {{.name = "plant4",
        .permit_dns = {"p4.cams.example"},
        .permit_ip = {"10.20.4.0/24"},
        .note = {.profiles = plant_profiles}},
       {.name = "dot1x", .note = {.profiles = {"dot1x", "agent"}}, .usages = {ExtendedKeyUsage::client_auth}},
       {.name = "plant5", .permit_dns = {"p5.cams.example"}, .permit_ip = {"10.20.5.0/24"}},
       {.name = "plant5-2",
        .permit_dns = {"p5.cams.example"},
        .permit_ip = {"10.20.5.0/24"},
        .note = {.active_from = kNow - kDay, .replaces = "plant5"}},
       {.name = "default-2", .note = {.active_from = roll_over, .replaces = "default"}},
       {.name = "default-3", .note = {.active_from = kNow + 1000 * kDay, .replaces = "default-2"}}},
      kNow, {"camera-https", "server", "short-lived", "agent", "dot1x"}, kCrlParts, /*ocsp=*/true);

  std::vector<SeenIssuer> issuers() const {
    std::vector<std::string> const dns{"cams.example"}, ip{"10.20.0.0/15"};
    auto const at = [&](std::size_t i) -> Issuer const& { return *made.issuing.issuers[i].issuer; };
    std::vector<SeenIssuer> all{seen("default", at(0), dns, ip),
                                seen("plant4", at(1), {"p4.cams.example"}, {"10.20.4.0/24"}),
                                seen("dot1x", at(2), dns, ip),
                                seen("plant5", at(3), {"p5.cams.example"}, {"10.20.5.0/24"}),
                                seen("plant5-2", at(4), {"p5.cams.example"}, {"10.20.5.0/24"}),
                                seen("default-2", at(5), dns, ip),
                                seen("default-3", at(6), dns, ip)};
    all[0].retired_from = all[5].active_from = roll_over;
    all[1].profiles = plant_profiles;
    all[2].profiles = {"dot1x", "agent"};
    all[3].retired_from = all[4].active_from = kNow - kDay;
    all[5].retired_from = all[6].active_from = kNow + 1000 * kDay;
    return all;
  }
};

constexpr Seconds kTick{3};

// The signer's clock: it goes on, steps a little now and then as a clock does that is put right, and now and then says
// something that nobody may believe.
struct Clock {
  Time now = kNow;  // that of the world
  Seconds off{0};
  bool is_wrong = false;

  Time tick(Dice& dice) {
    now += kTick;
    if (dice.once_in(40))
      off = dice.one_of(std::vector<Seconds>{Seconds(0), Seconds(60), -Seconds(20), -Seconds(120), -Seconds(240)});
    is_wrong = dice.once_in(80);
    if (!is_wrong) return now + off;
    return now - dice.one_of(std::vector<Seconds>{kHour, kDay, 200 * kDay, 20'000 * kDay});
  }
};

TEST(HostileFront, GetsNothingOutsideTheRulesTheCapsAndTheRecord) {
  constexpr std::size_t kBatch = 50, kBatchesUntilRestart = 100;
  constexpr SigningCaps kCaps{.per_minute = 150, .per_day = 1'000'000};
  fakes::TempDir dir;
  auto const ledger = dir.path("ledger");
  std::size_t const total = messages();
  Site site{.roll_over = kNow + kTick * (total / kBatch / 2)};
  HostileFront front(site.ca.root, site.issuers(), /*seed=*/8'21);
  SignedThings things(site.ca.root, site.issuers());
  LedgerWatch watch(ledger);
  std::size_t before_the_record = 0;
  for (auto* key : site.made.keys)
    // Of a list the key gets the digest alone, which is what the record has of it.
    key->before = [&](ByteView data) {
      before_the_record += watch.has(to_hex(sha256(data))) || watch.has(to_hex(data)) ? 0 : 1;
    };
  Dice dice(7);
  Clock clock;
  std::unique_ptr<IssuerProcess> signer;
  auto const start = [&](Time now, bool accept_clock = false) {
    signer.reset();
    signer = IssuerProcess::make(once_more(site.made), site.made.signers, ledger, kCaps, accept_clock, now).value();
  };
  std::map<std::string, std::size_t> refusals;
  std::size_t sent = 0;
  // One connection: as much as can be read of what comes in pieces. Nothing may end the test but a wrong signature.
  auto const connection = [&](Time now) {
    Frames frames;
    auto const octets = front.stream(now, kBatch);
    std::vector<Bytes> batch;
    bool is_readable = true;
    for (std::size_t at = 0; at < octets.size() && is_readable;) {
      auto const count = std::min(dice.roll(9'000) + 1, octets.size() - at);
      frames.feed(ByteView(octets).subspan(at, count));
      at += count;
      while (is_readable) {
        auto next = frames.next();
        is_readable = next.ok();
        if (!is_readable || !*next) break;
        batch.push_back(**std::move(next));
      }
    }
    auto const answers = signer->answer(batch, now);
    ASSERT_EQ(answers.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto const answer = decode_answer(message_of(answers[i])).value();
      ASSERT_EQ(things.judge(front.shot_of(batch[i]), answer, now), "")
          << "message " << sent + i << ": " << to_hex(batch[i]);
      if (auto const* refused = std::get_if<Refused>(&answer))
        ++refusals[std::string(to_string(refused->error.code()))];
    }
    front.learns(things.numbers());
    sent += kBatch;
  };

  start(kNow);
  for (std::size_t batches = 0; sent < total; ++batches) {
    auto const now = clock.tick(dice);
    if (!clock.is_wrong) things.clock_says(now);
    ASSERT_NO_FATAL_FAILURE(connection(now));
    if (batches % kBatchesUntilRestart != 0) continue;
    // A restart, after which everything must hold as before; or a clock that ran ahead, and a person who says so.
    if (!dice.once_in(3)) {
      start(clock.now + clock.off);
      continue;
    }
    auto const ahead = clock.now + 2 * kDay;
    things.clock_says(ahead);
    ASSERT_NO_FATAL_FAILURE(connection(ahead));
    start(clock.now + clock.off, /*accept_clock=*/true);
    things.clock_is_accepted(clock.now + clock.off);
  }
  std::set<std::string> on_record;
  for (auto const& entry : entries_of(ledger)) on_record.insert(entry.tbs_hash);
  on_record.erase("");  // of the clock
  EXPECT_EQ(things.hashes(), on_record);
  EXPECT_EQ(before_the_record, 0U) << "signed what the ledger did not say yet";
  EXPECT_LE(most_within(things.leaves_at(), kMinute), kCaps.per_minute);
  EXPECT_LE(most_within(things.certificates_at(), kMinute), kCaps.per_minute + kOwnReserve.per_minute);
  // It was not refused for a reason that makes the test empty.
  EXPECT_GT(things.certificates_at().size(), total / 20);
  EXPECT_GT(things.lists_signed(), std::min<std::size_t>(total / 200, 1'000));  // not in proportion to the messages
  std::map<std::string, std::size_t> const by = things.certificates();
  for (auto const* each :
       {"default camera-https", "default server", "default short-lived", "default agent", "default dot1x",
        "default ocsp-signer", "plant4 camera-https", "plant4 short-lived", "plant4 agent", "plant4 ocsp-signer",
        "dot1x dot1x", "plant5 ocsp-signer", "plant5-2 server", "default-2 camera-https", "default-3 ocsp-signer"})
    EXPECT_TRUE(by.contains(each) || total < 20'000) << each;  // in fewer not everything comes up
  EXPECT_EQ(things.lists().size(), site.issuers().size()) << "each of them goes on with its lists";
  for (auto const code : {Errc::malformed, Errc::rejected_identifier, Errc::bad_public_key, Errc::internal,
                          Errc::unavailable, Errc::invalid_profile, Errc::bad_csr})
    EXPECT_GT(refusals[std::string(to_string(code))], 0U) << to_string(code);
}

}  // namespace
}  // namespace lenscap::ca::test
