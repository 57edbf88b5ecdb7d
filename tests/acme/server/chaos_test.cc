// Each switch of [chaos] as a client meets it, and finalize with a key holder that takes its time.
#include "acme/server/chaos.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "base/file.h"
#include "tests/acme/server/proving.h"

namespace lenscap::acme::test {
namespace {

TestServer server_with(std::string const& chaos) { return TestServer({.settings = "[chaos]\n" + chaos}); }

std::vector<std::string> texts(Answer const& answer, std::string_view name) {
  return json::need_strings(answer.object(), name).value();
}

json::Object first_challenge(Answer const& authorization) {
  return *authorization.object().find("challenges")->as_array()->front().as_object();
}

std::vector<std::string> many_hosts() {
  std::vector<std::string> hosts;
  for (int i = 0; i < 20; ++i) hosts.push_back("cam" + std::to_string(i) + ".cams.example");
  return hosts;
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::ranges::sort(list);
  return list;
}

TEST(Chaos, IsOffByDefault) {
  Chaos chaos{ChaosSettings()};
  EXPECT_TRUE(chaos.switches().empty());
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(chaos.judge_nonce(key, "https://a/new-order", "{}").ok());
  EXPECT_EQ(chaos.finalize_wait(std::chrono::milliseconds(7)), std::chrono::milliseconds(7));
  net::Response response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Retry-After", "2");
  response.body = R"({"orders": ["a", "b", "c", "d", "e", "f", "g", "h"]})";  // with spaces: not even written anew
  auto const before = response.body;
  chaos.change(response, kNow);
  EXPECT_EQ(response.body, before);
  EXPECT_EQ(*response.headers.find("Retry-After"), "2");
  TestServer server;
  EXPECT_EQ(server.send_web(make_request(net::Method::get, "/health")).object().find("chaos"), nullptr);
}

TEST(Chaos, SaysWhatIsOn) {
  auto server = server_with("bad_nonce = 20\nasync_finalize = \"3s\"\nseed = 7\n");
  auto const health = server.send_web(make_request(net::Method::get, "/health"));
  EXPECT_EQ(texts(health, "chaos"),
            (std::vector<std::string>{"bad_nonce = 20", "async_finalize = \"3s\"", "seed = 7"}));
  EXPECT_EQ(health.text("status"), "ok");
}

// Every kind of request is refused once, with a nonce that works, and is served when it is sent again.
TEST(BadNonce, OfAHundredPercentRefusesEveryRequestOnce) {  // 8555-6.5-6
  auto server = server_with("bad_nonce = 100\n");
  auto const& urls = server.app->settings.urls;
  auto const eab = server.add_eab(server.grant_scope());
  Client client(server);
  auto const twice = [&](auto const& send) {
    auto const refused = send();
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(refused.problem(), "badNonce") << refused.body;
    EXPECT_FALSE(refused.header("Replay-Nonce").empty());
    return send();
  };
  EXPECT_EQ(twice([&] { return client.new_account(&eab); }).status, 201);
  auto const order = twice([&] { return client.new_order({"cam1.cams.example"}); });
  EXPECT_EQ(order.status, 201) << order.body;
  auto const url = order.header("Location");
  EXPECT_EQ(twice([&] { return client.read(url); }).text("status"), "ready");
  // One request twice, not two: each that was refused leaves a mark, which another may meet by chance.
  auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names_of({"cam1.cams.example"}));
  auto const valid = twice([&] { return client.finalize_with(url, csr); });
  EXPECT_EQ(twice([&] { return client.read(valid.text("certificate")); }).status, 200);

  // The fresh nonce of the refusal is the one to take.
  auto const refused = server.post(urls.new_order(), client.sign(urls.new_order(), "{}", server.nonce()));
  ASSERT_EQ(refused.problem(), "badNonce");
  auto const again = server.post(urls.new_order(), client.sign(urls.new_order(), "{}", refused.header("Replay-Nonce")));
  EXPECT_NE(again.problem(), "badNonce") << again.body;
}

TEST(BadNonce, FollowsTheSeedAndNeverComesTwiceInARow) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  auto const series = [&](std::uint64_t seed) {
    Chaos chaos(ChaosSettings{.bad_nonce = 30, .seed = seed});
    std::vector<bool> refused;
    for (int i = 0; i < 2000; ++i) refused.push_back(!chaos.judge_nonce(key, "https://a/new-order", "{}").ok());
    return refused;
  };
  auto const first = series(7);
  EXPECT_EQ(series(7), first);
  EXPECT_NE(series(8), first);
  EXPECT_NE(series(0), series(0));  // another seed each time
  std::vector<bool> const two(2, true);
  EXPECT_EQ(std::search(first.begin(), first.end(), two.begin(), two.end()), first.end());
  // Of those that are judged: a refused one is followed by one that is not.
  auto const count = std::count(first.begin(), first.end(), true);
  EXPECT_NEAR(static_cast<double>(count) / static_cast<double>(2000 - count), 0.3, 0.06);
}

