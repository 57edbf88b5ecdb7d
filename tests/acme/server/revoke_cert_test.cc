// Revocation over the wire (RFC 8555 7.6): by whom, for which reasons, and what it changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "acme/server/operations.h"
#include "acme/wire/key_change.h"
#include "acme/wire/revocation.h"
#include "base/x509/csr.h"
#include "ca/ledger.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

class RevokeCert : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;
  std::vector<std::string> const hosts{"cam1.cams.example", "10.20.0.1"};

  // A certificate for `hosts` and the key that it is for.
  struct Issued {
    x509::Certificate certificate;
    x509::PrivateKey key;
  };
  Issued issue(Client& account, std::vector<std::string> const& names) {
    auto key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const order = account.new_order(names);
    auto const done = account.finalize_with(order.header("Location"), x509::make_csr(key, names_of(names)));
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    auto const chain = x509::parse_pem_chain(account.read(done.text("certificate")).body).value();
    return {chain.front(), std::move(key)};
  }
  static std::string payload(ByteView der, std::optional<std::int64_t> reason = {}) {
    return json::write(to_json(RevocationRequest{to_bytes(der), reason}));
  }
  Answer revoke(Client& by, x509::Certificate const& certificate, std::optional<std::int64_t> reason = {}) {
    return by.post(urls.revoke_cert(), payload(certificate.der(), reason));
  }
  Answer revoke_by_key(Issued const& issued, std::optional<std::int64_t> reason = {}) {
    auto const url = urls.revoke_cert();
    auto const body = payload(issued.certificate.der(), reason);
    return server.post(url, sign_jws(issued.key, {.url = url, .nonce = server.nonce(), .kid = ""}, body));
  }
  std::optional<ca::Revocation> revocation(x509::Certificate const& certificate) {
    std::optional<ca::Revocation> found;
    server.app->store->read([&](store::ReadTxn& txn) { found = ca::find_revocation(txn, certificate.serial_hex()); });
    return found;
  }
  Result<json::Object> run(std::string_view operation, json::Object const& arguments,
                           std::size_t looked_at_most = 1000) {
    OperationContext const context{server.app->settings,
                                   *server.app->store,
                                   nullptr,
                                   server.app->authority->root_certificate(),
                                   server.app->authority->issuer().limits(),
                                   server.clock.now(),
                                   looked_at_most};
    return find_operation(operation)->run(context, arguments);
  }
};

TEST_F(RevokeCert, ByTheAccountThatHasIt) {                                        // 8555-7.6-2, 8555-7.6-3, 8555-7.6-5
  EXPECT_EQ(server.get(urls.directory()).text("revokeCert"), urls.revoke_cert());  // 8555-7.1-1
  auto const issued = issue(client, hosts);
  server.clock.advance(kHour);
  auto const answer = revoke(client, issued.certificate);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "");
  auto const found = revocation(issued.certificate);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at, kNow + kHour);
  EXPECT_EQ(found->reason, std::nullopt);
  EXPECT_THAT(found->by, HasSubstr("account 0"));

  auto const again = revoke(client, issued.certificate, 4);
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.problem(), "alreadyRevoked");
  EXPECT_EQ(revocation(issued.certificate), found);
  EXPECT_THAT(server.log_lines(), ::testing::Contains(HasSubstr("certificate.revoked")));
}

TEST_F(RevokeCert, ByTheCertificatesKeyWithoutAnyAccount) {  // K-25, 8555-7.6-2, 8555-6.2-14
  auto const issued = issue(client, hosts);
  EXPECT_EQ(revoke_by_key(issued, 4).status, 200);
  EXPECT_EQ(revocation(issued.certificate)->reason, x509::RevocationReason::superseded);
  EXPECT_EQ(revocation(issued.certificate)->by, "certificate key");
  EXPECT_EQ(revoke_by_key(issued).problem(), "alreadyRevoked");
}

