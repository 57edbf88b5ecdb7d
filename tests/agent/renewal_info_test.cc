#include "agent/renewal_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/scheduler.h"
#include "tests/agent/workshop.h"

namespace lenscap::agent {
namespace {

using ::testing::IsEmpty;
using testing::kNow;
using ::testing::SizeIs;
using testing::TestWorkshop;

TEST(WantsWindow, NewestAnswerFirst) {
  auto const live = [](std::optional<RenewalWindow> window, std::optional<Time> asked,
                       Time promoted = kNow - 10 * kDay) {
    auto certificate = testing::live("lenscap-00000001", kNow - 10 * kDay);
    certificate.promoted = promoted;
    certificate.window = window;
    certificate.asked = asked;
    return certificate;
  };
  auto const window = [](Time fetched) {
    return RenewalWindow{kNow + kDay, kNow + 2 * kDay, fetched, Seconds(6 * 3600)};
  };
  struct Case {
    char const* name;
    LiveCertificate certificate;
    bool wanted;
  };
  Case const cases[] = {
      {"never asked", live({}, {}), true},
      {"fresh", live(window(kNow - kHour), kNow - kHour), false},
      {"its time is over", live(window(kNow - 6 * kHour), kNow - 6 * kHour), true},
      {"over, and asked in vain just now", live(window(kNow - 6 * kHour), kNow - kMinute), false},
      {"over, and asked in vain an hour ago", live(window(kNow - 7 * kHour), kNow - kHour), true},
      {"asked in vain just now", live({}, kNow - kMinute), false},
      {"asked in vain an hour ago", live({}, kNow - kHour), true},
      {"a clock that was set back", live(window(kNow + kDay), kNow + kDay), true},
      {"a new certificate", live({}, {}, kNow - kHour), false},
      {"not so new", live({}, {}, kNow - 6 * kHour), true},
  };
  for (auto const& c : cases) EXPECT_EQ(wants_window(c.certificate, kNow), c.wanted) << c.name;
  auto short_lived = live({}, {}, kNow - kHour);
  short_lived.validity = {kNow - kHour, kNow + 9 * kHour};
  EXPECT_TRUE(wants_window(short_lived, kNow)) << "a tenth of its lifetime is over";
}

TEST(CertificateId, OfTheLeaf) {
  fakes::FakeClock clock{kNow};
  fakes::FakeAcme acme(clock);
  auto live = testing::live("lenscap-00000001", kNow);
  EXPECT_EQ(certificate_id(live), "") << "what cannot be read has no name";
  live.chain_pem = acme.authority.intermediates().front().pem() + acme.root_pem();
  EXPECT_EQ(certificate_id(live), acme::CertificateId::of(acme.authority.intermediates().front()).value().text());
}

struct AskWindows : ::testing::Test {
  TestWorkshop world;
  std::string id;

