// A server that is short of room (acme/flow/room_rules.h): nothing new is begun, and all that was begun goes on. The
// end-to-end test has a disk that is really full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include <atomic>

#include "acme/server/doctor.h"
#include "acme/server/readings.h"
#include "acme/wire/revocation.h"
#include "base/x509/csr.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// In memory, and says of its disk what the test wishes.
class StoreOnDisk final : public store::Store {
 public:
  explicit StoreOnDisk(std::atomic<std::uint64_t> const& disk_free) : disk_free_(disk_free) {}
  void read(store::ReadBody const& body) override { real_->read(body); }
  bool write(store::WriteBody const& body) override { return real_->write(body); }
  void write_async(store::WriteBody body, std::function<void(std::exception_ptr, bool)> done,
                   store::Urgency urgency) override {
    real_->write_async(std::move(body), std::move(done), urgency);
  }
  store::Usage usage() override { return {.disk_free = disk_free_.load()}; }

 private:
  std::unique_ptr<store::Store> real_ = store::make_memory_store();
  std::atomic<std::uint64_t> const& disk_free_;
};

class RoomOnDisk : public ::testing::Test {
 protected:
  static ServerOptions with_disk(std::atomic<std::uint64_t> const& disk_free) {
    ServerOptions options;
    options.store = std::make_unique<StoreOnDisk>(disk_free);
    return options;
  }
  std::atomic<std::uint64_t> disk_free = 100 * kGiB;
  TestServer server{with_disk(disk_free)};
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;

  Answer health() { return server.send_web(make_request(net::Method::get, "/health")); }
  void expect_come_again(Answer const& answer) {
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_THAT(answer.detail(), HasSubstr("short of room"));
    EXPECT_EQ(answer.header("Retry-After"), "600");
  }
};

TEST_F(RoomOnDisk, NothingNewIsBegunOnAFullDisk) {
  auto const eab = server.add_eab(server.grant_scope());
  disk_free = kGiB / 8;
  expect_come_again(client.new_order({"cam1.cams.example"}));
  Client stranger(server);
  expect_come_again(stranger.new_account(&eab));
  expect_come_again(client.post(urls.new_authz(), R"({"identifier": {"type": "dns", "value": "cam1.cams.example"}})"));
  EXPECT_EQ(health().status, 503);
  EXPECT_THAT(health().text("why"), HasSubstr("room: the disk has 128 MiB left"));

  disk_free = 100 * kGiB;
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
  EXPECT_EQ(stranger.new_account(&eab).status, 201);
  EXPECT_EQ(health().status, 200);
}

TEST_F(RoomOnDisk, WhatWasBegunGoesOn) {
  auto const order = client.new_order({"cam1.cams.example"});
  disk_free = 0;
  auto const done = client.finalize(order.header("Location"), {"cam1.cams.example"});
  ASSERT_EQ(done.text("status"), "valid") << done.body;
  auto const chain = client.read(done.text("certificate"));
  ASSERT_EQ(chain.status, 200);
  auto const leaf = x509::parse_pem_chain(chain.body).value().front();
  EXPECT_EQ(client.post(urls.revoke_cert(), json::write(to_json(RevocationRequest{to_bytes(leaf.der()), {}}))).status,
            200);
  EXPECT_EQ(client.post_with_jwk(urls.new_account(), R"({"onlyReturnExisting": true})").status, 200);
}

TEST_F(RoomOnDisk, LittleRoomIsToldAndRefusesNobody) {
  disk_free = kGiB / 2;
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
  EXPECT_EQ(health().status, 200);
  EXPECT_EQ(health().text("status"), "degraded");
}

TEST_F(RoomOnDisk, TheLogSaysWhatChanged) {
  server.app->room.tell();
  disk_free = kGiB / 2;
  server.app->room.tell();
  EXPECT_THAT(server.log_lines(), Contains(HasSubstr("room.low")));
  disk_free = 0;
  server.app->room.tell();
  auto const count = server.log_lines().size();
  server.app->room.tell();
  EXPECT_EQ(server.log_lines().size(), count) << "the same again";
  EXPECT_THAT(server.log_lines().back(), HasSubstr("room.none"));
  disk_free = 100 * kGiB;
  server.app->room.tell();
  EXPECT_THAT(server.log_lines().back(), HasSubstr("room.enough"));
}