TEST_F(RevokeCert, ByTheCertificatesKeyWhenTheAccountIsGone) {  // K-25, 8555-7.6-5
  auto const issued = issue(client, hosts);
  ASSERT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
  auto const refused = revoke(client, issued.certificate);
  EXPECT_EQ(refused.status, 401);  // 8555-7.3.6-2
  EXPECT_FALSE(revocation(issued.certificate));
  EXPECT_EQ(revoke_by_key(issued, 1).status, 200);
}

TEST_F(RevokeCert, ByAnAccountThatIsAuthorizedForAllNames) {  // 8555-7.6-2
  auto const issued = issue(client, hosts);
  auto other = granted_client(server);
  auto const refused = revoke(other, issued.certificate);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.problem(), "unauthorized");
  ASSERT_EQ(other.new_order({hosts.front()}).status, 201);
  EXPECT_EQ(revoke(other, issued.certificate).problem(), "unauthorized") << "one name of two";
  ASSERT_EQ(other.new_order({hosts.back()}).status, 201);
  server.clock.advance(limits::kGrantedAuthorizationLifetime);
  EXPECT_EQ(revoke(other, issued.certificate).problem(), "unauthorized") << "what was granted has expired";
  ASSERT_EQ(other.new_order(hosts).status, 201);
  EXPECT_EQ(revoke(other, issued.certificate, 1).problem(), "badRevocationReason");
  EXPECT_EQ(revoke(other, issued.certificate, 5).status, 200);
  EXPECT_THAT(revocation(issued.certificate)->by, HasSubstr("authorized account"));
}

TEST_F(RevokeCert, ADeactivatedAuthorizationGivesNoRight) {
  auto const issued = issue(client, {"cam1.cams.example"});
  auto other = granted_client(server);
  auto const order = other.new_order({"cam1.cams.example"});
  ASSERT_EQ(other.post(first_text(order.object(), "authorizations"), R"({"status":"deactivated"})").status, 200);
  EXPECT_EQ(revoke(other, issued.certificate).problem(), "unauthorized");
}

TEST_F(RevokeCert, Refusals) {  // 8555-7.6-1, 8555-7.6-4, 8555-7.6-5
  auto const issued = issue(client, hosts);
  auto const& der = issued.certificate.der();
  auto other_bit = der;  // of the signature: all else stays as it is
  other_bit.back() ^= 1;
  auto longer = der;
  longer.push_back(0);
  auto const& ca = *server.app->authority;
  auto const stranger = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  struct Case {
    char const* name;
    std::string payload;
    int status;
    char const* problem;
  };
  Case const cases[] = {
      {"one bit off", payload(other_bit), 404, "malformed"},
      {"an octet more", payload(longer), 400, "malformed"},
      {"no certificate", payload(to_bytes(std::string_view("text"))), 400, "malformed"},
      {"a CSR", payload(x509::make_csr(stranger, names_of(hosts))), 400, "malformed"},
      {"the issuing certificate", payload(ca.issuing_certificate().der()), 404, "malformed"},
      {"the root", payload(ca.root_certificate().der()), 404, "malformed"},
      {"POST-as-GET", "", 400, "malformed"},
      {"empty", "{}", 400, "malformed"},
      {"reason 2", payload(der, 2), 400, "badRevocationReason"},
      {"reason 6", payload(der, 6), 400, "badRevocationReason"},
      {"reason 7", payload(der, 7), 400, "badRevocationReason"},
      {"reason 9", payload(der, 9), 400, "badRevocationReason"},
      {"reason -1", payload(der, -1), 400, "badRevocationReason"},
      {"reason as text", R"({"certificate":")" + to_base64url(der) + R"(","reason":"1"})", 400, "malformed"},
      {"padded", R"({"certificate":")" + to_base64url(der) + R"(=="})", 400, "malformed"},
  };
  for (auto const& c : cases) {
    auto const answer = client.post(urls.revoke_cert(), c.payload);
    EXPECT_EQ(answer.status, c.status) << c.name << ": " << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << c.name << ": " << answer.body;
  }
  EXPECT_THAT(client.post(urls.revoke_cert(), payload(der, 6)).detail(), HasSubstr("4 (superseded)"));

  // Whoever has no right learns nothing else: not that the reason is bad, nor that it was revoked before.
  Issued const with_other_key{issued.certificate, x509::PrivateKey::generate(x509::KeyType::ec_p256)};
  EXPECT_EQ(revoke_by_key(with_other_key, 6).problem(), "unauthorized");
  EXPECT_EQ(client.post_with_jwk(urls.revoke_cert(), payload(der)).problem(), "unauthorized")
      << "an account signs by kid";
  EXPECT_FALSE(revocation(issued.certificate));
  ASSERT_EQ(revoke(client, issued.certificate).status, 200);
  EXPECT_EQ(revoke_by_key(with_other_key).problem(), "unauthorized");
}