// Whoever sends several at a time sees each of them refused once, not one of them again and again.
TEST(BadNonce, RefusesARequestOnceWhateverIsSentBeside) {
  // One of those with which no two of these requests share a mark, of which there are 4,096.
  auto const pem = read_file(LENSCAP_SOURCE_DIR "/tests/data/net/server.key", 4096).value();
  auto const key = x509::PrivateKey::from_pem(pem, SecretBytes()).value().public_key();
  auto const passes = [&](Chaos& chaos, std::string const& url, std::string const& payload) {
    return chaos.judge_nonce(key, "https://ca.example/" + url, payload).ok();
  };
  Chaos chaos(ChaosSettings{.bad_nonce = 100, .seed = 7});
  EXPECT_FALSE(passes(chaos, "order/1", ""));
  EXPECT_FALSE(passes(chaos, "order/2", "")) << "another URL has its own turn";
  EXPECT_TRUE(passes(chaos, "order/2", ""));
  EXPECT_TRUE(passes(chaos, "order/1", ""));

  EXPECT_FALSE(passes(chaos, "new-order", "cam1"));
  EXPECT_TRUE(passes(chaos, "new-order", "cam2")) << "it may be the refused one, made anew";
  EXPECT_TRUE(passes(chaos, "new-order", "cam1")) << "though another one passed in between";
  EXPECT_FALSE(passes(chaos, "new-order", "cam3"));
}

TEST(Shuffle, AnOrderKeepsItsListInAnOrderOfItsOwn) {  // 8555-7.1.3-3
  auto server = server_with("shuffle = true\n");
  auto client = granted_client(server);
  auto const hosts = many_hosts();
  auto const made = client.new_order(hosts);
  ASSERT_EQ(made.status, 201) << made.body;
  auto const list = texts(made, "authorizations");
  ASSERT_EQ(list.size(), hosts.size());
  std::vector<std::string> named;
  for (auto const& url : list)
    named.push_back(json::need_string(*client.read(url).object().find("identifier")->as_object(), "value").value());
  EXPECT_NE(named, hosts);  // but for one time in 20!
  EXPECT_EQ(sorted(named), sorted(hosts));

  auto const url = made.header("Location");
  EXPECT_EQ(texts(client.read(url), "authorizations"), list);
  auto const valid = client.finalize(url, hosts);
  EXPECT_EQ(valid.text("status"), "valid") << valid.body;
  EXPECT_EQ(texts(valid, "authorizations"), list);
}

TEST(Shuffle, ChallengesAndOrdersToo) {
  auto server = server_with("shuffle = true\n");
  auto client = proving_client(server);
  std::set<std::string> first_types;
  std::vector<std::string> made;
  for (auto const& host : many_hosts()) {
    auto const order = client.new_order({host});
    made.push_back(order.header("Location"));
    auto const authorization = client.read(texts(order, "authorizations").at(0));
    auto const again = client.read(texts(order, "authorizations").at(0));
    EXPECT_EQ(again.body, authorization.body);
    first_types.insert(json::need_string(first_challenge(authorization), "type").value());
  }
  EXPECT_GT(first_types.size(), 1u);  // but for one time in a thousand million
  auto const listed = texts(client.read(client.kid + "/orders"), "orders");
  EXPECT_NE(listed, made);
  EXPECT_EQ(sorted(listed), sorted(made));
}

// The key is used in an hour; until then the order is `processing`.
TEST(AsyncFinalize, AnswersProcessingAndWhenToComeAgain) {  // 8555-7.4-9
  auto server = server_with("async_finalize = \"1h\"\n");
  auto client = granted_client(server);
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  auto const answer = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("status"), "processing") << answer.body;
  EXPECT_EQ(answer.header("Retry-After"), "2");
  EXPECT_EQ(answer.text("certificate"), "");
  auto const read = client.read(url);
  EXPECT_EQ(read.text("status"), "processing");
  EXPECT_EQ(read.header("Retry-After"), "2");
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).problem(), "orderNotReady");  // 8555-7.4-8
}

TEST(AsyncFinalize, TheCertificateComesLater) {
  auto server = server_with("async_finalize = \"1s\"\n");
  auto client = granted_client(server);
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "processing");
  server.app->finalization.wait_until_done(std::chrono::minutes(1));
  auto const valid = client.read(url);
  EXPECT_EQ(valid.text("status"), "valid");
  EXPECT_TRUE(valid.header("Retry-After").empty());
  EXPECT_EQ(client.read(valid.text("certificate")).status, 200);
}

