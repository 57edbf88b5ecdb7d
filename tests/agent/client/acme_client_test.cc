// The client's requests against a server that behaves and one that does not.
#include "agent/client/acme_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "base/net/io_threads.h"
#include "tests/fakes/fake_acme.h"
#include "tests/fakes/fake_clock.h"

namespace lenscap::agent {
namespace {

using fakes::FakeAcme;
using ::testing::HasSubstr;
using ::testing::Not;

struct AcmeClientTest : ::testing::Test {
  template <class T>
  T run(net::Awaitable<T> task) {
    return net::run(threads.next(), std::move(task));
  }
  AcmeClient client(std::string account_url = {}) {
    return {acme.fetch(), {acme.directory_url(), acme.authority.roots()}, key, std::move(account_url)};
  }
  AcmeClient joined() {
    acme.accounts.emplace("https://ca.example/account/1", key.public_key());
    return client("https://ca.example/account/1");
  }
  acme::NewOrderRequest order_for(std::string_view name) {
    acme::NewOrderRequest request;
    request.identifiers = {acme::Identifier::parse("dns", name).value()};
    return request;
  }
  // Every answer to a URL that ends so is this one.
  void always(std::string ending, net::ClientResponse response) {
    acme.instead = [ending = std::move(ending),
                    response = std::move(response)](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
      if (!seen.url.ends_with(ending)) return std::nullopt;
      return FakeAcme::Answer(response);
    };
  }

  fakes::FakeClock clock{x509::testing::kNow};
  FakeAcme acme{clock};
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  net::IoThreads threads{1};
};

template <class T>
Result<> without_value(Result<T> result) {
  if (!result.ok()) return std::move(result).error();
  return {};
}

TEST(HttpsOrigin, OfUrls) {
  struct Case {
    std::string_view url;
    std::string_view origin;
  };
  constexpr Case kCases[] = {
      {"https://ca.example/directory", "https://ca.example"},
      {"https://CA.Example:443/x", "https://ca.example"},
      {"https://ca.example:8443?x", "https://ca.example:8443"},
      {"https://[fd00::1]:8443/x", "https://[fd00::1]:8443"},
      {"http://ca.example/x", ""},
      {"HTTPS://ca.example/x", ""},
      {"https:///x", ""},
      {"https://user@ca.example/x", ""},
      {"https://ca.example\\@evil.example/x", ""},
      {"https://ca.example/a b", ""},
      {"https://ca.example/\r\nX: y", ""},
      {"ftp://ca.example/", ""},
      {"", ""},
  };
  for (auto const& c : kCases) EXPECT_EQ(https_origin(c.url), c.origin) << c.url;
  EXPECT_EQ(https_origin("https://ca.example/" + std::string(5000, 'a')), "");
}

TEST_F(AcmeClientTest, MakesAnAccountAndPlacesAnOrder) {
  auto client = this->client();
  auto account = run(client.new_account("", {}));
  ASSERT_TRUE(account.ok()) << account.error().detail();
  EXPECT_EQ(client.account_url(), "https://ca.example/account/1");
  auto order = run(client.new_order(order_for("cam1.example")));
  ASSERT_TRUE(order.ok()) << order.error().detail();
  EXPECT_EQ(order->url, "https://ca.example/order/1");
  EXPECT_EQ(order->object.status, acme::OrderStatus::ready);
  EXPECT_EQ(acme.count("/directory"), 1);
  EXPECT_EQ(acme.count("/new-nonce"), 1) << "the other nonces came with answers";
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());
}

TEST_F(AcmeClientTest, BindsTheAccountToTheExternalOne) {
  acme.eab_kid = "kid-1";
  acme.eab_mac_key = SecretBytes(std::string_view("0123456789abcdef0123456789abcdef"));
  auto client = this->client();
  EXPECT_TRUE(run(client.new_account("kid-1", acme.eab_mac_key.clone())).ok());
  auto wrong =
      run(this->client().new_account("kid-1", SecretBytes(std::string_view("another key of 32 octets........"))));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code(), Errc::unauthorized);
  EXPECT_THAT(wrong.error().detail(), Not(HasSubstr("another key")));
}

TEST_F(AcmeClientTest, TheSameKeyFindsItsAccountAgain) {
  ASSERT_TRUE(run(client().new_account("", {})).ok());
  auto again = run(client().new_account("", {}));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->url, "https://ca.example/account/1");
}

