// The list of an account's orders (RFC 8555 7.1.2.1): pages, whose orders, and which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/records.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::ElementsAreArray;

class OrdersList : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;

  static std::string next_of(Answer const& page) {
    for (auto const& [name, value] : page.headers.fields())
      if (name == "Link" && value.ends_with(";rel=\"next\"")) return value.substr(1, value.find('>') - 1);
    return "";
  }
  static std::vector<std::string> listed(Answer const& page) {
    EXPECT_EQ(page.status, 200) << page.body;
    auto orders = json::need_strings(page.object(), "orders");
    return orders ? *std::move(orders) : std::vector<std::string>{};
  }
  // Orders straight into the store, with ids that rise.
  std::vector<std::string> put_orders(int count, OrderStatus status) {
    std::vector<std::string> made;
    server.app->store->write([&](store::WriteTxn& txn) {
      for (int i = 0; i < count; ++i) {
        Order order;
        order.id = "order" + std::to_string(10'000 + next_id_++);
        order.account_id = client.kid.substr(urls.account("").size());
        order.status = status;
        order.created = kNow;
        order.expires = kNow + kHour;
        create_order(txn, {.order = order, .created = {}});
        save_order(txn, order);
        made.push_back(urls.order(order.id));
      }
      return true;
    });
    return made;
  }

 private:
  int next_id_ = 0;
};

TEST_F(OrdersList, IsEmptyAtFirst) {  // 8555-7.1.2.1-1
  auto const page = client.read(client.kid + "/orders");
  EXPECT_TRUE(listed(page).empty());
  EXPECT_EQ(next_of(page), "");
  EXPECT_EQ(page.header("Content-Type"), "application/json");
  EXPECT_TRUE(page.has_link(urls.directory(), "index"));
  EXPECT_EQ(client.read(client.kid).text("orders"), client.kid + "/orders");
}

TEST_F(OrdersList, HasEveryStatusButInvalid) {  // 8555-7.1.2.1-1
  std::vector<std::string> wanted;
  for (auto status : {OrderStatus::pending, OrderStatus::ready, OrderStatus::processing, OrderStatus::valid}) {
    auto const made = put_orders(1, status);
    put_orders(1, OrderStatus::invalid);
    wanted.insert(wanted.end(), made.begin(), made.end());
  }
  EXPECT_THAT(listed(client.read(client.kid + "/orders")), ElementsAreArray(wanted));
  // Those that are past their time are invalid, whether or not the sweeper came by.
  server.clock.advance(2 * kHour);
  EXPECT_THAT(listed(client.read(client.kid + "/orders")), ElementsAreArray({wanted[2], wanted[3]}));
}

TEST_F(OrdersList, NextLeadsThroughAllPagesOnce) {  // 8555-7.1.2.1-1
  for (int const more : {99, 1, 1, 120}) {          // 99, 100, 101 and 221 orders
    put_orders(more, OrderStatus::ready);
    std::vector<std::string> seen;
    int pages = 0;
    for (auto url = client.kid + "/orders"; !url.empty(); ++pages) {
      auto const page = client.read(url);
      auto const part = listed(page);
      EXPECT_LE(part.size(), 100U);
      seen.insert(seen.end(), part.begin(), part.end());
      url = next_of(page);
      EXPECT_TRUE(url.empty() || url.starts_with(client.kid + "/orders?")) << url;
      ASSERT_LT(pages, 10);
    }
    std::vector<std::string> all;
    server.app->store->read([&](store::ReadTxn& txn) {
      for (auto const& order : load_open_orders(txn, "")) all.push_back(urls.order(order.id));
    });
    EXPECT_THAT(seen, ElementsAreArray(all));
    EXPECT_EQ(pages, static_cast<int>((all.size() + 99) / 100));
  }
}

TEST_F(OrdersList, ManyFailedOrdersMakeAPageShortNotSlow) {  // 8555-10.3-1
  put_orders(2500, OrderStatus::invalid);
  auto const wanted = put_orders(1, OrderStatus::valid);
  std::vector<std::string> seen;
  int pages = 0;
  for (auto url = client.kid + "/orders"; !url.empty(); ++pages) {
    auto const page = client.read(url);
    auto const part = listed(page);
    seen.insert(seen.end(), part.begin(), part.end());
    url = next_of(page);
  }
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(seen, ElementsAreArray(wanted));
}

TEST_F(OrdersList, IsForItsOwner) {  // 8555-6.3-5, 8555-7.1.2.1-1
  auto const orders = put_orders(3, OrderStatus::valid);
  auto other = granted_client(server);
  auto const refused = other.read(client.kid + "/orders");
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.problem(), "malformed");
  // A page that begins at a stranger's order shows nothing of it.
  auto const id = orders[0].substr(urls.order("").size());
  EXPECT_TRUE(listed(other.read(other.kid + "/orders?from=" + id)).empty());
  EXPECT_TRUE(listed(other.read(other.kid + "/orders?from=/" + id)).empty());
}

TEST_F(OrdersList, TakesNoPayloadAndNoOtherQuery) {
  auto const list = client.kid + "/orders";
  EXPECT_EQ(client.post(list, "{}").problem(), "malformed");  // 8555-6.3-3
  EXPECT_EQ(client.post(list, "{}").status, 400);
  for (auto const& query : {std::string("?x=1"), std::string("?from="), std::string("?from"),
                            "?from=" + std::string(65, 'a'), std::string("?cursor=1&from=a")})
    EXPECT_EQ(client.read(list + query).status, 404) << query;
  EXPECT_EQ(server.get(list).status, 405);  // 8555-6.3-1
}

}  // namespace
}  // namespace lenscap::acme::test
