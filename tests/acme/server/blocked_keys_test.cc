// Keys that the operator has blocked: what he may say, and what becomes of those who come with one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/key_operations.h"
#include "base/x509/csr.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

struct BlockedKeys : ::testing::Test {
  TestServer server;
  x509::PrivateKey const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  std::string const hash = to_hex(key.public_key().spki_hash());

  Result<json::Object> run(std::string_view operation, json::Object const& arguments) {
    OperationContext const context{server.app->settings,
                                   *server.app->store,
                                   nullptr,
                                   server.app->authority->root_certificate(),
                                   server.app->authority->issuer().limits(),
                                   server.clock.now()};
    return find_operation(operation)->run(context, arguments);
  }
  Result<json::Object> block(std::vector<std::string> const& hashes, std::string const& why = "leaked") {
    return run("key.block", {{"keys", json::Value::strings(hashes)}, {"why", why}});
  }
  std::vector<ca::AuditEntry> policy_changes() {
    std::vector<ca::AuditEntry> found;
    server.app->store->read([&](store::ReadTxn& txn) {
      found.clear();
      ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
        if (entry.detail.starts_with("key ")) found.push_back(entry);
        return true;
      });
    });
    return found;
  }
};

std::int64_t number(json::Object const& object, std::string_view name) { return json::need_int(object, name).value(); }

TEST_F(BlockedKeys, GetNoCertificate) {
  auto client = granted_client(server);
  auto const order = client.new_order({"cam1.cams.example"}).header("Location");
  auto const csr = x509::make_csr(key, names_of({"cam1.cams.example"}));
  ASSERT_TRUE(block({hash}));
  auto const refused = client.finalize_with(order, csr);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey") << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("blocked"));
  EXPECT_EQ(client.read(order).text("status"), "ready");  // 8555-7.4-6

  ASSERT_TRUE(run("key.unblock", {{"key", hash}}));
  EXPECT_EQ(client.finalize_with(order, csr).text("status"), "valid");
}

TEST_F(BlockedKeys, AreNoAccountsKeys) {
  Client client(server);
  ASSERT_TRUE(block({to_hex(client.key.public_key().spki_hash())}));
  auto const eab = server.add_eab(server.grant_scope());
  auto const answer = client.new_account(&eab);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.problem(), "badPublicKey") << answer.body;
}

TEST_F(BlockedKeys, AreListedWithTheNoteUntilTheyAreFreed) {
  EXPECT_EQ(number(block({hash, hash}).value(), "blocked"), 1);
  auto const again = block({hash}, "another note").value();
  EXPECT_EQ(number(again, "blocked"), 0);
  EXPECT_EQ(number(again, "known"), 1);
  auto const listed = run("key.list", {}).value();
  auto const& keys = *listed.find("keys")->as_array();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(json::need_string(*keys.front().as_object(), "key_sha256").value(), hash);
  EXPECT_EQ(json::need_string(*keys.front().as_object(), "why").value(), "leaked");
  ASSERT_TRUE(run("key.unblock", {{"key", hash}}));
  EXPECT_EQ(run("key.unblock", {{"key", hash}}).error().code(), Errc::not_found);
  EXPECT_TRUE(run("key.list", {}).value().find("keys")->as_array()->empty());

  auto const entries = policy_changes();
  ASSERT_EQ(entries.size(), 2U) << "one for what changed something";
  EXPECT_EQ(entries.front().event, ca::AuditEvent::policy_changed);
  EXPECT_EQ(entries.front().subject, hash);
  EXPECT_EQ(entries.front().actor, "operator");
  EXPECT_THAT(entries.front().detail, HasSubstr("leaked"));
}

TEST_F(BlockedKeys, AreTakenAllOrNone) {
  EXPECT_EQ(block({hash, "9f86d0"}).error().code(), Errc::usage);
  EXPECT_EQ(block({hash, std::string(64, 'g')}).error().code(), Errc::usage);
  EXPECT_EQ(block({}).error().code(), Errc::usage);
  EXPECT_EQ(block(std::vector<std::string>(kBlockedAtOnce + 1, hash)).error().code(), Errc::usage);
  EXPECT_EQ(block({hash}, std::string(201, 'a')).error().code(), Errc::usage);
  EXPECT_TRUE(run("key.list", {}).value().find("keys")->as_array()->empty());
  EXPECT_TRUE(policy_changes().empty());
}

TEST_F(BlockedKeys, AreNamedWhenThereAreCertificatesOfThem) {
  auto client = granted_client(server);
  auto const order = client.new_order({"cam1.cams.example"}).header("Location");
  ASSERT_EQ(client.finalize_with(order, x509::make_csr(key, names_of({"cam1.cams.example"}))).text("status"), "valid");
  auto const done = block({hash, std::string(64, '0')}).value();
  EXPECT_EQ(number(done, "blocked"), 2);
  EXPECT_EQ(json::write(*done.find("certified")), "[\"" + hash + "\"]");
}

TEST_F(BlockedKeys, AreListedPageByPage) {
  std::vector<std::string> hashes;
  for (unsigned i = 0; i < 1'100; ++i) {
    auto const digits = std::to_string(i);
    hashes.push_back(std::string(64 - digits.size(), '0') + digits);
  }
  for (std::size_t at = 0; at < hashes.size(); at += 275)
    ASSERT_TRUE(block(
        {hashes.begin() + static_cast<std::ptrdiff_t>(at), hashes.begin() + static_cast<std::ptrdiff_t>(at) + 275}));
  std::set<std::string> seen;
  json::Object arguments;
  int pages = 0;
  for (std::optional<std::string> next = ""; next; ++pages) {
    if (!next->empty()) arguments.set("after", *next);
    auto const page = run("key.list", arguments).value();
    for (auto const& one : *page.find("keys")->as_array())
      EXPECT_TRUE(seen.insert(json::need_string(*one.as_object(), "key_sha256").value()).second);
    next = json::get_string(page, "next").value();
  }
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(seen, std::set<std::string>(hashes.begin(), hashes.end()));
}

}  // namespace
}  // namespace lenscap::acme::test