TEST_F(AcmeClientTest, WithoutAnAccountNothingIsSent) {
  auto refused = run(client().order("https://ca.example/order/1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::account_does_not_exist);
  EXPECT_TRUE(acme.requests.empty());
}

// 8555-6.5-3: a server that was restarted knows none of the nonces that we keep.
TEST_F(AcmeClientTest, BadNonceIsTriedAgainWithTheFreshOne) {
  auto client = joined();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(client.new_order(order_for("cam1.example"))).ok());
  acme.forget_nonces();
  int const before = acme.count("/new-order");
  auto order = run(client.new_order(order_for("cam1.example")));
  ASSERT_TRUE(order.ok()) << order.error().detail();
  EXPECT_EQ(acme.count("/new-order") - before, 2);
}

// Many requests at once leave many nonces behind. One refusal is enough to know that all of them are old: trying each
// in turn would use up the tries.
struct ManyAtOnce : AcmeClientTest {
  static net::Awaitable<FakeAcme::Answer> slowly(Fetch fetch, net::ClientRequest request) {
    co_await net::sleep_for(std::chrono::milliseconds(0));
    co_return co_await fetch(std::move(request));
  }
  net::Awaitable<> place(AcmeClient& client, acme::NewOrderRequest request) {
    auto order = co_await client.new_order(std::move(request));
    EXPECT_TRUE(order.ok());
    --under_way_;
  }
  net::Awaitable<> place_many(AcmeClient& client, int count) {
    auto const loop = co_await boost::asio::this_coro::executor;
    under_way_ = count;
    for (int i = 0; i < count; ++i) net::spawn(loop, place(client, order_for("cam1.example")));
    while (under_way_ > 0) co_await net::sleep_for(std::chrono::milliseconds(0));
  }
  int under_way_ = 0;
};

TEST_F(ManyAtOnce, OldNoncesAreForgottenTogether) {
  acme.accounts.emplace("https://ca.example/account/1", key.public_key());
  Fetch const fetch = [inner = acme.fetch()](net::ClientRequest request) { return slowly(inner, std::move(request)); };
  AcmeClient client(fetch, {acme.directory_url(), {}}, key, "https://ca.example/account/1");
  net::run_until_done(threads.next(), place_many(client, 10));

  bool first = true;
  acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (!seen.url.ends_with("/new-order") || !std::exchange(first, false)) return std::nullopt;
    acme.forget_nonces();
    net::ClientResponse response;  // without a fresh one
    response.status = 400;
    response.headers.add("Content-Type", "application/problem+json");
    response.body = R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"no"})";
    return FakeAcme::Answer(response);
  };
  int const asked = acme.count("/new-nonce");
  int const placed = acme.count("/new-order");
  EXPECT_TRUE(run(client.new_order(order_for("cam1.example"))).ok());
  EXPECT_EQ(acme.count("/new-nonce"), asked + 1);
  EXPECT_EQ(acme.count("/new-order"), placed + 2);
}

TEST_F(AcmeClientTest, AServerThatNeverLikesANonceIsGivenUp) {
  auto client = joined();
  acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (seen.method != net::Method::post) return std::nullopt;
    return FakeAcme::Answer(acme.problem(Error(Errc::bad_nonce, "no")));
  };
  auto refused = run(client.new_order(order_for("cam1.example")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::bad_nonce);
  EXPECT_LE(acme.requests.size(), 10U);
}