TEST_F(RevokeCert, OneOfManyAtOnceSucceeds) {
  auto const issued = issue(client, hosts);
  std::atomic<int> done = 0, already = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      auto const answer = revoke(client, issued.certificate);
      if (answer.status == 200) ++done;
      if (answer.problem() == "alreadyRevoked") ++already;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(already, 7);
}

TEST_F(RevokeCert, ACompromisedKeyIsNeverCertifiedAgain) {
  auto const issued = issue(client, hosts), superseded = issue(client, hosts);
  ASSERT_EQ(revoke(client, issued.certificate, 1).status, 200);
  ASSERT_EQ(revoke(client, superseded.certificate, 4).status, 200);
  auto const url = client.new_order(hosts).header("Location");
  auto const refused = client.finalize_with(url, x509::make_csr(issued.key, names_of(hosts)));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey");
  EXPECT_EQ(client.read(url).text("status"), "ready");
  EXPECT_EQ(client.finalize_with(url, x509::make_csr(superseded.key, names_of(hosts))).text("status"), "valid");
}

TEST_F(RevokeCert, ACertificatesKeyIsNoAccounts) {  // S-10, 8555-11.1-1
  auto const issued = issue(client, hosts);
  auto const copy = [&] { return x509::PrivateKey::from_pem(issued.key.to_pem().text(), SecretBytes()).value(); };
  Client thief(server);
  thief.key = copy();
  auto const eab = server.add_eab(server.grant_scope());
  auto const refused = thief.new_account(&eab);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey");
  EXPECT_EQ(thief.new_account(nullptr, {{"onlyReturnExisting", true}}).problem(), "accountDoesNotExist");
  auto const change = make_key_change(copy(), urls.key_change(), client.kid, client.key.public_key());
  EXPECT_EQ(client.post(urls.key_change(), change).problem(), "badPublicKey");
  EXPECT_EQ(client.read(client.kid).status, 200) << "the account has its old key";
}

// A key is asked to become a certificate's and an account's at once, again and again: it never becomes both.
TEST_F(RevokeCert, OneKeyForBothAtOnce) {  // 8555-11.1-1
  int certificates = 0, accounts = 0;
  for (int round = 0; round < 8; ++round) {
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const url = client.new_order(hosts).header("Location");
    auto const eab = server.add_eab(server.grant_scope());
    Client other(server);
    other.key = x509::PrivateKey::from_pem(key.to_pem().text(), SecretBytes()).value();
    bool account = false;
    std::thread thread([&] { account = other.new_account(&eab).status == 201; });
    bool const certificate = client.finalize_with(url, x509::make_csr(key, names_of(hosts))).status == 200;
    thread.join();
    EXPECT_NE(account, certificate);
    certificates += certificate ? 1 : 0;
    accounts += account ? 1 : 0;
  }
  EXPECT_EQ(certificates + accounts, 8);
}

