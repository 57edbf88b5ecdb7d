// What is counted and read for Prometheus, as far as it is not seen from outside (program_test.cc): who counts what,
// and which rows there are.
#include "acme/server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/backup_note.h"
#include "acme/server/operations.h"
#include "acme/server/readings.h"
#include "acme/wire/revocation.h"
#include "ca/audit_head.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The line of this sample, without its name; empty when there is none.
std::string sample(std::string const& text, std::string const& name) {
  auto const at = ("\n" + text).find("\n" + name + " ");
  if (at == std::string::npos) return "";
  auto const begin = at + name.size() + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Metrics, RowsGoWithWhatTheyTellOf) {
  Metrics metrics;
  Metrics::Readings readings{.now = kNow};
  readings.issuer_ends = {{"default", kNow}, {"plant4", kNow}};
  readings.lists[{"default", ""}] = {.made = kNow - kMinute, .next_update = kNow + kDay, .entries = 7};
  readings.lists_are_good = false;
  auto const before = metrics.text(readings);
  EXPECT_EQ(sample(before, R"(lenscap_crl_age_seconds{issuer="default",scope=""})"), "60");
  EXPECT_EQ(sample(before, R"(lenscap_crl_entries{issuer="default",scope=""})"), "7");
  EXPECT_EQ(sample(before, "lenscap_crl_good"), "0");
  EXPECT_NE(sample(before, R"(lenscap_issuer_end_timestamp_seconds{issuer="plant4"})"), "");
  readings.issuer_ends.erase("plant4");
  readings.lists.clear();
  readings.lists_are_good.reset();
  auto const after = metrics.text(readings);
  EXPECT_THAT(after, AllOf(Not(HasSubstr("plant4")), Not(HasSubstr("lenscap_crl_"))));
  EXPECT_NE(sample(after, R"(lenscap_issuer_end_timestamp_seconds{issuer="default"})"), "");
}

// A store's thread may finish a commit when the server that asked is gone.
TEST(Metrics, TheWatchOfCommitsOutlivesThem) {
  auto metrics = std::make_unique<Metrics>();
  auto const watch = metrics->commit_watch();
  watch(std::chrono::milliseconds(3));
  auto const text = metrics->text({});
  EXPECT_EQ(sample(text, "lenscap_store_commit_seconds_count"), "1");
  EXPECT_EQ(sample(text, R"(lenscap_store_commit_seconds_bucket{le="0.0025"})"), "0");
  EXPECT_EQ(sample(text, R"(lenscap_store_commit_seconds_bucket{le="0.005"})"), "1");
  metrics.reset();
  watch(std::chrono::milliseconds(3));
}

struct Readings : ::testing::Test {
  std::string text() { return server->app->metrics.text(take_readings(*server->app)); }
  std::string read(std::string const& name) { return sample(text(), name); }
  void start() {
    ServerOptions options{.settings = "[crl]\nafter_revocation = \"0s\"\n"};
    options.state_dir = dir.path();
    options.ca.emplace(ca::test::ceremony_settings(), kNow, 1, true);
    server.emplace(std::move(options));
  }
  std::string revocations(char const* reason) {
    return read(std::string("lenscap_revocations_total{reason=\"") + reason + "\"}");
  }

  fakes::TempDir dir;
  std::optional<TestServer> server;
};

