// Key change over the wire (RFC 8555 7.3.5): who may take which key, what becomes of the old one, and who wins when
// several want the same.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acme/server/records.h"
#include "acme/wire/key_change.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

class KeyChanging : public ::testing::Test {
 protected:
  TestServer server;
  Urls const& urls = server.app->settings.urls;

  std::string payload(Client const& client, x509::PrivateKey const& new_key) const {
    return make_key_change(new_key, urls.key_change(), client.kid, client.key.public_key());
  }
  Answer change(Client& client, x509::PrivateKey const& new_key) {
    return client.post(urls.key_change(), payload(client, new_key));
  }
  static x509::PrivateKey make_key(x509::KeyType type = x509::KeyType::ec_p256) {
    return x509::PrivateKey::generate(type);
  }
  // A PrivateKey is not copied by accident.
  static x509::PrivateKey copy(x509::PrivateKey const& key) {
    return x509::PrivateKey::from_pem(key.to_pem().text(), SecretBytes()).value();
  }
};

TEST_F(KeyChanging, AcrossEveryKindOfKey) {  // K-26, 8555-7.3.5-1, 8555-7.3.5-2
  auto client = granted_client(server);
  ASSERT_EQ(client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})").status, 200);
  auto const before = client.read(client.kid);
  for (auto const& algorithm : signature_algorithms()) {
    auto new_key = make_key(algorithm.key);
    auto const answer = change(client, new_key);
    ASSERT_EQ(answer.status, 200) << algorithm.name << ": " << answer.body;
    EXPECT_EQ(answer.body, before.body) << algorithm.name;  // 8555-7.3.5-5
    client.key = std::move(new_key);
    EXPECT_EQ(client.read(client.kid).body, before.body) << algorithm.name;
  }
}

TEST_F(KeyChanging, TheOldKeyIsDeadAtOnce) {  // 8555-7.3.5-6
  auto client = granted_client(server);
  auto new_key = make_key();
  Client old(server);
  old.key = copy(client.key);
  old.kid = client.kid;
  ASSERT_EQ(change(client, new_key).status, 200);
  client.key = copy(new_key);

  auto const refused = old.read(old.kid);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "malformed");
  EXPECT_EQ(old.new_order({"cam1.cams.example"}).problem(), "malformed");
  EXPECT_EQ(change(old, make_key()).problem(), "malformed");
  // The old key is nobody's: it does not find the account, and may found another one.
  EXPECT_EQ(old.post_with_jwk(urls.new_account(), R"({"onlyReturnExisting":true})").problem(), "accountDoesNotExist");
  auto const eab = server.add_eab(server.grant_scope());
  EXPECT_EQ(old.new_account(&eab).status, 201);
  EXPECT_NE(old.kid, client.kid);
  // The new one finds the account.
  EXPECT_EQ(client.new_account(nullptr, {{"onlyReturnExisting", true}}).status, 200);
}

TEST_F(KeyChanging, PendingOrdersGoOn) {  // 8555-7.3.5-5
  auto client = granted_client(server);
  auto const order = client.new_order({"cam1.cams.example"});
  ASSERT_EQ(order.status, 201) << order.body;
  auto new_key = make_key(x509::KeyType::ec_p384);
  ASSERT_EQ(change(client, new_key).status, 200);
  client.key = std::move(new_key);
  EXPECT_EQ(client.read(first_text(order.object(), "authorizations")).status, 200);
  auto const finalized = client.finalize(order.header("Location"), {"cam1.cams.example"});
  EXPECT_EQ(finalized.text("status"), "valid") << finalized.body;
  EXPECT_EQ(client.read(finalized.text("certificate")).status, 200);
}

