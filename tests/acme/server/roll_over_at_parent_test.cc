// A roll-over below a parent, over the files of a state directory: the parent has certified another key, under a policy
// CA that the first certificate did not have above it. The server goes over to it on the day, orders that were on their
// way come to their end, and both chains are good for whoever trusts the corporate root alone. What was issued before
// stays the old issuer's: its list, its OCSP answers, its revocations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "ca/key_signer.h"
#include "ca/pending_issuer.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

constexpr Seconds kUntilTheDay = 7 * kDay;

class RollOverAtParent : public ::testing::Test {
 protected:
  struct Issued {
    std::string host;
    x509::Certificate leaf;
    std::vector<x509::Certificate> above;
  };

  RollOverAtParent() {
    std::filesystem::create_directory(dir.path("keys"));
    ca::install_chain(dir.path(), parent.chain.issuing, parent.chain.above).value();
    create_file(dir.path("keys/issuing.key"), parent.issuing_key.to_encrypted_pem(words), 0600).value();
    certify_next();
    start();
  }

  x509::Certificate sign(std::string const& name, x509::PublicKey const& key, x509::Certificate const& by,
                         x509::PrivateKey const& by_key, std::optional<x509::NameConstraints> constraints,
                         int path_length) {
    auto says = ca::issuer_template("Example Cameras", key, by, kNow - kDay, 1825 * kDay, {}, {});
    says.common_name = name;
    says.subject_name = ca::encode_name("Example Cameras", name);
    says.name_constraints = std::move(constraints);
    says.path_length = path_length;
    return ca::test::forge(says, by_key);
  }
  void certify_next() {
    auto const policy_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const next_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto permitted = ca::test::ceremony_settings();
    permitted.rules.exclude_dns = {"secret.cams.example"};
    policy.emplace(sign("Policy CA", policy_key.public_key(), parent.chain.root(), parent.root_key,
                        ca::constraints_of(permitted).value(), 1));
    next.emplace(sign("Example Cameras Issuing CA 2", next_key.public_key(), *policy, policy_key, {}, 0));
    ca::PendingIssuer const pending{"default-2", ca::kDefaultIssuer, kUntilTheDay, {}, "its request"};
    ca::keep_pending(dir.path(), pending, &next_key, words).value();
    ca::install_pending(dir.path(), pending, *next, {*policy, parent.chain.root()},
                        {.active_from = kNow + kUntilTheDay, .replaces = ca::kDefaultIssuer})
        .value();
  }
  void start() {
    auto const wanted = ca::test::ceremony_settings();
    std::string const profiles = std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/";
    ca::AuthoritySettings const settings{
        .state_dir = dir.path(),
        .http_url = ca::test::kHttpUrl,
        .crl_parts = 1,
        .ocsp_is_served = true,
        .profile_files = {profiles + "camera-https.toml", profiles + "camera-https-cn.toml", profiles + "server.toml"},
        .permit_dns = wanted.permit_dns,
        .permit_ip = wanted.permit_ip};
    auto const open_signer = [&](ca::InstalledIssuer const& issuer) -> Result<std::shared_ptr<ca::Signer>> {
      TRY(auto key, ca::open_issuer_key(settings, issuer, words));
      return std::shared_ptr<ca::Signer>(std::make_shared<ca::KeySigner>(std::move(key)));
    };
    ServerOptions options{.settings = "[crl]\nafter_revocation = \"0s\"\n"};
    options.issuing = ca::open_issuing(settings, open_signer).value();
    server.emplace(std::move(options));
    client.emplace(granted_client(*server));
    do_chores();
  }
  void do_chores() {
    server->app->crls.make_due();
    server->app->ocsp.renew_if_due();
  }
  void the_day_comes() {
    server->clock.advance(kNow + kUntilTheDay - server->clock.now());
    do_chores();
  }

  std::string order(std::string const& host) {
    auto const made = client->new_order({host});
    EXPECT_EQ(made.status, 201) << made.body;
    return made.header("Location");
  }
  Issued complete(std::string const& host, std::string const& url) {
    auto const done = client->finalize(url, {host});
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    auto const chain = x509::parse_pem_chain(client->read(done.text("certificate")).body).value();
    return {host, chain.front(), {chain.begin() + 1, chain.end()}};
  }
  Issued issue(std::string const& host) { return complete(host, order(host)); }