// A store that may not grow any more, on a disk that has room.
class RoomInStore : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kMap = 4 * 1024 * 1024;
  static constexpr store::Table kFilling{"filling"};

  static ServerOptions small(std::string const& directory) {
    ServerOptions options{.settings = "[crl]\nafter_revocation = \"0s\"\n[store]\nfree_space_min = \"0\"\n"};
    options.store = store::open_lmdb_store(directory, {.map_bytes = kMap}).value();
    options.ca.emplace(ca::test::ceremony_settings(), kNow, 1, true);
    return options;
  }
  void fill_to(std::uint64_t percent) {
    auto const usage = [this] { return server.app->store->usage(); };
    ASSERT_EQ(usage().used_max, kMap);
    while (usage().used < kMap / 100 * percent) {
      auto const more = usage().used < kMap / 100 * (percent - 3) ? 20 : 1;  // a page each
      server.app->store->write([&](store::WriteTxn& txn) {
        for (int i = 0; i < more; ++i) txn.put(kFilling, std::to_string(filled + i), std::string(3'000, 'x'));
        return true;
      });
      filled += more;
    }
  }
  // Of what was filled in, a half; the file stays as large as it is.
  void make_room() {
    server.app->store->write([this](store::WriteTxn& txn) {
      for (int i = 0; i < filled / 2; ++i) txn.erase(kFilling, std::to_string(i));
      return true;
    });
  }
  std::string shortage() {
    auto const text = server.app->metrics.text(take_readings(*server.app));
    auto const at = text.find("\nlenscap_room_shortage ");
    return at == text.npos ? text : text.substr(at + 23, 1);
  }
  // As the doctor sees it, from beside.
  Severity doctor() {
    auto const usage = server.app->store->usage();
    Facts facts;
    facts.store_used = usage.used;
    facts.store_max = usage.used_max;
    facts.space_free = 100 * kGiB;
    auto worst = Severity::good;
    for (auto const& diagnosis : examine(facts))
      if (diagnosis.check == "space") worst = std::max(worst, diagnosis.severity);
    return worst;
  }
  // Of OCSP, for a certificate: does a signed answer come?
  bool is_answered(x509::Certificate const& certificate) {
    ossl::Ptr<OCSP_REQUEST, OCSP_REQUEST_free> const request(OCSP_REQUEST_new());
    OCSP_request_add0_id(request.get(), OCSP_cert_to_id(EVP_sha1(), certificate.native(),
                                                        server.app->authority->issuing_certificate().native()));
    auto const reply = server.app->ocsp.answer(ossl::to_der(request.get(), i2d_OCSP_REQUEST));
    auto const* at = reply->der.data();
    ossl::Ptr<OCSP_RESPONSE, OCSP_RESPONSE_free> const response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(reply->der.size())));
    return response && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  }
  x509::Certificate finalized(std::string const& order_url) {
    auto const done = client.finalize(order_url, {"cam1.cams.example"});
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    return x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
  }
  std::string health() { return server.send_web(make_request(net::Method::get, "/health")).text("status"); }

  fakes::TempDir dir;
  TestServer server{small(dir.path("db"))};
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;
  int filled = 0;
};

TEST_F(RoomInStore, FourFifthsAreToldAndRefuseNobody) {
  server.app->crls.make_due();
  server.app->ocsp.renew_if_due();
  server.app->room.tell();
  EXPECT_EQ(shortage(), "0");
  EXPECT_EQ(doctor(), Severity::good);
  fill_to(81);
  server.app->room.tell();
  EXPECT_THAT(server.log_lines().back(), AllOf(HasSubstr("room.low"), HasSubstr("of what it may grow to")));
  EXPECT_EQ(shortage(), "1");
  EXPECT_EQ(doctor(), Severity::warning);
  EXPECT_EQ(health(), "degraded");
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
}

TEST_F(RoomInStore, NearTheEndWhatIsThereGoesOnAndAllOfItWhenThereIsRoom) {
  auto const order = client.new_order({"cam1.cams.example"});
  server.app->crls.make_due();
  server.app->ocsp.renew_if_due();
  fill_to(96);
  server.app->room.tell();
  EXPECT_THAT(server.log_lines().back(), HasSubstr("room.none"));
  EXPECT_EQ(shortage(), "2");
  EXPECT_EQ(doctor(), Severity::critical);
  auto const refused = client.new_order({"cam2.cams.example"});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.header("Retry-After"), "600");

  auto const leaf = finalized(order.header("Location"));
  EXPECT_TRUE(is_answered(leaf));
  EXPECT_EQ(client.post(urls.revoke_cert(), json::write(to_json(RevocationRequest{to_bytes(leaf.der()), {}}))).status,
            200);
  // Months without more room: lists, and signers of answers, which are certificates too.
  for (int weeks = 0; weeks < 12; ++weeks) {
    server.app->crls.make_due();
    EXPECT_EQ(server.app->crls.condition(server.clock.now()), CrlCondition::good);
    server.app->ocsp.renew_if_due();
    EXPECT_EQ(server.app->ocsp.condition(server.clock.now()), OcspCondition::good);
    EXPECT_TRUE(is_answered(leaf));
    server.clock.advance(7 * kDay);
  }
  EXPECT_EQ(client.new_order({"cam2.cams.example"}).status, 503);

  make_room();
  EXPECT_EQ(client.new_order({"cam2.cams.example"}).status, 201);
  server.app->room.tell();
  EXPECT_THAT(server.log_lines().back(), HasSubstr("room.enough"));
  EXPECT_EQ(shortage(), "0");
}

}  // namespace
}  // namespace lenscap::acme::test