TEST(RetryAfter, AsADate) {
  auto server = server_with("async_finalize = \"1h\"\nretry_after = \"date\"\n");
  auto client = granted_client(server);
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(client.read(url).header("Retry-After"), to_http_date(server.clock.now() + Seconds(2)));
}

TEST(RetryAfter, InBothForms) {
  auto server = server_with("async_finalize = \"1h\"\nretry_after = \"mixed\"\nseed = 7\n");
  auto client = granted_client(server);
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  client.finalize(url, {"cam1.cams.example"});
  std::set<std::string> forms;
  for (int i = 0; i < 50; ++i) forms.insert(client.read(url).header("Retry-After"));
  EXPECT_EQ(forms, (std::set<std::string>{"2", to_http_date(server.clock.now() + Seconds(2))}));
}

struct SlowValidation : Proving {
  SlowValidation() : Proving("[chaos]\nslow_validation = \"3s\"\n") {
    server.app->validation.outcome_soon = std::chrono::milliseconds(1);
  }
};

TEST_F(SlowValidation, EachAttemptBeginsLater) {
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  auto const begin = std::chrono::steady_clock::now();
  auto const challenge_url = challenge_of(url, "http-01");
  EXPECT_EQ(client.post(challenge_url, "{}").text("status"), "processing");
  EXPECT_EQ(client.read(challenge_url).header("Retry-After"), "2");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

struct Reuse : Proving {
  explicit Reuse(std::string const& more = "") : Proving(more) {}
  void prove() {
    auto const order = client.new_order({"127.0.0.1"});
    auto const url = first_text(order.object(), "authorizations");
    client.post(challenge_of(url, "http-01"), "{}");
    EXPECT_EQ(wait_for(url).text("status"), "valid");
  }
  std::string next_order() { return client.new_order({"127.0.0.1"}).text("status"); }
  void advance_to_its_last_minute() { server.clock.advance(limits::kProvedAuthorizationLifetime - kMinute); }
};
struct ReuseAlways : Reuse {
  ReuseAlways() : Reuse("[chaos]\nreuse_authorizations = \"always\"\n") {}
};
struct ReuseNever : Reuse {
  ReuseNever() : Reuse("[chaos]\nreuse_authorizations = \"never\"\n") {}
};

TEST_F(Reuse, UsuallyEndsAnHourBeforeTheAuthorization) {
  prove();
  EXPECT_EQ(next_order(), "ready");
  advance_to_its_last_minute();
  EXPECT_EQ(next_order(), "pending");
}

TEST_F(ReuseAlways, GoesOnToTheLastSecond) {
  prove();
  advance_to_its_last_minute();
  EXPECT_EQ(next_order(), "ready");
  server.clock.advance(kMinute);
  EXPECT_EQ(next_order(), "pending");
}

TEST_F(ReuseNever, EachOrderProvesAnew) {
  prove();
  EXPECT_EQ(next_order(), "pending");
}

// --- a key holder that takes its time, without any chaos

struct SlowKeyHolder : ::testing::Test {
  std::promise<void> release;
  TestServer server;
  Client client = granted_client(server);
  std::string url = client.new_order({"cam1.cams.example"}).header("Location");

  SlowKeyHolder() {
    server.app->finalization.wait = std::chrono::milliseconds(1);
    server.key->before = [waiting = release.get_future().share()](ByteView) { waiting.wait(); };
  }
  Answer finish() {
    release.set_value();
    server.app->finalization.wait_until_done(std::chrono::minutes(1));
    return client.read(url);
  }
};

TEST_F(SlowKeyHolder, TheOrderIsProcessingUntilItSigns) {  // 8555-7.4-9
  auto const answer = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("status"), "processing") << answer.body;
  EXPECT_FALSE(answer.header("Retry-After").empty());
  EXPECT_EQ(client.read(url).text("status"), "processing");
  auto const valid = finish();
  EXPECT_EQ(valid.text("status"), "valid");
  EXPECT_EQ(client.read(valid.text("certificate")).status, 200);
}

TEST_F(SlowKeyHolder, ARefusalIsInTheOrder) {
  server.key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "the token is gone"); };
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "processing");
  auto const invalid = finish();
  EXPECT_EQ(invalid.text("status"), "invalid");
  EXPECT_NE(invalid.object().find("error"), nullptr);
}

TEST_F(SlowKeyHolder, AQuickOneIsWaitedFor) {
  server.app->finalization.wait = std::chrono::minutes(1);
  release.set_value();
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
