// Table C of hostile inputs: signing requests, sent to finalize over TLS. Each refused one gets its exact status and
// problem type, leaves the order ready and the connection open, and no certificate; then a good one is issued.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "acme/wire/order.h"
#include "base/x509/csr.h"
#include "ca/blocked_keys.h"
#include "ca/ledger_visits.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

using x509::KeyType;
using x509::PrivateKey;

// The object identifiers of a certificate's extensions, in their order.
std::vector<std::string> extension_ids(x509::Certificate const& certificate) {
  std::vector<std::string> ids;
  for (int i = 0; i < X509_get_ext_count(certificate.native()); ++i) {
    char text[80] = "";
    OBJ_obj2txt(text, sizeof text, X509_EXTENSION_get_object(X509_get_ext(certificate.native(), i)), 1);
    ids.emplace_back(text);
  }
  return ids;
}

class HostileCsr : public ::testing::Test {
 protected:
  ServerOnWire on_wire{"allow_wildcards = true\n", "profiles = [\"camera-https\", \"camera-https-cn\", \"server\"]\n"};
  Client client = on_wire.client([] {
    auto scope = wide_scope();
    scope.profiles = {"camera-https", "server"};
    return scope;
  }());
  Wire wire{on_wire};

  Answer order(std::vector<std::string> const& hosts, std::string const& profile = "camera-https") {
    auto const answer = client.new_order(hosts, {{"profile", profile}});
    EXPECT_EQ(answer.text("status"), "ready") << answer.body;
    return answer;
  }
  Answer finalize(std::string const& order_url, ByteView csr) {
    return wire.post(client, order_url + "/finalize", json::write(acme::finalize_to_json(csr)));
  }
  void expect_refused(std::string const& order_url, ByteView csr, std::string const& problem, std::string const& what) {
    expect_problem(finalize(order_url, csr), 400, problem, what);
    EXPECT_EQ(wire.post(client, order_url, "").text("status"), "ready") << what;  // 8555-7.4-6
  }
  // Of clients: the server has one of its own.
  int certificates() {
    int count = 0;
    on_wire.server().app->store->read([&](store::ReadTxn& txn) {
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
        count += record.subscriber.empty() ? 0 : 1;
        return true;
      });
    });
    return count;
  }
  // The files of tests/data/csr in order; their README tells what they are.
  static std::vector<std::pair<std::string, Bytes>> files(bool good) {
    std::vector<std::pair<std::string, Bytes>> all;
    std::filesystem::path const folder = std::filesystem::path(LENSCAP_SOURCE_DIR) / "tests/data/csr";
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
      auto const name = entry.path().stem().string();
      if (entry.path().extension() != ".der" || name.starts_with("good_") != good) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      all.emplace_back(name, Bytes(std::istreambuf_iterator<char>(in), {}));
    }
    std::ranges::sort(all);
    EXPECT_GT(all.size(), 30U);
    return all;
  }
};

// Every request that is wrong in one way: those whose key is not good enough say badPublicKey, all others badCSR.
// B-17 C-01 C-02 C-03 C-04 C-05 C-06 C-07 C-08 C-09 C-10 C-11 C-12 C-13 C-14 C-15 C-16 C-18 C-19 C-20 C-21 C-22 C-23
// C-30
TEST_F(HostileCsr, EachIsRefusedAndTheOrderStaysReady) {  // 8555-7.4-5, 8555-7.4-6
  auto const url = order({"cam1.example", "10.20.0.1"}).header("Location");
  for (auto const& [name, der] : files(false)) {
    expect_refused(url, der, name.starts_with("key_") ? "badPublicKey" : "badCSR", name);
  }
  EXPECT_EQ(certificates(), 0);
  auto const good =
      x509::make_csr(PrivateKey::generate(KeyType::ec_p256), acme::test::names_of({"cam1.example", "10.20.0.1"}));
  EXPECT_EQ(finalize(url, good).text("status"), "valid");
  EXPECT_EQ(certificates(), 1);
}