TEST_F(Readings, RevocationsByReasonWhoeverAsked) {
  start();
  auto client = granted_client(*server);
  auto const issue = [&](std::string const& host) {
    auto const done = client.finalize(client.new_order({host}).header("Location"), {host});
    return x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
  };
  auto const run = [&](std::string_view operation, json::Object const& arguments) {
    OperationContext context{.settings = server->app->settings,
                             .store = *server->app->store,
                             .root = server->app->authority->root_certificate(),
                             .limits = server->app->authority->issuer().limits(),
                             .now = server->clock.now()};
    context.metrics = &server->app->metrics;
    EXPECT_TRUE(find_operation(operation)->run(context, arguments).ok());
  };
  auto const first = issue("cam1.cams.example");
  auto const second = issue("cam2.cams.example");
  issue("cam3.cams.example");
  issue("cam4.cams.example");
  EXPECT_EQ(revocations("unspecified"), "0") << "there before the first";
  auto const& urls = server->app->settings.urls;
  auto const revoke = [&](x509::Certificate const& certificate) {
    return client.post(urls.revoke_cert(), json::write(to_json(RevocationRequest{to_bytes(certificate.der()), {}})));
  };
  EXPECT_EQ(revoke(first).status, 200);
  EXPECT_EQ(revoke(first).status, 400) << "it is revoked already";
  run("cert.revoke", {{"serial", second.serial_hex()}, {"reason", "keyCompromise"}});
  run("cert.revoke_many", {{"where", "under=cams.example"}, {"reason", "superseded"}, {"dry_run", true}});
  EXPECT_EQ(revocations("superseded"), "0") << "a dry run";
  run("cert.revoke_many", {{"where", "under=cams.example"}, {"reason", "superseded"}});
  EXPECT_EQ(revocations("unspecified"), "1");
  EXPECT_EQ(revocations("keyCompromise"), "1");
  EXPECT_EQ(revocations("superseded"), "2");

  server->app->crls.make_due();
  EXPECT_EQ(read(R"(lenscap_crl_entries{issuer="default",scope=""})"), "4");
}

TEST_F(Readings, ListsAndAnswersAreGoodOrNot) {
  start();
  EXPECT_EQ(read("lenscap_crl_good"), "0") << "none was made yet";
  EXPECT_EQ(read("lenscap_ocsp_good"), "0");
  server->app->crls.make_due();
  server->app->ocsp.renew_if_due();
  EXPECT_EQ(read("lenscap_crl_good"), "1");
  EXPECT_EQ(read("lenscap_ocsp_good"), "1");
  auto const next_update = kNow + server->app->crls.plan().lifetime;
  EXPECT_EQ(std::stod(read(R"(lenscap_crl_next_update_timestamp_seconds{issuer="default",scope=""})")),
            static_cast<double>(to_unix(next_update)));
  server->clock.advance(server->app->crls.plan().lifetime);
  EXPECT_EQ(read("lenscap_crl_good"), "0") << "past its next update";
  server->clock.advance(30 * kDay);
  EXPECT_EQ(read("lenscap_ocsp_good"), "0") << "its signer has ended";
}

TEST_F(Readings, TheAuditTrailAndItsHead) {
  start();
  auto client = granted_client(*server);  // leaves entries
  EXPECT_EQ(read("lenscap_audit_head_timestamp_seconds"), "0") << "none was signed";
  auto const unsigned_entries = std::stod(read("lenscap_audit_entries_unsigned"));
  EXPECT_GT(unsigned_entries, 0);
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  server->app->store->write([&](store::WriteTxn& txn) {
    ca::keep_audit_head(txn, ca::sign_audit_head(key, ca::find_audit_head(txn).value(), kNow));
    return true;
  });
  EXPECT_EQ(std::stod(read("lenscap_audit_head_timestamp_seconds")), static_cast<double>(to_unix(kNow)));
  EXPECT_EQ(read("lenscap_audit_entries_unsigned"), "0");
  client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})");
  EXPECT_EQ(read("lenscap_audit_entries_unsigned"), "1");
}

TEST_F(Readings, TheLastBackUp) {
  start();
  EXPECT_EQ(read("lenscap_backup_timestamp_seconds"), "0");
  ASSERT_TRUE(note_backup(dir.path(), kNow).ok());
  EXPECT_EQ(std::stod(read("lenscap_backup_timestamp_seconds")), static_cast<double>(to_unix(kNow)));
}

TEST_F(Readings, CommitsOfTheStore) {
  start();
  auto const count = [this] { return std::stod(read("lenscap_store_commit_seconds_count")); };
  auto const before = count();
  granted_client(*server);
  EXPECT_GT(count(), before);
}

}  // namespace
}  // namespace lenscap::acme::test