TEST_F(KeyChanging, OntoAKeyThatAnAccountHas) {  // 8555-7.3.5-4
  auto client = granted_client(server), other = granted_client(server);
  auto const refused_for = [&](Client const& holder) {
    auto const answer = change(client, holder.key);
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_EQ(answer.problem(), "malformed");
    EXPECT_EQ(answer.header("Location"), holder.kid);
  };
  refused_for(other);
  refused_for(client);  // its own key is one that an account has
  ASSERT_EQ(other.post(other.kid, R"({"status":"deactivated"})").status, 200);
  refused_for(other);  // 8555-7.3.6-2
  EXPECT_EQ(client.read(client.kid).status, 200);
}

TEST_F(KeyChanging, Refusals) {  // 8555-7.3.5-1, -2, -3
  auto client = granted_client(server), other = granted_client(server);
  auto const new_key = make_key();
  auto const inner = [&](std::string url, std::string const& account, x509::PublicKey const& old_key) {
    return make_key_change(new_key, url, account, old_key);
  };
  auto const& own = client.key.public_key();
  json::Object const good{{"account", client.kid}, {"oldKey", to_jwk(own)}};
  auto const edited = [&](char const* member, json::Value value) {
    auto object = json::parse_object(payload(client, new_key)).value();
    return json::write(object.set(member, std::move(value)));
  };
  struct Case {
    char const* id;
    std::string payload;
    char const* problem = "malformed";
  };
  Case const cases[] = {
      {"8555-7.3.5-1 POST-as-GET", ""},
      {"8555-7.3.5-1 no JWS", json::write(good)},
      {"8555-7.3.5-1 by kid", sign_jws(new_key, {.url = urls.key_change(), .kid = client.kid}, json::write(good))},
      {"8555-7.3.5-1 nonce", sign_jws(new_key, {.url = urls.key_change(), .nonce = server.nonce()}, json::write(good))},
      {"8555-7.3.5-1 another url", inner(urls.new_account(), client.kid, own)},
      {"8555-7.3.5-1 url with a query", inner(urls.key_change() + "?", client.kid, own)},
      {"8555-7.3.5-2 signature", edited("signature", to_base64url(Bytes(64, 1)))},
      {"8555-7.3.5-2 payload", edited("payload", to_base64url(as_bytes(json::write(good))) + "e30")},
      {"8555-7.3.5-2 another account", inner(urls.key_change(), other.kid, own)},
      {"8555-7.3.5-3 account's path", inner(urls.key_change(), client.kid.substr(std::string(kBase).size()), own)},
      {"8555-7.3.5-3 account and a slash", inner(urls.key_change(), client.kid + "/", own)},
      {"8555-7.3.5-2 another's old key", inner(urls.key_change(), client.kid, other.key.public_key())},
      {"8555-7.3.5-2 the new key as old key", inner(urls.key_change(), client.kid, new_key.public_key())},
      {"8555-7.3.5-6 a weak key",
       make_key_change(x509::PrivateKey::generate(x509::KeyType::rsa, 1024), urls.key_change(), client.kid, own),
       "badPublicKey"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.id);
    auto const answer = client.post(urls.key_change(), c.payload);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << answer.body;
    EXPECT_FALSE(answer.header("Replay-Nonce").empty());
    EXPECT_EQ(answer.header("Location"), "");
  }
  // The outer request is signed by the account (8555-6.2-15).
  EXPECT_EQ(client.post_with_jwk(urls.key_change(), payload(client, new_key)).problem(), "malformed");
  // Somebody who has the new key alone takes nothing over.
  Client thief(server);
  thief.key = copy(new_key);
  thief.kid = client.kid;
  EXPECT_EQ(thief.post(urls.key_change(), payload(client, new_key)).problem(), "malformed");
  EXPECT_EQ(client.read(client.kid).status, 200);
  EXPECT_EQ(client.post_with_jwk(urls.new_account(), R"({"onlyReturnExisting":true})").header("Location"), client.kid);
}

TEST_F(KeyChanging, ADeactivatedAccountChangesNothing) {  // 8555-7.3.6-2
  auto client = granted_client(server);
  ASSERT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
  auto const answer = change(client, make_key());
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.problem(), "unauthorized");
}