TEST_F(AcmeClientTest, ANewNonceThatIsNone) {
  auto response = acme.respond(200, "", "");
  response.headers = {};
  response.headers.add("Replay-Nonce", "not base64url!");
  always("/new-nonce", response);
  auto refused = run(joined().new_order(order_for("cam1.example")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("/new-order"), 0);
}

// Nothing is ever sent to a place that is not the directory's own origin (lego CVE-2025-54799).
TEST_F(AcmeClientTest, UrlsElsewhereAreRefusedBeforeAnythingIsSent) {
  for (std::string const bad : {"http://ca.example/x", "https://evil.example/x", "https://ca.example.evil.example/x",
                                "https://ca.example:8443/x", "https://ca.example@evil.example/x", "//ca.example/x",
                                "file:///etc/passwd", "https://ca.example/\r\nx", ""}) {
    SCOPED_TRACE(bad);
    for (auto field : {&acme::Directory::new_nonce, &acme::Directory::new_account, &acme::Directory::new_order}) {
      acme.requests.clear();
      acme::Directory directory;
      directory.new_nonce = directory.new_account = directory.new_order = "https://ca.example/good";
      directory.*field = bad;
      auto object = acme::to_json(directory);
      always("/directory", acme.respond(200, object));
      auto refused = run(joined().new_order(order_for("cam1.example")));
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
      EXPECT_EQ(acme.requests.size(), 1U) << "the directory, and no more";
    }
    acme.requests.clear();
    acme.instead = nullptr;
    EXPECT_EQ(run(joined().order(bad)).error().code(), Errc::incorrect_response);
    EXPECT_EQ(run(joined().authorization(bad)).error().code(), Errc::incorrect_response);
    EXPECT_EQ(run(joined().certificate(bad)).error().code(), Errc::incorrect_response);
    acme::OrderObject order;
    order.finalize = bad;
    auto const refused = run(joined().finalize(order, "https://ca.example/order/1", Bytes{0x30, 0x00}));
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
    for (char const c : refused.error().detail())
      EXPECT_GE(c, ' ') << "a server's line break must not reach a terminal";
    EXPECT_TRUE(acme.requests.empty());
  }
}

TEST_F(AcmeClientTest, LocationsElsewhereAreRefused) {
  auto client = joined();
  acme::OrderObject order;
  order.identifiers = order_for("cam1.example").identifiers;
  order.finalize = "https://ca.example/f";
  for (std::string const bad : {"", "https://evil.example/order/1", "http://ca.example/order/1"}) {
    always("/new-order", acme.respond(201, acme::to_json(order), bad));
    EXPECT_EQ(run(client.new_order(order_for("cam1.example"))).error().code(), Errc::incorrect_response) << bad;
    auto fresh = this->client();
    always("/new-account", acme.respond(201, acme::to_json(acme::AccountObject()), bad));
    EXPECT_EQ(run(fresh.new_account("", {})).error().code(), Errc::incorrect_response) << bad;
    EXPECT_EQ(fresh.account_url(), "");
  }
}

TEST_F(AcmeClientTest, ADirectoryOnPlainHttpIsNotAsked) {
  AcmeClient client(acme.fetch(), {"http://ca.example/directory", {}}, key, "https://ca.example/account/1");
  auto refused = run(client.directory());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("https://"));
  EXPECT_TRUE(acme.requests.empty());
}

TEST_F(AcmeClientTest, ProblemDocumentsBecomeTheirErrors) {
  struct Case {
    int status;
    std::string_view body;
    Errc code;
  };
  constexpr Case kCases[] = {
      {403, R"({"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"outside"})",
       Errc::rejected_identifier},
      {403, R"({"type":"urn:ietf:params:acme:error:orderNotReady","detail":"wait"})", Errc::order_not_ready},
      {429, R"({"type":"urn:ietf:params:acme:error:rateLimited","detail":"slow"})", Errc::rate_limited},
      {404, R"({"type":"urn:ietf:params:acme:error:malformed","detail":"gone"})", Errc::not_found},
      {400, R"({"type":"urn:example:strange","detail":"??"})", Errc::malformed},
      {500, R"([])", Errc::internal},
  };
  for (auto const& c : kCases) {
    always("/new-order", acme.respond(c.status, "Application/Problem+JSON; charset=utf-8", std::string(c.body)));
    auto refused = run(joined().new_order(order_for("cam1.example")));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.code) << c.body;
  }
}

