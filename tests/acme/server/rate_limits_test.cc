// Rate limits over the wire (RFC 8555 6.6): status, problem type, Retry-After and Link of each, and whom they leave
// alone.
#include "acme/server/rate_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/wire/key_change.h"
#include "acme/wire/renewal_info.h"
#include "acme/wire/roots.h"
#include "tests/acme/server/proving.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

constexpr char const* kHelp = "https://pki.cams.example/limits";

// The settings of one limit, with a page about it.
std::string limited(std::string const& setting) {
  return "help_url = \"" + std::string(kHelp) + "\"\nlimits." + setting + "\n";
}

void expect_limited(Answer const& answer, char const* retry_after) {  // 8555-6.6-1, 8555-6.6-2
  EXPECT_EQ(answer.status, 429) << answer.body;
  EXPECT_EQ(answer.problem(), "rateLimited");
  EXPECT_EQ(answer.header("Retry-After"), retry_after);
  EXPECT_TRUE(answer.has_link(kHelp, "help"));
  EXPECT_FALSE(answer.header("Replay-Nonce").empty());  // 8555-6.5-2
}

// From another address than the fixture's.
Answer new_account_from(TestServer& server, Client& client, std::string const& peer, TestServer::Eab const* eab,
                        json::Object more = {}) {
  auto const url = server.app->settings.urls.new_account();
  if (eab != nullptr)
    more.set("externalAccountBinding",
             make_eab(eab->kid, eab->mac_key, MacAlgorithm::hs256, url, client.key.public_key()));
  auto request = make_request(net::Method::post, url);
  request.peer = peer;
  request.headers.add("Content-Type", "application/jose+json");
  request.body = client.sign(url, json::write(more), server.nonce(), false);
  return server.send(std::move(request));
}

// --- addresses ---

TEST(RateLimits, NewAccountsOfAnAddress) {  // 8555-10.3-1
  TestServer server({.settings = limited("new_accounts = \"2/1h\"")});
  auto const eab = server.add_eab(server.grant_scope());
  Client known(server);
  EXPECT_EQ(new_account_from(server, known, "10.20.0.1", &eab).status, 201);
  Client second(server);
  EXPECT_EQ(new_account_from(server, second, "10.20.0.1", &eab).status, 201);
  Client third(server);
  expect_limited(new_account_from(server, third, "10.20.0.1", &eab), "600");  // half an hour; see respond.h

  // Accounts that are there are found, and somebody else's address is another one.
  EXPECT_EQ(new_account_from(server, known, "10.20.0.1", nullptr).status, 200);
  EXPECT_EQ(new_account_from(server, third, "10.20.0.1", nullptr, {{"onlyReturnExisting", true}}).problem(),
            "accountDoesNotExist");
  EXPECT_EQ(new_account_from(server, third, "10.20.0.2", &eab).status, 201);
  Client later(server);
  server.clock.advance(Seconds(1800));
  EXPECT_EQ(new_account_from(server, later, "10.20.0.1", &eab).status, 201);
}

TEST(RateLimits, AnIpv6NetworkIsOneAddress) {
  TestServer server({.settings = limited("new_accounts = \"1/1h\"")});
  auto const eab = server.add_eab(server.grant_scope());
  struct Case {
    char const* peer;
    int status;
  };
  for (auto const& c :
       {Case{"2001:db8:1:2::1", 201}, Case{"2001:db8:1:2:ffff::9", 429}, Case{"2001:db8:1:3::1", 201}}) {
    Client client(server);
    EXPECT_EQ(new_account_from(server, client, c.peer, &eab).status, c.status) << c.peer;
  }
}

