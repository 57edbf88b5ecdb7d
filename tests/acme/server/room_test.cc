// A server that is short of room (acme/flow/room_rules.h): nothing new is begun, and all that was begun goes on. The
// end-to-end test has a disk that is really full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "acme/wire/revocation.h"
#include "base/x509/csr.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

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

}  // namespace
}  // namespace lenscap::acme::test
