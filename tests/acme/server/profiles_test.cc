// Certificate profiles as clients see them: announced, asked for, shown in the order, and withdrawn under an open order
// (profiles draft).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/backends.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

Client client_for(TestServer& server, std::vector<std::string> profiles) {
  auto scope = server.grant_scope();
  scope.profiles = std::move(profiles);
  auto const eab = server.add_eab(scope);
  Client client(server);
  EXPECT_EQ(client.new_account(&eab).status, 201);
  return client;
}

TEST(Profiles, AreAnnouncedWithTheirDescriptions) {  // profiles-3-1
  TestServer server;
  auto const directory = server.get(server.app->settings.urls.directory()).object();
  auto const meta = json::need_object(directory, "meta").value();
  auto const profiles = json::need_object(meta, "profiles").value();
  ASSERT_EQ(profiles.members().size(), 2u) << "the server's own is nobody's to order";
  for (auto const& [name, description] : profiles.members()) {
    auto const* profile = server.app->authority->find_profile(name);
    ASSERT_NE(profile, nullptr) << name;
    ASSERT_NE(description.as_string(), nullptr) << name;
    EXPECT_EQ(*description.as_string(), profile->description);
  }
}

TEST(Profiles, TheOrderShowsTheOneThatCounts) {  // profiles-4-1, profiles-4-2, profiles-4-3
  TestServer server;
  struct Case {
    char const* name;
    std::vector<std::string> allowed;  // to the account; none: the server's default
    char const* asked;                 // nullptr: none
    char const* shown;                 // nullptr: invalidProfile
  };
  Case const cases[] = {
      {"the server's default", {}, nullptr, "camera-https"},
      {"the default asked for", {}, "camera-https", "camera-https"},
      {"the account's default", {"camera-https-cn", "camera-https"}, nullptr, "camera-https-cn"},
      {"the account's second", {"camera-https-cn", "camera-https"}, "camera-https", "camera-https"},
      {"not the account's", {"camera-https"}, "camera-https-cn", nullptr},
      {"offered to nobody", {}, "server", nullptr},
      {"unknown", {}, "tlsserver", nullptr},
      {"empty", {}, "", nullptr},
      {"another spelling", {}, "Camera-HTTPS", nullptr},
  };
  for (auto const& c : cases) {
    auto client = client_for(server, c.allowed);
    json::Object more;
    if (c.asked != nullptr) more.set("profile", c.asked);
    auto const order = client.new_order({"cam1.cams.example"}, more);
    if (c.shown == nullptr) {
      EXPECT_EQ(order.status, 400) << c.name;
      EXPECT_EQ(order.problem(), "invalidProfile") << c.name;
      continue;
    }
    ASSERT_EQ(order.status, 201) << c.name << order.body;
    EXPECT_EQ(order.text("profile"), c.shown) << c.name;
    EXPECT_EQ(client.read(order.header("Location")).text("profile"), c.shown) << c.name;
    EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("profile"), c.shown) << c.name;
  }
}

// The operator takes a profile out of the settings and starts the server again, while an order for it is ready; later
// it is put back. The order is refused in between, and issued in the end: never by another profile than it shows.
TEST(Profiles, AWithdrawnOneIssuesNothing) {  // profiles-4-4
  auto const memory = store::make_memory_store();
  auto const start = [&](std::string profiles) {
    ServerOptions options;
    options.store = std::make_unique<BorrowedStore>(*memory, *memory);
    options.ca_settings = "profiles = " + profiles + "\n";
    return std::make_unique<TestServer>(std::move(options));
  };
  std::string const both = R"(["camera-https", "camera-https-cn"])";
  auto server = start(both);
  std::optional<Client> client = client_for(*server, {"camera-https-cn", "camera-https"});
  auto const url = client->new_order({"cam1.cams.example"}).header("Location");
  auto const restart = [&](std::string const& profiles) {
    auto key = std::move(client->key);
    auto kid = client->kid;
    client.reset();
    server.reset();
    server = start(profiles);
    client.emplace(*server);
    client->key = std::move(key);
    client->kid = std::move(kid);
  };
  restart(R"(["camera-https"])");
  EXPECT_EQ(client->new_order({"cam1.cams.example"}, {{"profile", "camera-https-cn"}}).problem(), "invalidProfile");
  auto const refused = client->finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "invalidProfile") << refused.body;
  EXPECT_EQ(client->read(url).text("status"), "ready");
  EXPECT_EQ(client->read(url).text("profile"), "camera-https-cn");
  EXPECT_EQ(server->key->signatures, 0);

  restart(both);
  EXPECT_EQ(client->finalize(url, {"cam1.cams.example"}).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