  AskWindows() {
    world.acme.renewal_info = acme::RenewalInfoObject{kNow + 20 * kDay, kNow + 21 * kDay};
    enroll(world.device());
  }
  // With a certificate that is ten days old.
  void enroll(Device device) {
    device.live = testing::live("lenscap-00000001", kNow - 10 * kDay);
    device.live->chain_pem = world.acme.authority.intermediates().front().pem();
    id = certificate_id(*device.live);
    world.save(device);
  }
  std::vector<std::string> to_ask() {
    std::vector<std::string> serials;
    world.store->read([&](store::ReadTxn& txn) { serials = windows_to_ask(txn, world.clock.now()); });
    return serials;
  }
  std::size_t ask() {
    auto shop = world.shop();
    return net::run(world.threads.next(), ask_windows(shop, to_ask()));
  }
  std::size_t due() {
    std::size_t count = 0;
    world.store->read([&](store::ReadTxn& txn) { count = due_jobs(txn, world.clock.now()).size(); });
    return count;
  }
};

TEST_F(AskWindows, TheSchedulerHonoursWhatTheServerSays) {  // RFC 9773 4.2
  EXPECT_EQ(ask(), 1u);
  EXPECT_EQ(world.acme.count("/renewal-info/" + id), 1);
  auto const window = world.device().live->window.value();
  EXPECT_EQ(window.start, kNow + 20 * kDay);
  EXPECT_EQ(window.end, kNow + 21 * kDay);
  EXPECT_EQ(window.fetched, kNow);
  EXPECT_EQ(window.retry_after, Seconds(21600));
  EXPECT_THAT(to_ask(), IsEmpty());
  EXPECT_EQ(due(), 0u);
  // The server changes its mind: at once.
  world.clock.advance(6 * kHour);
  EXPECT_THAT(to_ask(), SizeIs(1));
  world.acme.renewal_info = acme::RenewalInfoObject{kNow - 2 * kDay, kNow - kDay};
  EXPECT_EQ(ask(), 1u);
  EXPECT_EQ(due(), 1u) << "sixty days before it would be due by itself";
  EXPECT_THAT(world.acme.violations, IsEmpty());
}

TEST_F(AskWindows, RetryAfterIsHeldToSaneBounds) {
  struct Case {
    char const* field;
    Seconds expected;
  };
  Case const cases[] = {{"", 6 * kHour},
                        {"0", kMinute},
                        {"1", kMinute},
                        {"3600", kHour},
                        {"99999999999", kDay},
                        {"-5", 6 * kHour},
                        {"Wed, 21 Oct 2026 07:28:00 GMT", 6 * kHour}};
  for (auto const& c : cases) {
    enroll(world.device());
    world.acme.renewal_retry_after = c.field;
    EXPECT_EQ(ask(), 1u);
    EXPECT_EQ(world.device().live->window->retry_after, c.expected) << c.field;
  }
}

TEST_F(AskWindows, NothingDependsOnAnAnswer) {
  auto const page = [&](int status, std::string body) {
    return
        [this, status, body] { return fakes::FakeAcme::Answer(world.acme.respond(status, "application/json", body)); };
  };
  std::pair<char const*, std::function<fakes::FakeAcme::Answer()>> const cases[] = {
      {"unreachable", [] { return fakes::FakeAcme::Answer(Error(Errc::unreachable, "nobody")); }},
      {"unknown", [this] { return fakes::FakeAcme::Answer(world.acme.problem(Error(Errc::not_found, "no"))); }},
      {"no JSON", page(200, "<html>")},
      {"no window", page(200, "{}")},
      {"turned round",
       page(200, R"({"suggestedWindow":{"start":"2026-03-02T00:00:00Z","end":"2026-03-01T00:00:00Z"}})")},
      {"broken", page(500, "")},
  };
  for (auto const& [name, answer] : cases) {
    enroll(world.device());
    world.acme.instead = [&](fakes::FakeAcme::Seen const& seen) -> std::optional<fakes::FakeAcme::Answer> {
      if (seen.url.find("/renewal-info/") == std::string::npos) return std::nullopt;
      return answer();
    };
    EXPECT_EQ(ask(), 0u) << name;
    EXPECT_FALSE(world.device().live->window) << name;
    EXPECT_THAT(to_ask(), IsEmpty()) << name << ": not again at once";
    EXPECT_EQ(due(), 0u) << name;
  }
  world.clock.advance(kHour);
  EXPECT_THAT(to_ask(), SizeIs(1));
  world.clock.advance(60 * kDay);
  EXPECT_EQ(due(), 1u) << "by its lifetime";
}

TEST_F(AskWindows, AServerWithoutRenewalInformationIsLeftAlone) {
  world.acme.renewal_info.reset();
  EXPECT_EQ(ask(), 0u);
  EXPECT_EQ(world.acme.count("/renewal-info"), 0);
  EXPECT_THAT(to_ask(), IsEmpty());
}

TEST_F(AskWindows, ARoundIsBounded) {
  for (int i = 0; i < 120; ++i) {
    auto device = world.device();
    device.serial = "ACCC8E0" + std::to_string(10000 + i);
    enroll(std::move(device));
  }
  EXPECT_THAT(to_ask(), SizeIs(kAsksPerRound));
  world.acme.instead = [](fakes::FakeAcme::Seen const& seen) -> std::optional<fakes::FakeAcme::Answer> {
    if (seen.url.find("/renewal-info/") == std::string::npos) return std::nullopt;
    return fakes::FakeAcme::Answer(Error(Errc::unreachable, "nobody"));
  };
  EXPECT_EQ(ask(), 0u);
  EXPECT_EQ(world.acme.count("/renewal-info/"), 1) << "the others would fare no better";
  EXPECT_THAT(to_ask(), SizeIs(kAsksPerRound)) << "those who were not asked yet";
  world.acme.instead = nullptr;
  EXPECT_EQ(ask(), kAsksPerRound);
  EXPECT_EQ(ask(), 121 - 2 * kAsksPerRound);
  EXPECT_THAT(to_ask(), IsEmpty());
}

TEST_F(AskWindows, ARenewalNamesWhatItReplaces) {  // 9773-5-1
  world.run(Purpose::renew);
  ASSERT_EQ(world.acme.orders.size(), 1u);
  EXPECT_EQ(world.acme.orders.begin()->second.object.replaces, id);
}

}  // namespace
}  // namespace lenscap::agent