TEST(RateLimits, BindingsThatFail) {
  TestServer server({.settings = limited("eab_failures = \"2/1m\"")});
  auto const eab = server.add_eab(server.grant_scope());
  TestServer::Eab const wrong{eab.kid, SecretBytes(Bytes(32, 1))};
  Client known(server);
  EXPECT_EQ(new_account_from(server, known, "10.20.0.1", &eab).status, 201);
  for (int i = 0; i < 2; ++i) {
    Client client(server);
    EXPECT_EQ(new_account_from(server, client, "10.20.0.1", &wrong).problem(), "unauthorized");
  }
  // Then nobody's MAC is looked at, so that guessing ends.
  Client good(server);
  expect_limited(new_account_from(server, good, "10.20.0.1", &wrong), "30");
  expect_limited(new_account_from(server, good, "10.20.0.1", &eab), "30");
  EXPECT_EQ(new_account_from(server, known, "10.20.0.1", nullptr).status, 200);
  EXPECT_EQ(new_account_from(server, good, "10.20.0.2", &eab).status, 201);
  Client missing(server);
  EXPECT_EQ(new_account_from(server, missing, "10.20.0.1", nullptr).problem(), "externalAccountRequired");
  server.clock.advance(Seconds(30));
  Client later(server);
  EXPECT_EQ(new_account_from(server, later, "10.20.0.1", &eab).status, 201);
}

// Other refusals of newAccount are no failed bindings.
TEST(RateLimits, OnlyFailedBindingsAreCounted) {
  TestServer server({.settings = limited("eab_failures = \"1/1h\"")});
  auto const eab = server.add_eab(server.grant_scope());
  for (int i = 0; i < 3; ++i) {
    Client client(server);
    EXPECT_EQ(new_account_from(server, client, "10.20.0.1", &eab, {{"contact", json::Array{"tel:1"}}}).problem(),
              "unsupportedContact");
  }
  Client client(server);
  EXPECT_EQ(new_account_from(server, client, "10.20.0.1", &eab).status, 201);
}

// --- changes of an account ---

// Each is a write, and contacts and keys leave an entry in the audit trail for ever.
TEST(RateLimits, ChangesOfAnAccount) {
  TestServer server({.settings = limited("account_changes = \"3/1m\"")});
  auto client = granted_client(server);
  auto const& urls = server.app->settings.urls;
  auto const contact = [](char const* name) {
    return json::write(json::Object{{"contact", json::Array{"mailto:" + std::string(name) + "@cams.example"}}});
  };
  auto const trusts = [](unsigned char root) {
    TrustReport report;
    report.trusts.emplace_back().fill(root);
    return json::write(to_json(report));
  };
  auto const change_key = [&](x509::PrivateKey const& key) {
    return client.post(urls.key_change(), make_key_change(key, urls.key_change(), client.kid, client.key.public_key()));
  };
  EXPECT_EQ(client.post(urls.roots(), trusts(1)).status, 200);
  EXPECT_EQ(client.post(client.kid, contact("a")).status, 200);
  auto key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  EXPECT_EQ(change_key(key).status, 200);
  client.key = std::move(key);

  auto const refused = client.post(urls.roots(), trusts(2));
  expect_limited(refused, "20");
  EXPECT_THAT(refused.detail(), HasSubstr("changes of this account"));
  expect_limited(client.post(client.kid, contact("b")), "20");
  expect_limited(change_key(x509::PrivateKey::generate(x509::KeyType::ec_p256)), "20");
  // What changes nothing, and what comes once, is not held up; nor is another account.
  EXPECT_EQ(client.post(urls.roots(), trusts(1)).status, 200) << "it said so before";
  EXPECT_EQ(client.read(urls.roots()).status, 200);
  EXPECT_EQ(client.post(client.kid, "{}").status, 200);
  auto other = granted_client(server);
  EXPECT_EQ(other.post(urls.roots(), trusts(2)).status, 200);
  server.clock.advance(Seconds(20));
  EXPECT_EQ(client.post(urls.roots(), trusts(2)).status, 200);
  expect_limited(client.post(urls.roots(), trusts(3)), "20");
  EXPECT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
}

