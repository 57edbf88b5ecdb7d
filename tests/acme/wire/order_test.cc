#include "acme/wire/order.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace lenscap::acme {
namespace {

// RFC 8555 7.1.3, with the identifiers' values as they are.
constexpr char const* kExample = R"({
  "status": "valid",
  "expires": "2016-01-20T14:09:07.99Z",
  "identifiers": [{"type": "dns", "value": "www.example.org"}, {"type": "dns", "value": "example.org"}],
  "notBefore": "2016-01-01T00:00:00Z",
  "notAfter": "2016-01-08T00:00:00Z",
  "authorizations": ["https://example.com/acme/authz/PAniVnsZcis", "https://example.com/acme/authz/r4HqLzrSrpI"],
  "finalize": "https://example.com/acme/order/TOlocE8rfgo/finalize",
  "certificate": "https://example.com/acme/cert/jWCdfHVGY2M"
})";

TEST(ParseOrder, ExampleOfTheRfc) {
  auto const order = parse_order(kExample).value();
  EXPECT_EQ(order.status, OrderStatus::valid);
  EXPECT_EQ(to_rfc3339(order.expires.value()), "2016-01-20T14:09:07Z");
  EXPECT_EQ(order.identifiers.size(), 2U);
  EXPECT_EQ(order.authorizations.size(), 2U);
  EXPECT_EQ(order.finalize, "https://example.com/acme/order/TOlocE8rfgo/finalize");
  EXPECT_EQ(order.certificate, "https://example.com/acme/cert/jWCdfHVGY2M");
  auto const text = json::write(to_json(order));
  EXPECT_EQ(json::write(to_json(parse_order(text).value())), text);
}