// Requests that ask for more than a name, in ways that harm nobody: they are issued, with the order's names and
// nothing of what else was asked for.
TEST_F(HostileCsr, NothingButTheKeyIsTakenFromAGoodOne) {  // B-17, C-17, K-27, 8555-7.4-5
  int issued = 0;
  for (auto const& [name, der] : files(true)) {
    auto const csr = x509::parse_csr(der);
    ASSERT_TRUE(csr.ok()) << name;
    auto const key = csr->key;
    bool const common_name_is_ordered =
        csr->common_name.empty() || std::ranges::any_of(csr->names.dns, [&](auto const& dns) {
          return x509::DnsName::parse(csr->common_name).ok() && dns == *x509::DnsName::parse(csr->common_name);
        });
    std::vector<std::string> hosts;
    for (auto const& dns : csr->names.dns) hosts.push_back(dns.text());
    for (auto const& ip : csr->names.ip) hosts.push_back(ip.text());
    if (hosts.empty()) hosts = {"cam1.example"};
    // Of several files the key is the same.
    auto const url = order(hosts, "server").header("Location");
    if (csr->names.empty() || !common_name_is_ordered) {  // C-24, C-25
      expect_refused(url, der, "badCSR", name);
      continue;
    }
    if (key.type() == KeyType::ec_p521) {  // good for an account, but the profile does not take it
      expect_refused(url, der, "badPublicKey", name);
      continue;
    }
    auto const answer = finalize(url, der);
    ASSERT_EQ(answer.text("status"), "valid") << name << ": " << answer.body;
    auto const leaf = x509::parse_pem_chain(client.read(answer.text("certificate")).body).value().front();
    EXPECT_EQ(leaf.names(), acme::test::names_of(hosts)) << name;
    EXPECT_EQ(leaf.key(), key) << name;
    EXPECT_FALSE(leaf.is_ca()) << name;
    ++issued;
    // The extensions are the profile's, whatever the request asks for.
    auto const again = order({"cam2.example"});
    auto const plain = x509::make_csr(PrivateKey::generate(KeyType::ec_p256), acme::test::names_of({"cam2.example"}));
    auto const other =
        x509::parse_pem_chain(client.read(finalize(again.header("Location"), plain).text("certificate")).body)
            .value()
            .front();
    EXPECT_EQ(extension_ids(leaf), extension_ids(other)) << name;
  }
  EXPECT_GT(issued, 25);
  EXPECT_TRUE(wire.is_open());
}

// Of good form, but not what was ordered.
TEST_F(HostileCsr, OtherNamesThanTheOrders) {  // C-33, 8555-7.4-5
  auto const url = order({"cam1.example", "10.20.0.1"}).header("Location");
  std::vector<std::string> const cases[] = {
      {"cam1.example"},
      {"10.20.0.1"},
      {"cam1.example", "10.20.0.2"},
      {"cam2.example", "10.20.0.1"},
      {"cam1.example", "10.20.0.1", "cam2.example"},
      {"cam1.example", "10.20.0.1", "10.20.0.2"},
      {"*.example", "10.20.0.1"},
  };
  for (auto const& hosts : cases) {
    auto const names = acme::test::names_of(hosts);
    expect_refused(url, x509::make_csr(PrivateKey::generate(KeyType::ec_p256), names), "badCSR", names.text());
  }
  EXPECT_EQ(certificates(), 0);
}

TEST_F(HostileCsr, TooManyNamesAndTooManyOctets) {  // C-26
  auto const url = order({"cam1.example"}).header("Location");
  x509::NameSet names;
  for (int i = 0; i < 1500; ++i) names.dns.insert(*x509::DnsName::parse("cam" + std::to_string(i) + ".example"));
  expect_refused(url, x509::make_csr(PrivateKey::generate(KeyType::ec_p256), names), "badCSR", "1,500 names");

  // Of 50,000 names not even the JWS is read: what is larger than a body may be ends the connection.
  for (int i = 1500; i < 50'000; ++i) names.dns.insert(*x509::DnsName::parse("cam" + std::to_string(i) + ".example"));
  auto const answer = finalize(url, x509::make_csr(PrivateKey::generate(KeyType::ec_p256), names));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.problem(), "malformed") << answer.body;
  EXPECT_TRUE(wire.is_closed());
  EXPECT_EQ(client.read(url).text("status"), "ready");
}