TEST(RateLimits, ARefusedChangeIsNotCounted) {
  TestServer server({.settings = limited("account_changes = \"1/1h\"")});
  auto client = granted_client(server);
  auto const& urls = server.app->settings.urls;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.post(client.kid, R"({"contact":["tel:1"]})").problem(), "unsupportedContact");
    EXPECT_EQ(client.post(urls.roots(), "{}").problem(), "malformed");
    EXPECT_EQ(client
                  .post(urls.key_change(),
                        make_key_change(client.key, urls.key_change(), client.kid, client.key.public_key()))
                  .status,
              409);
  }
  EXPECT_EQ(client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})").status, 200);
}

// --- orders ---

TEST(RateLimits, NewOrdersOfAnAccount) {  // 8555-10.3-1
  TestServer server({.settings = limited("new_orders = \"3/1m\"")});
  auto client = granted_client(server);
  for (auto const* host : {"a.cams.example", "b.cams.example", "c.cams.example"})
    EXPECT_EQ(client.new_order({host}).status, 201);
  auto const refused = client.new_order({"d.cams.example"});
  expect_limited(refused, "20");
  EXPECT_THAT(refused.detail(), HasSubstr("new orders of this account"));
  EXPECT_EQ(granted_client(server).new_order({"d.cams.example"}).status, 201);
  server.clock.advance(Seconds(20));
  EXPECT_EQ(client.new_order({"d.cams.example"}).status, 201);
  expect_limited(client.new_order({"e.cams.example"}), "20");
}

TEST(RateLimits, ARefusedOrderIsNotCounted) {
  TestServer server({.settings = limited("new_orders = \"1/1h\"")});
  auto client = granted_client(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.new_order({"a.other.example"}).problem(), "rejectedIdentifier");
  EXPECT_EQ(client.new_order({"a.cams.example"}).status, 201);
}

TEST(RateLimits, NewOrdersForOneIdentifier) {
  TestServer server({.settings = limited("orders_for_name = \"2/1h\"")});
  auto client = granted_client(server);
  EXPECT_EQ(client.new_order({"a.cams.example", "10.20.0.1"}).status, 201);
  EXPECT_EQ(client.new_order({"a.cams.example"}).status, 201);
  auto const refused = client.new_order({"b.cams.example", "A.cams.example"});
  expect_limited(refused, "600");
  EXPECT_THAT(refused.detail(), HasSubstr("a.cams.example"));
  EXPECT_EQ(client.new_order({"10.20.0.1"}).status, 201);
  EXPECT_EQ(client.new_order({"b.cams.example"}).status, 201);
  // None can use up a name for another account.
  EXPECT_EQ(granted_client(server).new_order({"a.cams.example"}).status, 201);
}

// RFC 9773 5: what was asked to be renewed is renewed.
TEST(RateLimits, ARenewalInItsTimeIsFree) {  // 9773-5-5
  TestServer server({.settings = limited("new_orders = \"1/1d\"\nlimits.orders_for_name = \"1/1d\"")});
  auto client = granted_client(server);
  std::vector<std::string> const hosts{"a.cams.example", "10.20.0.1"};
  auto const issued = [&](std::string const& order) {
    auto const done = client.finalize(order, hosts);
    return x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
  };
  auto const replacing = [](x509::Certificate const& leaf) {
    return json::Object{{"replaces", CertificateId::of(leaf).value().text()}};
  };
  auto const first = issued(client.new_order(hosts).header("Location"));
  expect_limited(client.new_order(hosts, replacing(first)), "600");  // long before its window

  server.clock.advance(first.not_before() + 60 * kDay -
                       server.clock.now());  // in the window, which begins after 54 days
  EXPECT_EQ(client.new_order({"z.cams.example"}).status, 201);
  expect_limited(client.new_order({"z.cams.example"}), "600");
  expect_limited(client.new_order({"a.cams.example", "y.cams.example"}, replacing(first)), "600");  // more than it had
  auto const renewal = client.new_order(hosts, replacing(first));
  ASSERT_EQ(renewal.status, 201) << renewal.body;
  auto const second = issued(renewal.header("Location"));
  expect_limited(client.new_order(hosts, replacing(second)), "600");

  server.clock.advance(second.not_after() - kHour - server.clock.now());  // after its window, the more urgent
  EXPECT_EQ(client.new_order({"z.cams.example"}).status, 201);
  EXPECT_EQ(client.new_order({"a.cams.example"}, replacing(second)).status, 201);  // fewer names are fine
}