TEST_F(RevokeCert, FreesItsNames) {
  auto scope = server.grant_scope();
  scope.live_names_max = 2;
  Client account(server);
  auto const eab = server.add_eab(scope);
  ASSERT_EQ(account.new_account(&eab).status, 201);
  auto const first = issue(account, {"cam1.cams.example", "cam2.cams.example"});
  auto const second = issue(account, {"cam1.cams.example"});
  EXPECT_EQ(account.new_order({"cam3.cams.example"}).problem(), "rateLimited");
  ASSERT_EQ(revoke(account, second.certificate).status, 200);
  EXPECT_EQ(account.new_order({"cam3.cams.example"}).problem(), "rateLimited") << "the first one names both";
  auto const third = issue(account, {"cam1.cams.example"});
  ASSERT_EQ(revoke(account, first.certificate).status, 200);
  EXPECT_EQ(account.new_order({"cam3.cams.example", "cam4.cams.example"}).problem(), "rateLimited")
      << "cam1 has another certificate";
  EXPECT_EQ(account.new_order({"cam3.cams.example"}).status, 201);
}

TEST_F(RevokeCert, ByTheAdministrator) {
  auto const issued = issue(client, hosts);
  auto const serial = issued.certificate.serial_hex();
  EXPECT_EQ(run("cert.revoke", {{"serial", serial}, {"reason", "certificateHold"}}).error().code(),
            Errc::bad_revocation_reason);
  EXPECT_EQ(run("cert.revoke", {{"serial", "0100"}}).error().code(), Errc::not_found);
  EXPECT_EQ(run("cert.revoke", {{"serial", std::string(500, 'a')}}).error().code(), Errc::usage);
  auto const revoked = run("cert.revoke", {{"serial", serial}, {"reason", "privilegeWithdrawn"}});
  ASSERT_TRUE(revoked.ok()) << revoked.error().detail();
  EXPECT_EQ(run("cert.revoke", {{"serial", serial}}).error().code(), Errc::already_revoked);
  auto const shown = run("cert.show", {{"serial", serial}}).value();
  EXPECT_EQ(json::need_string(shown, "status").value(), "revoked");
  EXPECT_EQ(json::need_string(shown, "reason").value(), "privilegeWithdrawn");
  EXPECT_EQ(json::need_string(shown, "revoked_by").value(), "operator");
  EXPECT_EQ(revoke(client, issued.certificate).problem(), "alreadyRevoked");
}

// Where no index knows the status, a page may be short or empty: the store is never walked through for one.
TEST_F(RevokeCert, APageOfAStatusCostsNoMoreThanAnother) {
  std::vector<std::string> serials;
  for (int i = 0; i < 5; ++i) serials.push_back(issue(client, hosts).certificate.serial_hex());
  std::ranges::sort(serials, std::greater<>());  // newest first, as the pages are
  for (auto const i : {0U, 4U}) ASSERT_TRUE(run("cert.revoke", {{"serial", serials[i]}}).ok());
  auto const account = client.kid.substr(client.kid.rfind('/') + 1);
  std::vector<std::vector<std::string>> pages;
  json::Object arguments{{"status", "revoked"}, {"account", account}};
  for (bool more = true; more;) {
    auto const page = run("cert.list", arguments, 2).value();
    auto& shown = pages.emplace_back();
    for (auto const& one : *page.find("certificates")->as_array())
      shown.push_back(json::need_string(*one.as_object(), "serial").value());
    auto const* next = page.find("next");
    more = next != nullptr;
    if (more) arguments.set("after", *next);
  }
  std::vector<std::vector<std::string>> const wanted{{serials[0]}, {}, {serials[4]}};
  EXPECT_EQ(pages, wanted);

  // The revoked ones of all accounts have an index.
  auto const page = run("cert.list", {{"status", "revoked"}}, 2).value();
  EXPECT_EQ(page.find("certificates")->as_array()->size(), 2U);
  EXPECT_EQ(page.find("next"), nullptr);
}

}  // namespace
}  // namespace lenscap::acme::test