// 8555-7.1.3-1, profiles-4-2
TEST(ToJson, OrderInEachStatus) {
  OrderObject order;
  order.expires = from_unix(1'800'000'000);
  order.identifiers = {Identifier::parse("ip", "10.20.0.7").value()};
  order.authorizations = {"https://ca/authz/1"};
  order.finalize = "https://ca/order/1/finalize";
  order.profile = "camera-https";
  EXPECT_EQ(
      json::write(to_json(order)),
      R"({"status":"pending","expires":"2027-01-15T08:00:00Z","identifiers":[{"type":"ip","value":"10.20.0.7"}],)"
      R"("profile":"camera-https","authorizations":["https://ca/authz/1"],"finalize":"https://ca/order/1/finalize"})");
  order.status = OrderStatus::invalid;
  order.error = Error(Errc::connection, "nobody answered");
  auto const text = json::write(to_json(order));
  EXPECT_NE(text.find(R"("error":{"type":"urn:ietf:params:acme:error:connection")"), std::string::npos) << text;
  EXPECT_EQ(parse_order(text).value().error, order.error);
}

// The largest that our own server sends: as many names as an order may have, each with its own refusal.
TEST(ParseOrder, HundredRefusedNames) {
  OrderObject order{.status = OrderStatus::invalid, .finalize = "https://ca/order/1/finalize"};
  std::vector<SubError> refused;
  for (int i = 0; i < 100; ++i) {
    auto const name = "camera-" + std::to_string(i) + ".cams.example";
    order.identifiers.push_back(Identifier::parse("dns", name).value());
    order.authorizations.push_back("https://ca.cams.example/acme/authz/" + std::to_string(i));
    refused.push_back({Errc::connection, std::string(300, 'x'), "dns", name});
  }
  order.error = refuse_identifiers(refused);
  EXPECT_EQ(parse_order(json::write(to_json(order))).value().error, order.error);
}

TEST(ParseOrder, Refuses) {
  for (
      auto body :
      {"", "{}",
       R"({"status":"expired","identifiers":[{"type":"dns","value":"a"}],"authorizations":[],"finalize":"f"})",
       R"({"status":"ready","identifiers":[],"authorizations":[],"finalize":"f"})",
       R"({"status":"ready","identifiers":[{"type":"dns","value":"a"}],"authorizations":[1],"finalize":"f"})",
       R"({"status":"ready","identifiers":[{"type":"dns","value":"a"}],"authorizations":[]})",
       R"({"status":"ready","expires":"soon","identifiers":[{"type":"dns","value":"a"}],"authorizations":[],"finalize":"f"})"}) {
    EXPECT_FALSE(parse_order(body).ok()) << body;
  }
}

TEST(ParseNewOrder, ExampleOfTheRfc) {  // RFC 8555 7.4
  auto const request = parse_new_order(R"({
    "identifiers": [{"type": "dns", "value": "www.example.org"}, {"type": "dns", "value": "example.org"}],
    "notBefore": "2016-01-01T00:04:00+04:00",
    "notAfter": "2016-01-08T00:04:00+04:00"
  })")
                           .value();
  EXPECT_EQ(to_rfc3339(request.not_before.value()), "2015-12-31T20:04:00Z");
  EXPECT_EQ(parse_new_order(json::write(to_json(request))).value(), request);
}

// 8555-9.7-1
TEST(ParseNewOrder, ProfileReplacesAndUnknown) {
  auto const request =
      parse_new_order(
          R"({"identifiers":[{"type":"dns","value":"A.example"}],"profile":"p","replaces":"aYhba4.AIdlQyE","resource":1})")
          .value();
  EXPECT_EQ(request.identifiers.front().value(), "a.example");
  EXPECT_EQ(request.profile, "p");
  EXPECT_EQ(request.replaces, "aYhba4.AIdlQyE");
  EXPECT_EQ(parse_new_order(json::write(to_json(request))).value(), request);
}

TEST(ParseNewOrder, Refuses) {
  for (auto payload : {"", "{}", R"({"identifiers":{}})", R"({"identifiers":[]})", R"({"identifiers":["a.example"]})",
                       R"({"identifiers":[{"type":"dns"}]})", R"({"identifiers":[{"value":"a.example"}]})",
                       R"({"identifiers":[{"type":"dns","value":5}]})",
                       R"({"identifiers":[{"type":"dns","value":"a.example"}],"profile":5})",
                       R"({"identifiers":[{"type":"dns","value":"a.example"}],"notBefore":"tomorrow"})"}) {
    auto const request = parse_new_order(payload);
    ASSERT_FALSE(request.ok()) << payload;
    EXPECT_EQ(request.error().code(), Errc::malformed) << payload;
  }
}

TEST(ParseFinalize, Cases) {
  EXPECT_EQ(parse_finalize(R"({"csr":"AQID"})").value(), (Bytes{1, 2, 3}));
  EXPECT_EQ(parse_finalize(json::write(finalize_to_json(Bytes{1, 2, 3, 4}))).value(), (Bytes{1, 2, 3, 4}));
  for (auto payload :
       {"", "{}", R"({"csr":5})", R"({"csr":"-----BEGIN CERTIFICATE REQUEST-----"})", R"({"csr":"AQI="})"}) {
    EXPECT_EQ(parse_finalize(payload).error().code(), Errc::malformed) << payload;
  }
  EXPECT_EQ(parse_finalize(json::write(finalize_to_json(Bytes(limits::kCsrBytes + 1)))).error().code(), Errc::bad_csr);
}

// 8555-6.1-5: strict, with a switch for the CSR alone.
TEST(ParseFinalize, PaddingSwitch) {  // B-10
  EXPECT_EQ(parse_finalize(R"({"csr":"AQI="})", CsrPadding::allow).value(), (Bytes{1, 2}));
  EXPECT_EQ(parse_finalize(R"({"csr":"AQ=="})", CsrPadding::allow).value(), (Bytes{1}));
  EXPECT_FALSE(parse_finalize(R"({"csr":"AQI="})").ok());
  EXPECT_FALSE(parse_finalize(R"({"csr":"AQI=="})", CsrPadding::allow).ok());
  EXPECT_FALSE(parse_finalize(R"({"csr":"AQI==="})", CsrPadding::allow).ok());
  EXPECT_FALSE(parse_finalize(R"({"csr":"AQIDBA==="})", CsrPadding::allow).ok());
  EXPECT_FALSE(parse_finalize(R"({"csr":"AQID===="})", CsrPadding::allow).ok());
  EXPECT_FALSE(parse_finalize(R"({"csr":"+/=="})", CsrPadding::allow).ok());
}

}  // namespace
}  // namespace lenscap::acme
