#include "acme/wire/account.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

TEST(ParseAccount, ExampleOfTheRfc) {  // RFC 8555 7.1.2
  auto const account = parse_account(R"({
    "status": "valid",
    "contact": ["mailto:cert-admin@example.org", "mailto:admin@example.org"],
    "termsOfServiceAgreed": true,
    "orders": "https://example.com/acme/orders/rzGoeA"
  })")
                           .value();
  EXPECT_EQ(account.status, AccountStatus::valid);
  EXPECT_EQ(account.contact.size(), 2U);
  EXPECT_TRUE(account.terms_of_service_agreed);
  EXPECT_EQ(account.orders, "https://example.com/acme/orders/rzGoeA");
  EXPECT_EQ(parse_account(json::write(to_json(account))).value(), account);
}

// 8555-7.1.2-1
TEST(ToJson, AccountObject) {
  AccountObject account{.orders = "https://ca/orders/1"};
  EXPECT_EQ(json::write(to_json(account)), R"({"status":"valid","contact":[],"orders":"https://ca/orders/1"})");
  account.external_account_binding = json::Object{{"payload", "x"}};
  account.status = AccountStatus::deactivated;
  EXPECT_EQ(json::write(to_json(account)),
            R"({"status":"deactivated","contact":[],"externalAccountBinding":{"payload":"x"},)"
            R"("orders":"https://ca/orders/1"})");
}

TEST(ParseNewAccount, Fields) {
  auto const empty = parse_new_account("{}").value();
  EXPECT_EQ(empty, NewAccountRequest());
  auto const full =
      parse_new_account(R"({"contact":["mailto:a@b.example"],"termsOfServiceAgreed":true,"onlyReturnExisting":true,)"
                        R"("externalAccountBinding":{"protected":"x"}})")
          .value();
  EXPECT_EQ(full.contact, std::vector<std::string>{"mailto:a@b.example"});
  EXPECT_TRUE(full.terms_of_service_agreed);
  EXPECT_TRUE(full.only_return_existing);
  EXPECT_TRUE(full.external_account_binding.has_value());
  EXPECT_EQ(parse_new_account(json::write(to_json(full))).value(), full);
}

// 8555-7.3-3
TEST(ParseNewAccount, PassesOverWhatItDoesNotTake) {
  auto const request = parse_new_account(R"({"resource":"new-reg","status":"revoked","orders":"x","agreement":5})");
  EXPECT_EQ(request.value(), NewAccountRequest());
}

TEST(ParseNewAccount, Refuses) {
  for (auto payload : {"", "[]", R"({"contact":"mailto:a@b"})", R"({"contact":[1]})", R"({"contact":null})",
                       R"({"termsOfServiceAgreed":"true"})", R"({"onlyReturnExisting":1})",
                       R"({"externalAccountBinding":"x"})", R"({"contact":[],"contact":[]})"}) {
    EXPECT_FALSE(parse_new_account(payload).ok()) << payload;
  }
}

// 8555-7.3.2-1
TEST(ParseAccountUpdate, KnowsThreeThings) {
  EXPECT_EQ(parse_account_update("{}").value(), AccountUpdate());
  EXPECT_EQ(parse_account_update(R"({"contact":[]})").value().contact, std::vector<std::string>());
  EXPECT_TRUE(parse_account_update(R"({"status":"deactivated"})").value().deactivate);
  for (auto other : {R"({"status":"valid"})", R"({"status":"revoked"})", R"({"status":"nonsense"})",
                     R"({"termsOfServiceAgreed":true,"orders":"x","unknown":1})"}) {
    EXPECT_EQ(parse_account_update(other).value(), AccountUpdate()) << other;
  }
  EXPECT_FALSE(parse_account_update(R"({"status":1})").ok());
  AccountUpdate const update{.contact = std::vector<std::string>{"mailto:a@b.example"}, .deactivate = true};
  EXPECT_EQ(parse_account_update(json::write(to_json(update))).value(), update);
}

// 8555-7.1.2.1-1
TEST(OrdersList, BothWays) {
  std::vector<std::string> const urls{"https://ca/order/1", "https://ca/order/2"};
  EXPECT_EQ(json::write(orders_list_to_json(urls)), R"({"orders":["https://ca/order/1","https://ca/order/2"]})");
  EXPECT_EQ(parse_orders_list(json::write(orders_list_to_json(urls))).value(), urls);
  EXPECT_FALSE(parse_orders_list("[]").ok());
}

}  // namespace
}  // namespace lenscap::acme