TEST(RateLimits, WithNoneNobodyIsHeldUp) {
  TestServer server({.settings = "limits.new_orders = \"none\"\nlimits.orders_for_name = \"none\"\n"});
  auto client = granted_client(server);
  for (int i = 0; i < 70; ++i) ASSERT_EQ(client.new_order({"a.cams.example"}).status, 201);
}

TEST(RateLimits, WithoutAHelpPageThereIsNoLink) {
  TestServer server({.settings = "limits.new_orders = \"1/1h\"\n"});
  auto client = granted_client(server);
  EXPECT_EQ(client.new_order({"a.cams.example"}).status, 201);
  auto const refused = client.new_order({"a.cams.example"});
  EXPECT_EQ(refused.status, 429);
  for (auto const& [name, value] : refused.headers.fields())
    EXPECT_EQ(value.find("rel=\"help\""), value.npos) << name << ": " << value;
}

// The page is shown for every limit, also for those that the store counts.
TEST(RateLimits, OpenOrdersHaveTheHelpPageToo) {
  TestServer server({.settings = "pending_orders = 1\nhelp_url = \"" + std::string(kHelp) + "\"\n"});
  auto client = granted_client(server);
  EXPECT_EQ(client.new_order({"a.cams.example"}).status, 201);
  expect_limited(client.new_order({"b.cams.example"}), "600");
}

// --- validations ---

class FailedValidations : public Proving {
 protected:
  FailedValidations() : Proving(limited("failed_validations = \"2/1h\"")) { failures = 1'000'000; }

  void fail_once(std::string const& host) {
    auto const url = first_text(client.new_order({host}).object(), "authorizations");
    auto const before = ended();
    EXPECT_EQ(client.post(challenge_of(url, "http-01"), "{}").status, 200);
    wait_until([&] { return Answer(); }, [&](Answer const&) { return ended() > before; });
    EXPECT_EQ(client.read(url).text("status"), "invalid");
  }
  // Validations that are over; each is counted by then.
  std::ptrdiff_t ended() {
    auto const lines = server.log_lines();
    return std::ranges::count_if(lines, [](std::string const& line) {
      return line.find("validation.done") != line.npos && line.find("\"again\":false") != line.npos;
    });
  }
};

TEST_F(FailedValidations, OfOneNameOfAnAccountAreLimited) {  // 8555-8.2-1, 8555-10.3-1
  auto const early = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  auto const early_challenge = challenge_of(early, "http-01");
  for (int i = 0; i < 2; ++i) fail_once("127.0.0.1");
  auto const asked = device.connections();
  EXPECT_EQ(asked, 6);  // three attempts each

  auto const refused = client.new_order({"127.0.0.2", "127.0.0.1"});
  expect_limited(refused, "600");
  EXPECT_THAT(refused.detail(), HasSubstr("failed validations of 127.0.0.1"));
  json::Object const identifier{{"type", "ip"}, {"value", "127.0.0.1"}};
  expect_limited(
      client.post(server.app->settings.urls.new_authz(), json::write(json::Object{{"identifier", identifier}})), "600");
  // What was ordered before can be read, and not be tried.
  expect_limited(client.post(early_challenge, "{}"), "600");
  EXPECT_EQ(client.read(early_challenge).text("status"), "pending");
  EXPECT_EQ(device.connections(), asked);

  EXPECT_EQ(client.new_order({"127.0.0.2"}).status, 201);
  EXPECT_EQ(proving_client(server).new_order({"127.0.0.1"}).status, 201);
  server.clock.advance(Seconds(1800));
  failures = 0;
  EXPECT_EQ(client.post(early_challenge, "{}").status, 200);
  EXPECT_EQ(wait_for(early).text("status"), "valid");
}