  std::string list_of(x509::Certificate const& leaf) {
    return server->send_web(make_request(net::Method::get, "/crl/" + to_hex(leaf.authority_key_id()) + ".crl")).body;
  }
  // By openssl, which is given the corporate root, what came with the certificate, and the list that it names.
  ca::test::Outcome judged(Issued const& issued) {
    ca::test::put_file(dir.path("root.pem"), parent.chain.root().pem());
    ca::test::put_file(dir.path("leaf.pem"), issued.leaf.pem());
    ca::test::put_file(dir.path("above.pem"), x509::to_pem(issued.above));
    ca::test::put_file(dir.path("list.crl"), list_of(issued.leaf));
    return ca::test::run("cd '" + dir.path() +
                         "' && openssl verify -x509_strict -purpose sslserver -crl_check -CRLfile list.crl -attime " +
                         std::to_string(to_unix(server->clock.now())) +
                         " -CAfile root.pem -untrusted above.pem leaf.pem");
  }
  void expect_good(Issued const& issued) {
    auto const verdict = judged(issued);
    EXPECT_EQ(verdict.status, 0) << issued.host << ": " << verdict.output;
  }
  bool lists(Issued const& issued) {
    auto const body = list_of(issued.leaf);
    auto const* at = as_bytes(body).data();
    ossl::Ptr<X509_CRL, X509_CRL_free> const crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(body.size())));
    X509_REVOKED* entry = nullptr;
    return X509_CRL_get0_by_cert(crl.get(), &entry, issued.leaf.native()) == 1;
  }

  fakes::TempDir dir;
  SecretBytes const words{std::string_view("the issuing key's words")};
  ca::test::BelowAParent const parent = ca::test::below_a_parent(kNow);
  std::optional<x509::Certificate> policy, next;
  std::optional<TestServer> server;
  std::optional<Client> client;
};

TEST_F(RollOverAtParent, OrdersGoOverOnTheDayAndBothChainsAreGood) {
  auto const before = issue("a.cams.example");
  EXPECT_EQ(before.above, std::vector{parent.chain.issuing});
  expect_good(before);
  // Published: who meets it one day can know it.
  EXPECT_EQ(server->send_web(make_request(net::Method::get, ca::aia_path(*next))).body, as_text(next->der()));
  EXPECT_EQ(server->send_web(make_request(net::Method::get, ca::crl_path(*next) + ".crl")).status, 200);

  server->clock.advance(kUntilTheDay - kMinute);
  do_chores();
  auto const on_its_way = order("b.cams.example");
  EXPECT_EQ(issue("c.cams.example").above, std::vector{parent.chain.issuing}) << "it signs nothing yet";

  the_day_comes();
  for (auto const& after : {complete("b.cams.example", on_its_way), issue("d.cams.example")}) {
    EXPECT_EQ(after.above, (std::vector{*next, *policy})) << after.host;
    expect_good(after);
  }
  expect_good(before);
  EXPECT_EQ(server->send_web(make_request(net::Method::get, "/health")).text("status"), "ok");
  EXPECT_EQ(broken_promises(*server->app->store, server->clock.now()), "");
}

TEST_F(RollOverAtParent, WhatTheOldOneSignedIsRevokedOnItsOwnList) {
  auto const before = issue("a.cams.example");
  the_day_comes();
  auto const after = issue("b.cams.example");
  auto const revoked = client->post(server->app->settings.urls.revoke_cert(),
                                    json::write(json::Object{{"certificate", to_base64url(before.leaf.der())}}));
  EXPECT_EQ(revoked.status, 200) << revoked.body;
  do_chores();
  EXPECT_EQ(before.leaf.authority_key_id(), parent.chain.issuing.subject_key_id());
  EXPECT_TRUE(lists(before));
  EXPECT_FALSE(lists(after));
  EXPECT_THAT(judged(before).output, HasSubstr("certificate revoked"));
  expect_good(after);
}

// The chain of the issuer that signs is the one that counts, at each time: the policy CA excludes a name that nothing
// above the old one does.
TEST_F(RollOverAtParent, NamesAreThoseOfTheChainThatSigns) {
  expect_good(issue("a.secret.cams.example"));
  EXPECT_EQ(client->new_order({"a.bank.example"}).problem(), "rejectedIdentifier") << "by the settings";
  the_day_comes();
  auto const refused = client->new_order({"b.secret.cams.example"});
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.problem(), "rejectedIdentifier");
  EXPECT_EQ(client->new_order({"b.bank.example"}).problem(), "rejectedIdentifier");
  auto const& rules = server->app->authority->rules();
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0].limits.size(), 1U);
  EXPECT_EQ(rules[1].limits.size(), 2U) << "the settings bind the next as they bind the first";
}

}  // namespace
}  // namespace lenscap::acme::test