TEST_F(HostileCsr, AKeyThatServesAnotherPurpose) {  // C-27, C-28, C-29, S-09, 8555-11.1-1
  auto const names = acme::test::names_of({"cam1.example"});
  auto const url = order({"cam1.example"}).header("Location");
  expect_refused(url, x509::make_csr(client.key, names), "badPublicKey", "the account's own key");
  auto const other = on_wire.client();
  expect_refused(url, x509::make_csr(other.key, names), "badPublicKey", "another account's key");
  // Also when that account has another order for the same name, or is gone.
  ASSERT_EQ(on_wire.client().new_order({"cam1.example"}).text("status"), "ready");
  auto gone = on_wire.client();
  ASSERT_EQ(gone.post(gone.kid, R"({"status":"deactivated"})").status, 200);
  expect_refused(url, x509::make_csr(gone.key, names), "badPublicKey", "the key of an account that is no more");

  // A key that was revoked as compromised is never certified again, whoever asks.
  auto const lost = PrivateKey::generate(KeyType::ec_p256);
  auto const first = finalize(order({"cam1.example"}).header("Location"), x509::make_csr(lost, names));
  ASSERT_EQ(first.text("status"), "valid") << first.body;
  auto const leaf = x509::parse_pem_chain(client.read(first.text("certificate")).body).value().front();
  json::Object const revocation{{"certificate", to_base64url(leaf.der())}, {"reason", 1}};
  EXPECT_EQ(wire.post(client, on_wire.urls().revoke_cert(), json::write(revocation)).status, 200);
  expect_refused(url, x509::make_csr(lost, names), "badPublicKey", "a key that was lost");
  auto stranger = on_wire.client();
  auto const theirs = stranger.new_order({"cam2.example"}).header("Location");
  auto const csr = x509::make_csr(lost, acme::test::names_of({"cam2.example"}));
  expect_problem(wire.post(stranger, theirs + "/finalize", json::write(acme::finalize_to_json(csr))), 400,
                 "badPublicKey", "a key that another one lost");
  EXPECT_TRUE(wire.is_open());
}

// As lists of keys that leaked, or that a broken generator makes again and again, are given to the server.
TEST_F(HostileCsr, AKeyThatTheOperatorHasBlocked) {  // C-32
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  on_wire.server().app->store->write([&](store::WriteTxn& txn) {
    return ca::block_key(txn, {to_hex(key.public_key().spki_hash()), "leaked", acme::test::kNow});
  });
  auto const names = acme::test::names_of({"cam1.example"});
  expect_refused(order({"cam1.example"}).header("Location"), x509::make_csr(key, names), "badPublicKey",
                 "a blocked key");
  EXPECT_EQ(certificates(), 0);
  EXPECT_TRUE(wire.is_open());
}

// One key in two devices is one secret in two places, and whoever has a copy of a camera's key can order with it.
TEST_F(HostileCsr, AKeyOfAnotherAccountsDevice) {  // C-31
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  auto const csr_of = [&](std::string const& host) { return x509::make_csr(key, acme::test::names_of({host})); };
  auto owner = on_wire.client();
  auto const by_owner = [&](std::string const& host) {
    auto const made = owner.new_order({host}).header("Location");
    return wire.post(owner, made + "/finalize", json::write(acme::finalize_to_json(csr_of(host)))).text("status");
  };
  ASSERT_EQ(by_owner("cam1.example"), "valid");
  auto const url = order({"cam3.example"}).header("Location");
  expect_refused(url, csr_of("cam3.example"), "badPublicKey", "another device's key");
  EXPECT_EQ(certificates(), 1);

  // The same device may come back under a new account.
  EXPECT_EQ(finalize(order({"cam1.example"}).header("Location"), csr_of("cam1.example")).text("status"), "valid");
  expect_refused(url, csr_of("cam3.example"), "badPublicKey", "and it is still no key for a third");
  EXPECT_TRUE(wire.is_open());
}

