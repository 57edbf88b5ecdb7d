// The revocation lists as the server makes, keeps and serves them: when, at which places, with which fields, and what
// goes on being served when a new one cannot be made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>

#include "base/file.h"
#include "ca/crl_places.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/failing_store.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char const* kPlan = "[crl]\nlifetime = \"8d\"\nafter_revocation = \"1h\"\n";

class Crl : public ::testing::Test {
 protected:
  // A server of this CA and store, whose certificates are divided so; 0: no lists are served.
  void start(unsigned parts = 1) {
    ServerOptions options{.settings = kPlan};
    options.state_dir = state_dir;
    options.store = std::make_unique<BorrowedStore>(store, *real);
    auto holder = std::make_unique<ca::test::MemoryKey>(ca.ca.issuing_key);
    path = ca::crl_path(ca.ca.issuing);
    options.ca.emplace();
    options.ca->key = holder.get();
    ca::CrlPlaces places;
    if (parts != 0) places = {.base = ca::test::kHttpUrl + path, .parts = parts};
    options.ca->issuer = ca::Issuer::make(ca.ca.issuing, {ca.ca.root}, std::move(holder),
                                          ca::test::kHttpUrl + ca::aia_path(ca.ca.issuing), std::move(places))
                             .value();
    server.emplace(std::move(options));
  }
  void make(Time at) {
    set_clock(at);
    server->app->crls.make_due();
  }
  void set_clock(Time at) { server->clock.advance(at - server->clock.now()); }
  Answer get(std::string const& url, std::vector<std::pair<std::string, std::string>> const& fields = {}) {
    auto request = make_request(net::Method::get, url);
    for (auto const& [name, value] : fields) request.headers.add(name, value);
    return server->send_web(std::move(request));
  }
  Answer whole() { return get(path + ".crl"); }
  Answer health() { return get("/health"); }
  std::string crl_health() { return *health().object().find("parts")->as_object()->find("crl")->as_string(); }
  std::string issuer_health() { return *health().object().find("parts")->as_object()->find("issuer")->as_string(); }
  std::string revoke() {
    auto const& authority = *server->app->authority;
    auto const now = server->clock.now();
    auto const draft =
        authority.issuer().prepare(authority.default_profile(), ca::test::request(names_of({"a.cams.example"})), now);
    server->app->store->write([&](store::WriteTxn& txn) {
      return ca::record_intent(txn, *draft, "order-1").ok() &&
             ca::record_revoked(txn, draft->serial_hex(), {.at = now, .reason = {}, .by = "a test"}).ok();
    });
    return draft->serial_hex();
  }

  // Certificates that nobody has a record of.
  void revoke_unknown(std::size_t count) {
    auto const now = server->clock.now();
    auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
    server->app->store->write([&](store::WriteTxn& txn) {
      for (std::size_t i = 0; i < count; ++i)
        if (!ca::record_unknown_revoked(txn, to_hex(ca::new_serial(now)), issuer, now + 90 * kDay,
                                        {.at = now, .reason = {}, .by = "a test"}))
          return false;
      return true;
    });
  }

  fakes::TempDir dir;
  std::string state_dir = "/nonexistent";
  ca::test::TestCa ca;
  std::unique_ptr<store::Store> real = store::make_memory_store();
  fakes::FailingStore store{*real};
  std::optional<TestServer> server;
  std::string path;
};

bool holds(Answer const& list, std::string const& serial) {
  return to_hex(as_bytes(list.body)).find(serial) != std::string::npos;
}

// The list's own number, with which its tag begins.
std::string number_of(Answer const& list) {
  auto const tag = list.header("ETag");
  return tag.substr(std::min<std::size_t>(1, tag.size()), tag.find('-') - 1);
}