// Several accounts want one key at once: one gets it, the others learn whose it is.
TEST_F(KeyChanging, TwoAtOnceOntoOneKey) {  // 8555-7.3.5-6, 8555-11.1-1
  for (int round = 0; round < 8; ++round) {
    constexpr int kRivals = 4;
    auto const wanted = make_key();
    std::vector<Client> clients;
    for (int i = 0; i < kRivals; ++i) clients.push_back(granted_client(server));
    std::vector<Answer> answers(kRivals);
    std::vector<std::thread> threads;
    for (int i = 0; i < kRivals; ++i)
      threads.emplace_back(
          [&, i] { answers[static_cast<std::size_t>(i)] = change(clients[static_cast<std::size_t>(i)], wanted); });
    for (auto& thread : threads) thread.join();

    std::string winner;
    for (std::size_t i = 0; i < kRivals; ++i)
      if (answers[i].status == 200) {
        EXPECT_EQ(winner, "");
        winner = clients[i].kid;
      }
    ASSERT_NE(winner, "");
    for (std::size_t i = 0; i < kRivals; ++i) {
      if (clients[i].kid == winner) continue;
      EXPECT_EQ(answers[i].status, 409) << answers[i].body;
      EXPECT_EQ(answers[i].header("Location"), winner);
      EXPECT_EQ(clients[i].read(clients[i].kid).status, 200);  // with the key that it had
    }
  }
}

// One account changes to several keys at once: the later ones name a key that is no longer its own.
TEST_F(KeyChanging, OneAccountOntoTwoKeysAtOnce) {  // 8555-7.3.5-6
  for (int round = 0; round < 8; ++round) {
    auto client = granted_client(server);
    std::vector<x509::PrivateKey> keys;
    for (int i = 0; i < 4; ++i) keys.push_back(make_key());
    std::atomic<int> changed = 0, refused = 0;
    std::vector<std::thread> threads;
    for (auto const& key : keys)
      threads.emplace_back([&] {
        Client twin(server);
        twin.key = copy(client.key);
        twin.kid = client.kid;
        auto const answer = change(twin, key);
        if (answer.status == 200) ++changed;
        if (answer.status == 400 && answer.problem() == "malformed") ++refused;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(refused, 3);
    int live = 0;
    for (auto const& key : keys) {
      Client holder(server);
      holder.key = copy(key);
      if (holder.new_account(nullptr, {{"onlyReturnExisting", true}}).status == 200) ++live;
    }
    EXPECT_EQ(live, 1);
  }
}

// A key change and a newAccount meet on one key: whoever comes second finds the account of the first.
TEST_F(KeyChanging, RacesNewAccount) {  // 8555-7.3.5-6, 8555-11.1-1
  auto const eab = server.add_eab(server.grant_scope());
  for (int round = 0; round < 16; ++round) {
    auto client = granted_client(server);
    Client founder(server);
    Answer founded, changed;
    std::thread one([&] { founded = founder.new_account(&eab); });
    std::thread two([&] { changed = change(client, founder.key); });
    one.join();
    two.join();
    if (changed.status == 200) {
      EXPECT_EQ(founded.status, 200) << founded.body;
      EXPECT_EQ(founder.kid, client.kid);
    } else {
      EXPECT_EQ(changed.status, 409) << changed.body;
      EXPECT_EQ(founded.status, 201) << founded.body;
      EXPECT_EQ(changed.header("Location"), founder.kid);
    }
    EXPECT_EQ(founder.read(founder.kid).status, 200);
  }
}

TEST_F(KeyChanging, IsInTheDirectory) {  // 8555-7.1-1
  EXPECT_EQ(server.get(urls.directory()).text("keyChange"), urls.key_change());
  EXPECT_EQ(server.get(urls.key_change()).status, 405);
}

}  // namespace
}  // namespace lenscap::acme::test
