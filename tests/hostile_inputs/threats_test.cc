// RFC 8555 sections 10 and 11, row by row, over TLS where a row speaks of requests.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <set>
#include <thread>

#include "acme/flow/settle.h"
#include "acme/wire/jws.h"
#include "acme/wire/key_authorization.h"
#include "acme/wire/key_change.h"
#include "acme/wire/order.h"
#include "base/random.h"
#include "base/x509/csr.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

using x509::KeyType;
using x509::PrivateKey;

// A request that somebody read on its way is worth nothing: not at another URL, not at another server that calls itself
// the same, not a second time.
TEST(Replay, AnOverheardRequestIsWorthNothing) {  // S-15, 8555-6.4-2, 8555-6.5-4
  ServerOnWire here, there;
  auto client = here.client();
  // Both call themselves by the same URL, and the same key has an account there too.
  Client twin(there.server());
  twin.key = PrivateKey::from_pem(client.key.to_pem().text(), SecretBytes()).value();
  auto const eab = there.server().add_eab(wide_scope());
  ASSERT_EQ(twin.new_account(&eab).status, 201);

  auto const& urls = here.urls();
  auto const order = client.new_order({"cam1.example"});
  auto const order_url = order.header("Location");
  auto const authorization = acme::test::first_text(order.object(), "authorizations");
  auto const challenge = urls.challenge(authorization.substr(urls.authorization("").size()), "1");
  auto const done = client.finalize(client.new_order({"cam2.example"}).header("Location"), {"cam2.example"});
  auto const certificate = done.text("certificate");
  ASSERT_FALSE(certificate.empty()) << done.body;
  auto const csr = x509::make_csr(PrivateKey::generate(KeyType::ec_p256), acme::test::names_of({"cam1.example"}));
  auto const leaf = x509::parse_pem_chain(client.read(certificate).body).value().front();

  struct Overheard {
    std::string url, payload;
    bool with_kid = true;
  };
  std::vector<Overheard> const requests{
      {urls.directory(), ""},
      {urls.new_nonce(), ""},
      {urls.new_order(), R"({"identifiers":[{"type":"dns","value":"cam3.example"}]})"},
      {urls.new_authz(), R"({"identifier":{"type":"dns","value":"cam4.example"}})"},
      {client.kid, R"({"contact":["mailto:a@cams.example"]})"},
      {client.kid + "/orders", ""},
      {order_url, ""},
      {authorization, ""},
      {challenge, ""},
      {order_url + "/finalize", json::write(acme::finalize_to_json(csr))},
      {certificate, ""},
      {urls.revoke_cert(), json::write(json::Object{{"certificate", to_base64url(leaf.der())}})},
      {urls.new_account(), "{}", false},
  };
  Wire wire(here), foreign(there);
  int refused = 0;
  for (auto const& request : requests) {
    auto const jws = client.sign(request.url, request.payload, here.server().nonce(), request.with_kid);
    for (auto const& other : requests) {
      if (other.url == request.url) continue;
      // Each try uses the nonce up, so each is made as the attacker's first.
      auto const fresh = client.sign(request.url, request.payload, here.server().nonce(), request.with_kid);
      auto const answer = wire.post(other.url, fresh);
      EXPECT_TRUE(answer.problem() == "unauthorized" || answer.problem() == "malformed")
          << request.url << " at " << other.url << ": " << answer.status << answer.body;
      EXPECT_GE(answer.status, 400);
      ++refused;
    }
    auto const elsewhere = foreign.post(request.url, jws);
    EXPECT_GE(elsewhere.status, 400) << request.url << elsewhere.body;
    EXPECT_TRUE(elsewhere.problem() == "badNonce" || elsewhere.problem() == "accountDoesNotExist") << elsewhere.body;

    auto const answer = wire.post(request.url, jws);
    EXPECT_LT(answer.status, 300) << request.url << answer.body;  // it was good all the time
    auto const again = wire.post(request.url, jws);
    // An account that is found by its key has no other way to be refused than by its nonce either.
    EXPECT_EQ(again.problem(), "badNonce") << request.url << again.body;
    ++refused;
  }
  EXPECT_EQ(refused, static_cast<int>(requests.size() * requests.size()));
  EXPECT_TRUE(wire.is_open());
}

// One signed request sent by 64 connections at once, again and again: each nonce has exactly one success.
TEST(Nonces, OneInManyConnectionsAtOnce) {         // S-14, 8555-6.5-4, 8555-6.5-7
  constexpr int kConnections = 64, kRounds = 157;  // 10,048 tries
  ServerOnWire on_wire;
  auto client = on_wire.client();
  auto const url = on_wire.urls().directory();
  std::vector<std::string> bodies;
  for (int i = 0; i < kRounds; ++i) bodies.push_back(client.sign(url, "", on_wire.server().nonce()));
  std::vector<std::atomic<int>> succeeded(kRounds);
  std::atomic<int> bad_nonces = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kConnections; ++i)
    threads.emplace_back([&] {
      Wire wire(on_wire);
      for (std::size_t round = 0; round < kRounds; ++round) {
        auto const answer = wire.post(url, bodies[round]);
        if (answer.status == 200) ++succeeded[round];
        if (answer.problem() == "badNonce") ++bad_nonces;
      }
    });
  for (auto& thread : threads) thread.join();
  for (auto const& count : succeeded) EXPECT_EQ(count, 1);
  EXPECT_EQ(bad_nonces, (kConnections - 1) * kRounds);
}

