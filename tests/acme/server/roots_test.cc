// A root that follows another, over the wire: what agents are given, and what the server knows of them afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "acme/server/account_operations.h"
#include "acme/server/records.h"
#include "acme/server/root_status.h"
#include "acme/wire/roots.h"
#include "base/random.h"
#include "ca/ceremony.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/temp_dir.h"

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
  fakes::TempDir dir;
  TestServer server{[this] {
    ServerOptions options;
    options.roots = known;
    options.state_dir = dir.path();
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
  OperationContext context() {
    return {.settings = server.app->settings,
            .store = *server.app->store,
            .root = server.app->authority->root_certificate(),
            .limits = server.app->authority->issuer().limits(),
            .now = server.clock.now()};
  }
  // As account list tells of it.
  json::Object listed() {
    auto const answer = list_accounts(context(), {});
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

// What `root status` says. It reads the roots where the commands put them.
struct RootStatus : Roots {
  RootStatus() {
    for (std::size_t i = 0; i < known.roots.size(); ++i) {
      auto const folder = ca::root_directory(dir.path(), i);
      std::filesystem::create_directories(folder);
      std::ofstream(folder + "/root.pem") << known.roots[i].pem();
    }
    std::ofstream(ca::root_directory(dir.path(), 0) + "/issuing.pem")
        << server.app->authority->issuing_certificate().pem();
    std::ofstream(ca::root_directory(dir.path(), 1) + "/by-former.pem") << known.vouchers[0].pem();
    std::ofstream(ca::root_directory(dir.path(), 1) + "/former-by-this.pem") << known.vouchers[1].pem();
  }
  json::Object status() {
    auto answer = root_status(context(), {});
    if (!answer) throw std::runtime_error(answer.error().detail());
    return *std::move(answer);
  }
  static std::int64_t number(json::Object const& object, std::string_view name) {
    return json::need_int(object, name).value();
  }
  static json::Array const& lacking(json::Object const& found) { return *found.find("lacking")->as_array(); }
};

TEST_F(RootStatus, WhoHasSpokenAndLacksTheNewestIsListed) {
  auto found = status();
  EXPECT_EQ(number(found, "accounts"), 1);
  EXPECT_EQ(number(found, "silent"), 1) << "who says nothing is counted apart";
  EXPECT_EQ(number(found, "without_newest"), 0);
  EXPECT_THAT(lacking(found), IsEmpty());

  client.post(url, report({known.roots.front()}));
  found = status();
  EXPECT_EQ(number(found, "silent"), 0);
  EXPECT_EQ(number(found, "without_newest"), 1);
  ASSERT_EQ(lacking(found).size(), 1u);
  auto const& one = *lacking(found).front().as_object();
  EXPECT_EQ(json::need_string(one, "account").value(), account().id);
  EXPECT_EQ(json::need_string(one, "eab").value(), account().eab_kid);
  EXPECT_EQ(json::need_string(one, "said_at").value(), to_rfc3339(server.clock.now()));

  client.post(url, report(known.roots));
  found = status();
  EXPECT_EQ(number(found, "without_newest"), 0);
  EXPECT_THAT(lacking(found), IsEmpty());
}

TEST_F(RootStatus, AllAreCountedAndAHundredListed) {
  client.post(url, report({known.roots.front()}));
  auto const first = account();
  server.app->store->write([&](store::WriteTxn& txn) {
    for (int i = 0; i < 100; ++i) {
      auto next = first;
      next.id = new_id(server.clock.now());
      next.key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
      create_account(txn, next);
    }
    return true;
  });
  auto const found = status();
  EXPECT_EQ(number(found, "without_newest"), 101);
  EXPECT_EQ(lacking(found).size(), 100u);
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