TEST_F(Crl, ServedWithWhatACacheNeeds) {
  start();
  make(kNow);
  auto const list = whole();
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.header("Content-Type"), "application/pkix-crl");
  EXPECT_EQ(list.header("Last-Modified"), to_http_date(kNow));
  EXPECT_THAT(list.header("ETag"), ::testing::MatchesRegex("\"1-[0-9a-f]{16}\""));
  EXPECT_EQ(list.header("Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(list.body.front(), '\x30');
  auto const url = server->app->authority->issuer().crl_places().url("");
  EXPECT_EQ(url, ca::test::kHttpUrl + path + ".crl") << "where certificates say that it is";
}

TEST_F(Crl, ConditionalRequests) {  // RFC 9110 13
  start();
  make(kNow);
  auto const then = to_http_date(kNow);
  auto const before = to_http_date(kNow - Seconds(1));
  auto const tag = whole().header("ETag");
  auto other = tag;  // of another list with the same number
  other[other.size() - 2] = other[other.size() - 2] == '0' ? '1' : '0';
  struct Case {
    char const* name;
    std::vector<std::pair<std::string, std::string>> fields;
    int status;
  };
  Case const cases[] = {
      {"its tag", {{"If-None-Match", tag}}, 304},
      {"its tag among others", {{"If-None-Match", "\"7\" , W/" + tag}}, 304},
      {"whatever there is", {{"If-None-Match", "*"}}, 304},
      {"another tag", {{"If-None-Match", "\"11\""}}, 200},
      {"another list's of this number", {{"If-None-Match", other}}, 200},
      {"no tag at all", {{"If-None-Match", "1"}}, 200},
      {"its date", {{"If-Modified-Since", then}}, 304},
      {"a later date", {{"If-Modified-Since", to_http_date(kNow + kDay)}}, 304},
      {"an earlier date", {{"If-Modified-Since", before}}, 200},
      {"no date", {{"If-Modified-Since", "yesterday"}}, 200},
      {"the tag counts before the date", {{"If-None-Match", "\"2\""}, {"If-Modified-Since", then}}, 200},
      {"whichever way", {{"If-None-Match", tag}, {"If-Modified-Since", before}}, 304},
  };
  for (Case const& c : cases) {
    auto const answer = get(path + ".crl", c.fields);
    EXPECT_EQ(answer.status, c.status) << c.name;
    EXPECT_EQ(answer.body.empty(), c.status == 304) << c.name;
    EXPECT_EQ(answer.header("ETag"), tag) << c.name;
  }
}

TEST_F(Crl, MayBeCachedNoLongerThanItIsGood) {
  start();
  make(kNow);
  for (auto const& [at, age] :
       {std::pair(kNow + 8 * kDay - Seconds(90), "90"), std::pair(kNow + 9 * kDay, "0"), std::pair(kNow, "3600")}) {
    set_clock(at);
    EXPECT_EQ(whole().header("Cache-Control"), std::string("public, max-age=") + age);
  }
}

TEST_F(Crl, Places) {
  start(4);
  EXPECT_EQ(get(path + "/4-0.crl").status, 503) << "before the first is made";
  make(kNow);
  struct Case {
    char const* name;
    std::string path;
    int status;
  };
  for (Case const& c : {
           Case{"a part", path + "/4-0.crl", 200},
           Case{"the last part", path + "/4-3.crl", 200},
           Case{"no such part", path + "/4-4.crl", 404},
           Case{"of another division", path + "/2-0.crl", 404},
           Case{"without the ending", path + "/4-0", 404},
           Case{"the ending alone", path + "/.crl", 404},
           Case{"the whole, which no certificate names", path + ".crl", 404},
           Case{"of another issuer", "/crl/00.crl", 404},
       })
    EXPECT_EQ(get(c.path).status, c.status) << c.name;
}

TEST_F(Crl, NotServedWhereCertificatesNameNone) {
  server.emplace();
  server->app->crls.make_due();
  path = ca::crl_path(server->app->authority->issuing_certificate());
  EXPECT_EQ(whole().status, 404);
  EXPECT_EQ(crl_health(), "not served");
}

TEST_F(Crl, MadeAnewWhenItIsDue) {
  start();
  make(kNow);
  auto const serial = revoke();
  make(kNow + kHour - Seconds(1));
  EXPECT_EQ(number_of(whole()), "1");
  make(kNow + kHour);
  EXPECT_EQ(number_of(whole()), "2");
  EXPECT_TRUE(holds(whole(), serial));
  make(kNow + kHour + 4 * kDay - Seconds(1));
  EXPECT_EQ(number_of(whole()), "2");
  make(kNow + kHour + 4 * kDay);
  EXPECT_EQ(number_of(whole()), "3");
}

// Certificates of before go on naming their list: it is made as long as the issuer lives.
TEST_F(Crl, ListsOfAnotherDivisionGoOn) {
  start(1);
  make(kNow);
  auto const serial = revoke();
  server.reset();
  start(4);
  make(kNow);
  EXPECT_EQ(number_of(whole()), "2");
  EXPECT_TRUE(holds(whole(), serial));
  EXPECT_EQ(number_of(get(path + "/4-0.crl")), "1");
  EXPECT_THAT(server->app->authority->issuer().crl_places().url_for(from_hex(serial).value()), HasSubstr("/4-"))
      << "what new certificates name";
}

// Whoever switches lists off should know what that means for the certificates that are out.
TEST_F(Crl, SwitchingListsOffIsTold) {
  auto const warned = [&] {
    auto const lines = server->log_lines();
    return std::ranges::any_of(lines, [](auto const& line) { return line.find("crl.no_longer_served") != line.npos; });
  };
  start(0);
  server->app->crls.start(std::chrono::hours(1));
  EXPECT_FALSE(warned()) << "there never were any";
  server.reset();
  start(1);
  make(kNow);
  server.reset();
  start(0);
  server->app->crls.start(std::chrono::hours(1));
  EXPECT_TRUE(warned());
}

// --- what goes wrong

TEST_F(Crl, WithoutTheKeyTheOldListGoesOn) {
  start();
  make(kNow);
  EXPECT_EQ(crl_health(), "ok");
  auto const serial = revoke();
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  make(kNow + kHour);
  EXPECT_EQ(number_of(whole()), "1");
  EXPECT_THAT(server->log_lines(),
              Contains(AllOf(HasSubstr("\"warning\""), HasSubstr("crl.not_made"), HasSubstr("no token in the slot"))));
  EXPECT_EQ(health().status, 200);
  EXPECT_EQ(health().text("status"), "degraded");
  EXPECT_THAT(crl_health(), HasSubstr("still good"));
  EXPECT_EQ(issuer_health(), "the last signature could not be made");
  make(kNow + 8 * kDay);
  EXPECT_EQ(whole().status, 200) << "who has a use for it can still have it";
  EXPECT_EQ(health().status, 503);
  EXPECT_EQ(health().text("status"), "failed");
  EXPECT_THAT(health().text("why"), HasSubstr("crl: "));
  server->key->instead = nullptr;
  make(kNow + 8 * kDay);
  EXPECT_EQ(health().text("status"), "ok");
  EXPECT_TRUE(holds(whole(), serial));
}

// A certificate that the key did not sign is remembered until it signs again, and who finds out is the list's maker.
TEST_F(Crl, AKeyThatIsBackIsFoundByAList) {
  start();
  make(kNow);
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  auto const& issuer = server->app->authority->issuer();
  auto const issue = [&] {
    auto draft = issuer.prepare(server->app->authority->default_profile(),
                                ca::test::request(names_of({"a.cams.example"})), server->clock.now());
    return issuer.sign(std::move(*draft)).ok();
  };
  EXPECT_FALSE(issue());
  EXPECT_EQ(issuer_health(), "the last signature could not be made");
  EXPECT_EQ(health().text("status"), "degraded") << "a try is still possible";
  make(kNow + kMinute);
  EXPECT_EQ(issuer_health(), "the last signature could not be made") << "it is still away";
  server->key->instead = nullptr;
  make(kNow + 2 * kMinute);
  EXPECT_EQ(issuer_health(), "ok");
  EXPECT_EQ(health().text("status"), "ok");
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  EXPECT_FALSE(issue());
  server->key->instead = nullptr;
  EXPECT_TRUE(issue()) << "nothing stands in the way of the next try";
  EXPECT_EQ(issuer_health(), "ok");
}

TEST_F(Crl, WithoutTheKeyAtTheStartThereIsNone) {
  start();
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  make(kNow);
  EXPECT_EQ(whole().status, 503);
  EXPECT_EQ(health().status, 503);
}

// A start makes each list anew; where it cannot, those of before are served as long as they are in force.
TEST_F(Crl, WithoutTheKeyAtTheStartTheListsOfBeforeAreServed) {
  state_dir = dir.path();
  start(4);
  server->app->crls.start(std::chrono::hours(1));
  auto const tag = get(path + "/4-3.crl").header("ETag");
  auto const body = get(path + "/4-3.crl").body;
  auto const again = [&](Time at) {
    server.reset();
    start(4);
    set_clock(at);
    server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
    server->app->crls.start(std::chrono::hours(1));
    return get(path + "/4-3.crl");
  };
  auto const kept = again(kNow + kDay);
  EXPECT_EQ(kept.status, 200);
  EXPECT_EQ(kept.body, body);
  EXPECT_EQ(kept.header("ETag"), tag);
  EXPECT_EQ(health().text("status"), "degraded");
  server->key->instead = nullptr;
  server->app->crls.make_due();
  EXPECT_NE(get(path + "/4-3.crl").body, body) << "and tried for until there is a new one";
  EXPECT_EQ(health().text("status"), "ok");
  EXPECT_EQ(again(kNow + 20 * kDay).status, 503) << "it has ended";
}

// A file is believed when it is the list that the store knows as the last, under its issuer's signature.
TEST_F(Crl, WhatIsKeptIsJudged) {
  state_dir = dir.path();
  start();
  make(kNow);
  auto const file = dir.path("crls/" + path.substr(path.rfind('/') + 1) + "/whole.crl");
  auto const good = read_file(file).value();
  auto const served = [&](std::string const& content) {
    server.reset();
    std::ofstream(file) << content;
    start();
    server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
    server->app->crls.start(std::chrono::hours(1));
    return whole().status;
  };
  EXPECT_EQ(served(good), 200);
  auto spoilt = good;
  spoilt[spoilt.size() / 2] ^= 1;
  EXPECT_EQ(served(spoilt), 503) << "another octet";
  EXPECT_EQ(served(good.substr(0, good.size() - 1)), 503) << "cut";
  EXPECT_EQ(served(""), 503);
  EXPECT_EQ(served(good), 200);
  server->key->instead = nullptr;
  make(kNow + 4 * kDay);
  auto const newer = read_file(file).value();
  EXPECT_EQ(served(good), 503) << "one of before";
  EXPECT_EQ(served(newer), 200);
}

// A long list takes no memory once it is kept, also not while the next one is made. Who had begun to fetch the one of
// before gets it to its end.
TEST_F(Crl, ALongListIsServedFromItsFile) {
  state_dir = dir.path();
  start();
  make(kNow);
  auto const issuer = to_hex(ca.ca.issuing.subject_key_id());
  auto const find = [&] { return server->app->crls.find(issuer, ""); };
  EXPECT_TRUE(find()->der.is_in_memory()) << "a short one";
  revoke_unknown(3'000);
  make(kNow + kHour);
  ASSERT_GT(find()->der.size(), KeptCrls::kFromMemoryMax);
  EXPECT_FALSE(find()->der.is_in_memory());
  auto const first = whole();
  EXPECT_TRUE(first.body == read_file(dir.path("crls/" + issuer + "/whole.crl")).value());

  auto const held = find();
  make(kNow + 5 * kDay);
  EXPECT_EQ(number_of(whole()), "3");
  Bytes room;
  auto const begin = held->der.piece(0, room);
  ASSERT_TRUE(begin && !begin->empty());
  EXPECT_TRUE(first.body.starts_with(as_text(*begin)));

  auto const tag = whole().header("ETag");
  server.reset();
  start();
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  server->app->crls.start(std::chrono::hours(1));
  EXPECT_EQ(whole().header("ETag"), tag) << "after a start, too";
  EXPECT_FALSE(find()->der.is_in_memory());
}

TEST_F(Crl, ALongListThatCannotBeKeptIsServedFromMemory) {
  state_dir = dir.path();
  std::ofstream(dir.path("crls")) << "no directory";
  start();
  revoke_unknown(3'000);
  make(kNow);
  EXPECT_THAT(server->log_lines(), Contains(HasSubstr("crl.not_kept")));
  auto const list = server->app->crls.find(to_hex(ca.ca.issuing.subject_key_id()), "");
  EXPECT_TRUE(list->der.is_in_memory());
  EXPECT_EQ(whole().body.size(), list->der.size());
  EXPECT_EQ(crl_health(), "ok");
}

TEST_F(Crl, WhenTheStoreTakesNothingTheOldListGoesOn) {
  start();
  std::string told;
  server->app->db.on_broken = [&](std::string const& why) { told = why; };
  make(kNow);
  store.fail_at(1);
  make(kNow + 4 * kDay);
  EXPECT_EQ(whole().status, 200);
  EXPECT_EQ(number_of(whole()), "1");
  EXPECT_THAT(server->log_lines(), Contains(HasSubstr("crl.not_made")));
  EXPECT_THAT(told, HasSubstr("the store fails")) << "so that the process can end and be started again";
  store.heal();
  make(kNow + 4 * kDay);
  EXPECT_EQ(number_of(whole()), "2");
}

// --- the thread

class CrlThread : public Crl {
 protected:
  // The thread signs something after this.
  void expect_signature_after(std::function<void()> const& what) {
    std::mutex mutex;
    std::condition_variable signed_one;
    bool done = false;
    server->key->before = [&](ByteView) {
      std::lock_guard const lock(mutex);
      done = true;
      signed_one.notify_all();
    };
    what();
    {
      std::unique_lock lock(mutex);
      EXPECT_TRUE(signed_one.wait_for(lock, std::chrono::seconds(30), [&] { return done; }));
    }
    server->app->crls.stop();  // after what it had begun
  }
};

TEST_F(CrlThread, ARevocationWakesIt) {
  start();
  server->app->crls.start(std::chrono::hours(1));
  EXPECT_EQ(number_of(whole()), "1") << "there when start() returns";
  auto const serial = revoke();
  set_clock(kNow + kHour);
  expect_signature_after([&] { server->app->crls.look_again(); });
  EXPECT_TRUE(holds(whole(), serial));
}

// A machine that was suspended: no time has passed for the thread, and days for everybody else.
TEST_F(CrlThread, ALongSleepOfTheMachineIsSeenAtTheNextLook) {
  start();
  server->app->crls.start(std::chrono::milliseconds(10));
  expect_signature_after([&] { set_clock(kNow + 9 * kDay); });
  EXPECT_NE(number_of(whole()), "1");
  EXPECT_EQ(crl_health(), "ok");
}

}  // namespace
}  // namespace lenscap::acme::test