// As settle() makes them: 128 bits of the generator in base64url, which a path, a file and a DNS name can hold.
TEST(Tokens, AMillionOfThem) {  // S-11, 8555-11.3-1
  std::vector<std::array<char, 22>> tokens(1'000'000);
  std::size_t ones = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    auto const token = random_token();
    ASSERT_TRUE(token.size() == 22 && acme::is_token(token)) << token;
    std::copy(token.begin(), token.end(), tokens[i].begin());
    if (i % 100 != 0) continue;
    auto const octets = from_base64url(token).value();
    for (auto const octet : octets) ones += static_cast<std::size_t>(std::popcount(octet));
  }
  // Of 1,280,000 bits half are set; 6 standard deviations are 3,394.
  EXPECT_NEAR(static_cast<double>(ones), 640'000.0, 3'400.0);
  std::ranges::sort(tokens);
  EXPECT_EQ(std::ranges::adjacent_find(tokens), tokens.end()) << "two are alike";
}

TEST(Tokens, AreNeverUsedAgain) {  // S-12, 8555-11.3-1
  ServerOnWire on_wire;
  acme::Scope scope;
  scope.prove_dns = {x509::DnsName::parse("example").value()};
  std::set<std::string> tokens;
  std::size_t count = 0;
  for (int i = 0; i < 20; ++i) {  // one account each: an account that asks twice has its pending authorization shown
    auto client = on_wire.client(scope);
    auto const order = client.new_order({"cam1.example"});
    auto const authorization = client.read(acme::test::first_text(order.object(), "authorizations"));
    auto const object = authorization.object();
    for (auto const& challenge : *object.find("challenges")->as_array()) {
      tokens.insert(json::need_string(*challenge.as_object(), "token").value());
      ++count;
    }
    // Given up and asked for anew: other tokens.
    client.post(acme::test::first_text(order.object(), "authorizations"), R"({"status":"deactivated"})");
    auto const next =
        client.read(acme::test::first_text(client.new_order({"cam1.example"}).object(), "authorizations"));
    auto const next_object = next.object();
    for (auto const& challenge : *next_object.find("challenges")->as_array()) {
      tokens.insert(json::need_string(*challenge.as_object(), "token").value());
      ++count;
    }
  }
  EXPECT_EQ(count, 120U);
  EXPECT_EQ(tokens.size(), count);
}

// The time comes first, and then 128 bits that nobody can know.
TEST(Ids, HoldRandomness) {  // S-07, 8555-10.5-1
  std::set<std::string> random_parts;
  std::vector<std::set<char>> seen;
  for (int i = 0; i < 10'000; ++i) {
    auto const id = new_id(ca::test::kNow);
    ASSERT_EQ(id.size(), 36U);
    auto const random = id.substr(10, 25);  // 125 of the bits, five in a character; the last has what is left
    random_parts.insert(random);
    seen.resize(random.size());
    for (std::size_t at = 0; at < random.size(); ++at) seen[at].insert(random[at]);
  }
  EXPECT_EQ(random_parts.size(), 10'000U);
  for (auto const& characters : seen) EXPECT_EQ(characters.size(), 32U);
}

// Octet by octet, headers and all but what each answer has for itself.
TEST(Objects, AnothersAndNoneLookAlike) {  // S-08, B-18, B-19, 8555-6.3-5, 8555-10.5-1
  ServerOnWire on_wire;
  auto owner = on_wire.client();
  auto stranger = on_wire.client();
  auto const& urls = on_wire.urls();
  auto const order = owner.new_order({"cam1.example"});
  auto const url = order.header("Location");
  auto const authorization = acme::test::first_text(order.object(), "authorizations");
  auto const id = authorization.substr(urls.authorization("").size());
  auto const done = owner.finalize(url, {"cam1.example"});
  auto const certificate = done.text("certificate");
  std::string const none = "06h0mc3670u7a3skp9s7s2l34t2btm139dc0";
  auto const finalize = json::write(acme::finalize_to_json(
      x509::make_csr(PrivateKey::generate(KeyType::ec_p256), acme::test::names_of({"cam1.example"}))));
  // Also what begins like an id that exists, or goes on after it.
  auto const shorter = url.substr(0, url.size() - 1), longer = url + "0";
  struct Case {
    std::string foreign, absent, payload;
  };
  std::vector<Case> const cases{
      {url, urls.order(none), ""},
      {url, shorter, ""},
      {url, longer, ""},
      {url + "/finalize", urls.finalize(none), finalize},
      {url + "/finalize", urls.finalize(none), "{}"},
      {authorization, urls.authorization(none), ""},
      {authorization, urls.authorization(none), R"({"status":"deactivated"})"},
      {urls.challenge(id, "1"), urls.challenge(none, "1"), ""},
      {urls.challenge(id, "1"), urls.challenge(id, "999"), "{}"},
      {urls.challenge(id, "1"), urls.challenge(none, "1"), "{}"},
      {certificate, urls.certificate("0123456789abcdef0123456789abcdef01234567"), ""},
      {owner.kid + "/orders", urls.orders(none), ""},
      {owner.kid, urls.account(none), ""},
      {owner.kid, urls.account(none), R"({"status":"deactivated"})"},
  };
  Wire wire(on_wire);
  auto const octets = [](Answer const& answer) {
    std::string text = std::to_string(answer.status) + "\n";
    for (auto const& [name, value] : answer.headers.fields())
      if (name != "Replay-Nonce" && name != "Date") text += name + ": " + value + "\n";
    return text + "\n" + answer.body;
  };
  for (auto const& c : cases) {
    auto const foreign = wire.post(stranger, c.foreign, c.payload), absent = wire.post(stranger, c.absent, c.payload);
    EXPECT_GE(foreign.status, 400) << c.foreign;
    EXPECT_EQ(octets(foreign), octets(absent)) << c.foreign << " and " << c.absent;
  }
  EXPECT_EQ(wire.post(owner, url, "").body, done.body) << "and nothing has changed";
}

}  // namespace
}  // namespace lenscap::hostile