// As the one account of an agent sees it, with all its cameras: two that made the same key, or one's key copied to
// another. The profile of cameras refuses that; where servers may share a key, it is the account's affair.
TEST_F(HostileCsr, AKeyOfAnotherDeviceOfTheSameAccount) {  // C-31
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  auto const csr_of = [&](std::vector<std::string> const& hosts) {
    return x509::make_csr(key, acme::test::names_of(hosts));
  };
  ASSERT_EQ(finalize(order({"cam1.example"}).header("Location"), csr_of({"cam1.example"})).text("status"), "valid");
  expect_refused(order({"cam2.example"}).header("Location"), csr_of({"cam2.example"}), "badPublicKey",
                 "the key of another camera");
  EXPECT_EQ(certificates(), 1);

  // Renewed, and with one name more, it is the same camera; and then by the new name, too.
  EXPECT_EQ(finalize(order({"cam1.example"}).header("Location"), csr_of({"cam1.example"})).text("status"), "valid");
  EXPECT_EQ(
      finalize(order({"cam1.example", "cam3.example"}).header("Location"), csr_of({"cam1.example", "cam3.example"}))
          .text("status"),
      "valid");
  EXPECT_EQ(finalize(order({"cam3.example"}).header("Location"), csr_of({"cam3.example"})).text("status"), "valid");

  auto const shared = order({"www.example"}, "server").header("Location");
  EXPECT_EQ(finalize(shared, csr_of({"www.example"})).text("status"), "valid");
  EXPECT_TRUE(wire.is_open());
}

// Nobody uses it any more: whoever has the key may have a new certificate for it.
TEST_F(HostileCsr, AKeyOfACertificateThatWasRevokedOrHasEnded) {  // C-31
  for (bool const revoked : {true, false}) {
    auto const key = PrivateKey::generate(KeyType::ec_p256);
    auto owner = on_wire.client();
    auto const csr = x509::make_csr(key, acme::test::names_of({"cam1.example"}));
    auto const answer = wire.post(owner, owner.new_order({"cam1.example"}).header("Location") + "/finalize",
                                  json::write(acme::finalize_to_json(csr)));
    auto const leaf = x509::parse_pem_chain(owner.read(answer.text("certificate")).body).value().front();
    if (revoked) {
      json::Object const revocation{{"certificate", to_base64url(leaf.der())}};
      ASSERT_EQ(wire.post(owner, on_wire.urls().revoke_cert(), json::write(revocation)).status, 200);
    } else {
      on_wire.server().clock.advance(leaf.not_after() - on_wire.server().clock.now() + Seconds(1));
    }
    auto const other = x509::make_csr(key, acme::test::names_of({"cam2.example"}));
    EXPECT_EQ(finalize(order({"cam2.example"}).header("Location"), other).text("status"), "valid");
  }
}

// The payload around the request: no base64url, padded, not there.
TEST_F(HostileCsr, NoRequestAtAll) {  // C-34, B-10
  auto const url = order({"cam1.example"}).header("Location");
  auto const make = [] {
    return x509::make_csr(PrivateKey::generate(KeyType::ec_p256), acme::test::names_of({"cam1.example"}));
  };
  auto csr = make();
  while (to_base64(csr) == to_base64url(csr)) csr = make();  // else the one is as good as the other
  auto text = to_base64url(csr);
  while (text.size() % 4 != 0) text += '=';
  if (!text.ends_with('=')) text += "====";
  json::Value const cases[] = {json::Value(),          5, true, json::Array{}, "", "!", to_base64(csr), text,
                               to_base64url(csr) + " "};
  for (auto const& value : cases) {
    auto const payload = json::write(json::Object{{"csr", value}});
    auto const answer = wire.post(client, url + "/finalize", payload);
    EXPECT_EQ(answer.status, 400) << payload;
    EXPECT_TRUE(answer.problem() == "malformed" || (answer.problem() == "badCSR" && value == json::Value("")))
        << payload << answer.body;
    EXPECT_EQ(wire.post(client, url, "").text("status"), "ready") << payload;
  }
  EXPECT_EQ(certificates(), 0);
}

}  // namespace
}  // namespace lenscap::hostile