// A proxy's 404 must not look like an order that the server has lost, nor its 401 like the server's word.
TEST_F(AcmeClientTest, WhatIsNoProblemDocumentIsNotTheServersWord) {
  struct Case {
    int status;
    Errc code;
  };
  constexpr Case kCases[] = {
      {301, Errc::incorrect_response}, {400, Errc::incorrect_response}, {401, Errc::incorrect_response},
      {403, Errc::incorrect_response}, {404, Errc::incorrect_response}, {429, Errc::rate_limited},
      {500, Errc::internal},           {502, Errc::unavailable},        {503, Errc::unavailable},
  };
  for (auto const& c : kCases) {
    always("/order/1", acme.respond(c.status, "text/html", "<h1>Welcome to the guest network</h1>"));
    auto refused = run(joined().order("https://ca.example/order/1"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.code) << c.status;
    EXPECT_THAT(refused.error().detail(), Not(HasSubstr("guest")));
  }
}

TEST_F(AcmeClientTest, AnswersThatAreNone) {
  std::vector<std::string> const bodies{"", "<html>", "[]", "{}", R"({"status":"splendid"})", std::string(70'000, '[')};
  for (auto const& body : bodies) {
    auto response = acme.respond(200, acme::names::kJson, body);
    response.headers.add("Location", "https://ca.example/order/1");
    for (std::string const ending : {"/directory", "/new-account", "/new-order", "/order/1", "/authorization/1"}) {
      always(ending, response);
      auto const refused = [&]() -> Result<> {
        if (ending == "/directory") CHECK_OK(without_value(run(client().directory())));
        if (ending == "/new-account") CHECK_OK(without_value(run(client().new_account("", {}))));
        if (ending == "/new-order") CHECK_OK(without_value(run(joined().new_order(order_for("cam1.example")))));
        if (ending == "/order/1") CHECK_OK(without_value(run(joined().order("https://ca.example/order/1"))));
        if (ending == "/authorization/1")
          CHECK_OK(without_value(run(joined().authorization("https://ca.example/authorization/1"))));
        return {};
      }();
      ASSERT_FALSE(refused.ok()) << ending << " " << body.substr(0, 40);
      EXPECT_EQ(refused.error().code(), Errc::incorrect_response) << ending << " " << body.substr(0, 40);
    }
  }
}

TEST_F(AcmeClientTest, AnAccountThatIsNotValidIsNoAccount) {
  acme::AccountObject account;
  account.status = acme::AccountStatus::deactivated;
  always("/new-account", acme.respond(200, acme::to_json(account), "https://ca.example/account/1"));
  auto client = this->client();
  EXPECT_EQ(run(client.new_account("", {})).error().code(), Errc::account_deactivated);
  EXPECT_EQ(client.account_url(), "");
}

TEST_F(AcmeClientTest, RetryAfterIsBounded) {
  struct Case {
    std::string_view field;
    std::optional<Seconds> wait;
    std::string_view date = "";  // of the answer
  };
  constexpr std::string_view kSent = "Wed, 21 Oct 2026 07:28:00 GMT";
  Case const cases[] = {
      {"5", Seconds(5)},
      {"0", Seconds(0)},
      {"31536000", 10 * kMinute},
      {"99999999999999999999999999", std::nullopt},
      {"-5", std::nullopt},
      {"Wed, 21 Oct 2099 07:28:00 GMT", std::nullopt},
      {"", std::nullopt},
      {"5 minutes", std::nullopt},
      {"Wed, 21 Oct 2026 07:28:30 GMT", Seconds(30), kSent},
      {"Wed, 21 Oct 2026 07:27:30 GMT", Seconds(0), kSent},
      {"Wed, 21 Oct 2099 07:28:00 GMT", 10 * kMinute, kSent},
      {"Wed, 21 Oct 2026 07:28:30 CET", std::nullopt, kSent},
      {"Wed, 21 Oct 2026 07:28:30 GMT", std::nullopt, "yesterday"},
  };
  acme::OrderObject order;
  order.identifiers = order_for("cam1.example").identifiers;
  order.finalize = "https://ca.example/f";
  for (auto const& c : cases) {
    auto response = acme.respond(200, acme::to_json(order));
    response.headers.add("Retry-After", std::string(c.field));
    if (!c.date.empty()) response.headers.add("Date", std::string(c.date));
    always("/order/1", response);
    auto answer = run(joined().order("https://ca.example/order/1"));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->retry_after, c.wait) << c.field;

    auto refusal = acme.problem(Error(Errc::rate_limited, "slow"));
    refusal.headers.add("Retry-After", std::string(c.field));
    if (!c.date.empty()) refusal.headers.add("Date", std::string(c.date));
    always("/order/1", refusal);
    EXPECT_EQ(run(joined().order("https://ca.example/order/1")).error().retry_after, c.wait) << c.field;
  }
}

TEST_F(AcmeClientTest, CertificateNeedsItsMediaType) {
  std::string const pem = acme.root_pem();
  for (std::string const type : {"application/pem-certificate-chain", "Application/PEM-certificate-chain; x=y"}) {
    always("/certificate", acme.respond(200, type, pem));
    EXPECT_TRUE(run(joined().certificate("https://ca.example/certificate")).ok()) << type;
  }
  for (std::string const type : {"", "text/plain", "application/json", "application/pem-certificate-chain-x"}) {
    always("/certificate", acme.respond(200, type, pem));
    auto refused = run(joined().certificate("https://ca.example/certificate"));
    ASSERT_FALSE(refused.ok()) << type;
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  }
}

// 8555-11.4-1
TEST_F(AcmeClientTest, AChainWithAnythingButCertificatesIsRefused) {
  std::string const good = acme.root_pem();
  std::string const key_block(x509::PrivateKey::generate(x509::KeyType::ec_p256).to_pem().text());
  std::string many;
  for (int i = 0; i < 11; ++i) many += good;
  for (std::string const& body : {good + key_block, key_block, std::string("hello"), std::string(), many}) {
    always("/certificate", acme.respond(200, acme::names::kPemChain, body));
    auto refused = run(joined().certificate("https://ca.example/certificate"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
    EXPECT_THAT(refused.error().detail(), Not(HasSubstr("PRIVATE KEY-----\n")));
  }
}

TEST_F(AcmeClientTest, WhatTheNetworkSaysComesThrough) {
  acme.instead = [](FakeAcme::Seen const&) {
    return std::optional<FakeAcme::Answer>(Error(Errc::unreachable, "nobody is there"));
  };
  auto refused = run(joined().new_order(order_for("cam1.example")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::unreachable);
}

}  // namespace
}  // namespace lenscap::agent