// Who has proved a name goes on ordering it, whatever failed before.
TEST_F(FailedValidations, DoNotHoldUpWhatIsProved) {
  fail_once("127.0.0.1");
  failures = 0;
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  client.post(challenge_of(url, "http-01"), "{}");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  auto const account = client.kid.substr(client.kid.rfind('/') + 1);
  for (int i = 0; i < 5; ++i)
    server.app->limits.validation_failed(account, Identifier::from_host("127.0.0.1").value(), server.clock.now());
  EXPECT_EQ(client.new_order({"127.0.0.1"}).text("status"), "ready");
}

TEST(RateLimitsOfNames, AWildcardCountsAsItsBase) {
  RateLimits limits({.failed_validations = {1, kHour}});
  auto const name = [](char const* text) { return Identifier::from_host(text).value(); };
  limits.validation_failed("account", name("cams.example"), kNow);
  EXPECT_FALSE(limits.may_validate("account", name("*.cams.example"), kNow).ok());
  EXPECT_TRUE(limits.may_validate("account", name("a.cams.example"), kNow).ok());
}

// --- targets ---

// Whatever accounts ask, one machine meets so many attempts and no more; a challenge waits, and does not fail by it.
class Targets : public Proving {
 protected:
  Targets() : Proving("limits.validations_of_network = \"2/1h\"\n") {
    server.app->validation.put_off_at_most = std::chrono::hours(1);
    server.app->validation.retry_at_least = std::chrono::milliseconds(1);
  }
  std::size_t put_off() {
    auto const lines = server.log_lines();
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [](std::string const& line) { return line.find("validation.put_off") != line.npos; }));
  }
};

TEST_F(Targets, AreAskedNoMoreThanTheyAreToBe) {  // 8555-10.3-1
  std::vector<std::string> authorizations;
  std::vector<std::string> challenges;
  for (auto const* host : {"127.0.0.1", "cam1.cams.example", "cam2.cams.example"}) {
    dns.set(host, {"127.0.0.1"});
    authorizations.push_back(first_text(client.new_order({host}).object(), "authorizations"));
    challenges.push_back(challenge_of(authorizations.back(), "http-01"));
  }
  for (int i = 0; i < 2; ++i) {
    client.post(challenges[static_cast<std::size_t>(i)], "{}");
    EXPECT_EQ(wait_for(authorizations[static_cast<std::size_t>(i)]).text("status"), "valid");
  }
  client.post(challenges[2], "{}");
  wait_until([&] { return client.read(challenges[2]); }, [&](Answer const&) { return put_off() == 1; });
  auto const waiting = client.read(challenges[2]);
  EXPECT_EQ(waiting.text("status"), "processing");
  EXPECT_FALSE(waiting.header("Retry-After").empty());
  EXPECT_FALSE(has_error(waiting));
  EXPECT_EQ(device.connections(), 2);

  server.clock.advance(Seconds(1800));
  auto const ended = wait_until([&] { return client.post(challenges[2], "{}"); },
                                [](Answer const& answer) { return answer.text("status") == "valid"; });
  EXPECT_EQ(ended.status, 200);
  EXPECT_EQ(device.connections(), 3);
}

class FullTarget : public Proving {
 protected:
  FullTarget() : Proving("limits.validations_at_host = 1\n") {
    server.app->validation.put_off_at_most = std::chrono::milliseconds(5);
  }
};

TEST_F(FullTarget, HasItsNextAttemptWhenAPlaceIsFree) {  // 8555-10.3-1
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  auto const challenge_url = challenge_of(url, "http-01");
  {
    auto const place = server.app->targets.enter(x509::IpAddress::parse("127.0.0.1").value(), server.clock.now());
    ASSERT_TRUE(place.ok());
    client.post(challenge_url, "{}");
    wait_until([&] { return client.read(challenge_url); },
               [&](Answer const&) {
                 auto const lines = server.log_lines();
                 return std::ranges::any_of(
                     lines, [](std::string const& line) { return line.find("validation.put_off") != line.npos; });
               });
    EXPECT_EQ(device.connections(), 0);
  }
  EXPECT_EQ(wait_for(url).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
