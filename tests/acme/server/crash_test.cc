// The issuance cycle when the store dies at each write in turn, the write being lost or kept. Afterwards a new server
// starts on what is left: no order stays in `processing`, no serial is used twice, every signature has an intent, and
// the same client gets its certificate in the end.
#include <gtest/gtest.h>

#include <set>

#include "acme/server/records.h"
#include "acme/server/recovery.h"
#include "ca/ledger_visits.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::acme::test {
namespace {

std::string run_to_error(auto const& step) {
  try {
    step();
  } catch (std::exception const& e) {
    return e.what();
  }
  return "";
}

class Crash : public ::testing::TestWithParam<fakes::FailingStore::Effect> {};

TEST_P(Crash, AtEveryWriteOfTheCycle) {
  for (int nth = 1;; ++nth) {
    SCOPED_TRACE("write " + std::to_string(nth));
    auto const memory = store::make_memory_store();
    fakes::FailingStore failing(*memory);
    std::set<std::string> signed_serials;
    int signatures = 0;
    bool died = false;
    auto ceremony = ca::test::ceremony_settings();
    ceremony.permit_ip.push_back("127.0.0.0/8");

    ServerOptions first;
    first.store = std::make_unique<BorrowedStore>(failing, *memory);
    first.ca.emplace(ceremony);
    auto const issuing_key = first.ca->ca.issuing_key.to_pem();
    auto const root = first.ca->ca.root, issuing = first.ca->ca.issuing;
    std::vector<Bytes> signed_tbs;
    {
      TestServer server(std::move(first));
      server.key->instead = [&](ByteView tbs) -> Result<Bytes> {
        signed_tbs.push_back(to_bytes(tbs));
        ++signatures;
        return x509::PrivateKey::from_pem(issuing_key.text(), SecretBytes())->sign(HashAlgorithm::sha256, tbs);
      };
      auto client = granted_client(server);
      failing.fail_at(nth, GetParam());
      auto const error = run_to_error([&] {
        auto const order = client.new_order({"cam1.cams.example"});
        EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("status"), "valid");
      });
      died = failing.dead();
      EXPECT_EQ(died, !error.empty()) << error;
    }
    failing.heal();
    EXPECT_EQ(broken_promises(*memory, kNow), "");

    // Every signature was preceded by its intent, which is still there as intent or as certificate.
    std::size_t records = 0;
    std::set<std::string> tbs_hashes;
    memory->read([&](store::ReadTxn& txn) {
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
        ++records;
        EXPECT_TRUE(signed_serials.insert(record.serial_hex).second);
        tbs_hashes.insert(record.tbs_hash);
        return true;
      });
    });
    for (auto const& tbs : signed_tbs) EXPECT_TRUE(tbs_hashes.contains(to_hex(sha256(tbs))));
    EXPECT_LE(static_cast<std::size_t>(signatures), records);

    // A new server on the same store.
    ServerOptions second;
    second.store = std::make_unique<BorrowedStore>(*memory, *memory);
    second.ca.emplace(ceremony);
    second.ca->issuer = ca::Issuer::make(issuing, {root},
                                         std::make_unique<ca::test::MemoryKey>(
                                             x509::PrivateKey::from_pem(issuing_key.text(), SecretBytes()).value()),
                                         ca::test::kHttpUrl + ca::aia_path(issuing))
                            .value();
    TestServer server(std::move(second));
    ASSERT_TRUE(recover(*server.app, {}, server.clock.now()).ok());
    memory->read([](store::ReadTxn& txn) {
      for (auto const& order : load_open_orders(txn, "")) EXPECT_NE(order.status, OrderStatus::processing);
    });
    auto client = granted_client(server);
    auto const order = client.new_order({"cam1.cams.example"});
    EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("status"), "valid");
    std::set<std::string> serials;
    memory->read([&](store::ReadTxn& txn) {
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
        EXPECT_TRUE(serials.insert(record.serial_hex).second);
        return true;
      });
    });
    EXPECT_EQ(serials.size(), records + 1);
    EXPECT_EQ(broken_promises(*memory, kNow), "");
    if (!died) {
      EXPECT_GE(nth, 4);  // newOrder, claim, settlement, and then the write that was never reached
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Effects, Crash,
                         ::testing::Values(fakes::FailingStore::Effect::lost, fakes::FailingStore::Effect::kept));

// The order that was being issued when the process died can be finalized again, and gets a new serial.
TEST(Recover, AClaimWithoutCertificateGoesBackToReady) {
  auto const memory = store::make_memory_store();
  fakes::FailingStore failing(*memory);
  ServerOptions options;
  options.store = std::make_unique<BorrowedStore>(failing, *memory);
  TestServer server(std::move(options));
  auto client = granted_client(server);
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  failing.fail_at(2, fakes::FailingStore::Effect::lost);  // the settlement; the claim was durable
  EXPECT_THROW(client.finalize(url, {"cam1.cams.example"}), store::Broken);
  failing.heal();
  EXPECT_EQ(client.read(url).text("status"), "processing");
  EXPECT_FALSE(client.read(url).header("Retry-After").empty());  // 8555-7.4-9

  auto const result = recover(*server.app, {}, server.clock.now()).value();
  EXPECT_EQ(result.returned_to_ready, 1u);
  EXPECT_EQ(client.read(url).text("status"), "ready");
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "valid");
}

// Requests without a good signature, or without an account, never reach the store's writer.
TEST(Unauthenticated, RequestsWriteNothing) {
  auto const memory = store::make_memory_store();
  fakes::FailingStore failing(*memory);
  ServerOptions options;
  options.store = std::make_unique<BorrowedStore>(failing, *memory);
  TestServer server(std::move(options));
  auto const& urls = server.app->settings.urls;
  auto const eab = server.add_eab(server.grant_scope());
  auto client = granted_client(server);
  auto const before = failing.writes();

  Client stranger(server);
  stranger.new_account(nullptr);
  stranger.new_account(nullptr, {{"onlyReturnExisting", true}});
  TestServer::Eab const wrong{eab.kid, SecretBytes(Bytes(32, 1))};
  stranger.new_account(&wrong);
  stranger.kid = client.kid;
  for (auto const& url : {urls.directory(), urls.new_nonce(), urls.new_account(), urls.new_order(), client.kid}) {
    server.get(url);
    server.post(url, "");
    server.post(url, "{\"protected\":\"\",\"payload\":\"\",\"signature\":\"\"}");
    server.post(url, stranger.sign(url, "{}", server.nonce()));
    server.post(url, client.sign(url, "{}", "AAAA"));
    server.post(url, client.sign(url + "x", "{}", server.nonce()));
  }
  server.send_web(make_request(net::Method::get, "/health"));
  EXPECT_EQ(failing.writes(), before);
}

}  // namespace
}  // namespace lenscap::acme::test
