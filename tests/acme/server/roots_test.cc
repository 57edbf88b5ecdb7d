// A root that follows another, over the wire: what agents are given, and what the server knows of them afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/account_operations.h"
#include "acme/server/records.h"
#include "acme/wire/roots.h"
#include "ca/ceremony.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ca::KnownRoots two_roots() {
  auto const first = ca::generate_ca(ca::test::ceremony_settings(), kNow).value();
  auto const next = ca::make_next_root("Example Cameras", first.root, first.root_key, kNow).value();
  return {{first.root, next.root}, {next.by_former, next.former_by_this}};
}

struct Roots : ::testing::Test {
  ca::KnownRoots known = two_roots();
  TestServer server{[this] {
    ServerOptions options;
    options.roots = known;
    return options;
  }()};
  Client client = granted_client(server);
  std::string url = server.app->settings.urls.roots();

  std::string report(std::vector<x509::Certificate> const& roots) const {
    TrustReport made;
    for (auto const& root : roots) made.trusts.push_back(root.fingerprint());
    return json::write(to_json(made));
  }
  Account account() {
    std::optional<Account> found;
    server.app->store->read(
        [&](store::ReadTxn& txn) { visit_accounts(txn, [&](Account const& each) { return found = each, true; }); });
    return found.value();
  }
  // As account list tells of it.
  json::Object listed() {
    auto const answer = list_accounts({.settings = server.app->settings,
                                       .store = *server.app->store,
                                       .root = server.app->authority->root_certificate(),
                                       .limits = server.app->authority->issuer().limits(),
                                       .now = server.clock.now()},
                                      {});
    return *answer.value().find("accounts")->as_array()->begin()->as_object();
  }
};

TEST_F(Roots, AreOfferedWhereOneFollowsAnother) {
  EXPECT_EQ(server.get(server.app->settings.urls.directory()).text("lenscapRoots"), url);
  TestServer alone;
  EXPECT_EQ(alone.get(alone.app->settings.urls.directory()).text("lenscapRoots"), "");
}

TEST_F(Roots, AreGivenWithWhatTheySayOfEachOther) {
  auto const answer = client.post(url, report({known.roots.front()}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/pem-certificate-chain");
  auto const given = x509::parse_pem_chain(answer.body);
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(*given, known.all());
  EXPECT_EQ(client.read(url).body, answer.body) << "POST-as-GET";
}

TEST_F(Roots, WhoTrustsWhichIsKept) {
  EXPECT_THAT(account().trusts, IsEmpty());
  EXPECT_EQ(listed().find("trusts"), nullptr);
  client.post(url, report({known.roots.front()}));
  EXPECT_THAT(account().trusts, ElementsAre(to_hex(known.roots.front().fingerprint())));
  EXPECT_EQ(account().trusts_at, server.clock.now());
  auto const first_said = server.clock.now();

  server.clock.advance(kHour);
  client.post(url, report({known.roots.front()}));  // says the same
  EXPECT_EQ(account().trusts_at, first_said);
  client.post(url, report(known.roots));
  auto const both = ElementsAre(to_hex(known.roots[0].fingerprint()), to_hex(known.roots[1].fingerprint()));
  EXPECT_THAT(account().trusts, both);
  EXPECT_THAT(json::need_strings(listed(), "trusts").value(), both);
  EXPECT_EQ(json::need_string(listed(), "trusts_at").value(), to_rfc3339(server.clock.now()));
  EXPECT_EQ(account().trusts_at, server.clock.now());
}

TEST_F(Roots, ABadReportChangesNothing) {
  client.post(url, report({known.roots.front()}));
  auto const before = account();
  for (auto const* payload : {"{}", R"({"trusts":[]})", R"({"trusts":["x"]})"}) {
    auto const answer = client.post(url, payload);
    EXPECT_EQ(answer.status, 400) << payload;
    EXPECT_EQ(answer.problem(), "malformed") << payload;
  }
  EXPECT_EQ(account(), before);
}

TEST_F(Roots, EachIsServedByItsHash) {
  for (auto const& root : known.roots) {
    auto const answer =
        server.send_web(make_request(net::Method::get, "/roots/" + to_hex(root.fingerprint()) + ".pem"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, root.pem());
  }
}

}  // namespace
}  // namespace lenscap::acme::test
