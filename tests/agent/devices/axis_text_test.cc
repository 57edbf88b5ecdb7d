#include "agent/devices/shared/axis_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace lenscap::agent::axis {
namespace {

TEST(ParseParams, WithAndWithoutRoot) {
  auto const params = parse_params(
      "root.Brand.Brand=AXIS\r\nroot.Properties.System.SerialNumber=ACCC8EF7DE6B\n"
      "# Error: Error -1 getting param in group 'Nothing'\nHTTPS.Ciphers=A:B=C\nroot.Empty=\n");
  ASSERT_TRUE(params.ok()) << params.error().detail();
  EXPECT_EQ(params->get("Brand.Brand"), "AXIS");
  EXPECT_EQ(params->get("Properties.System.SerialNumber"), "ACCC8EF7DE6B");
  EXPECT_EQ(params->get("HTTPS.Ciphers"), "A:B=C");
  EXPECT_EQ(params->get("Empty"), "");
  EXPECT_EQ(params->get("Absent"), "");
  EXPECT_THAT(params->errors, testing::ElementsAre("Error: Error -1 getting param in group 'Nothing'"));
}

TEST(ParseParams, RefusesHtmlAndOddNames) {
  EXPECT_FALSE(parse_params("<HTML><HEAD></HEAD></HTML>\n").ok());
  EXPECT_FALSE(parse_params("<a href=x>\n").ok());
  EXPECT_FALSE(parse_params("=value\n").ok());
  EXPECT_FALSE(parse_params(std::string(limits::kDeviceAnswerBytes + 1, 'a')).ok());
}

TEST(ParseParams, CleansValuesThatAreNoText) {
  auto const params = parse_params("root.Brand.ProdFullName=a\x1b\xff\n");
  ASSERT_TRUE(params.ok());
  EXPECT_EQ(params->get("Brand.ProdFullName"), "a??");
}

TEST(ParseCgi, DataOrError) {
  auto const good = parse_cgi(R"({"apiVersion":"1.2","method":"systemready","data":{"systemready":"yes"}})");
  ASSERT_TRUE(good.ok());
  ASSERT_TRUE(std::holds_alternative<json::Object>(*good));
  auto const bad = parse_cgi(R"({"apiVersion":"1.0","error":{"code":2004,"message":"Method not supported"}})");
  ASSERT_TRUE(bad.ok());
  ASSERT_TRUE(std::holds_alternative<Refusal>(*bad));
  EXPECT_EQ(std::get<Refusal>(*bad).code, 2004);
  EXPECT_FALSE(parse_cgi("<html></html>").ok());
  EXPECT_FALSE(parse_cgi(R"({"apiVersion":"1.0"})").ok());
}

TEST(ParseRest, DataNothingOrError) {
  auto const text = parse_rest(R"({"status":"success","data":"SE0"})");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*std::get<json::Value>(*text).as_string(), "SE0");
  auto const nothing = parse_rest(R"({"status":"success"})");
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(std::get<json::Value>(*nothing).is_null());
  auto const bad = parse_rest(R"({"status":"error","error":{"code":1,"message":"Resource not found: \n/x"}})");
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(std::get<Refusal>(*bad).code, 1);
  EXPECT_EQ(std::get<Refusal>(*bad).message, "Resource not found: /x");
  EXPECT_FALSE(parse_rest(R"({"status":"perhaps"})").ok());
}

TEST(ParseDiscover, PrefersTheReleasedApiAndTellsBeta) {
  auto const released = parse_discover(
      R"({"apis":{"cert":{"v1beta":{"rest_api":"/config/rest/cert/v1beta","state":"beta","version":"1.0.0-beta.1"},
          "v1":{"rest_api":"/config/rest/cert/v1","state":"released","version":"1.1.2"}}}})");
  ASSERT_TRUE(released.ok()) << released.error().detail();
  EXPECT_EQ(released->path, "/config/rest/cert/v1");
  EXPECT_FALSE(released->beta);
  auto const beta = parse_discover(
      R"({"cert":{"v1":{"rest_api":"/config/rest/cert/v1beta/","state":"beta","version":"1.0.0-beta.1"}}})");
  ASSERT_TRUE(beta.ok()) << beta.error().detail();
  EXPECT_EQ(beta->path, "/config/rest/cert/v1beta");
  EXPECT_TRUE(beta->beta);
}

TEST(ParseDiscover, NeverLeavesTheCertificateTree) {
  for (std::string const path : {"/config/rest/ssh/v1", "http://evil.example/config/rest/cert/v1",
                                 "/config/rest/cert/../ssh/v1", "/config/rest/cert/v1?x=", "/config/rest/cert/v1 x"}) {
    auto const api = parse_discover(R"({"cert":{"v1":{"state":"released","rest_api":")" + path + R"("}}})");
    ASSERT_FALSE(api.ok()) << path;
    EXPECT_EQ(api.error().code(), Errc::not_found);
  }
  EXPECT_FALSE(parse_discover(R"({"apis":{}})").ok());
  EXPECT_FALSE(parse_discover(R"({"cert":{"v2":{"rest_api":"/config/rest/cert/v2","state":"released"}}})").ok());
}

TEST(ParseSerial, Forms) {
  EXPECT_EQ(*parse_serial("accc8ef7de6b"), "ACCC8EF7DE6B");
  EXPECT_EQ(*parse_serial("AC:CC:8E:F7:DE:6B"), "ACCC8EF7DE6B");
  EXPECT_FALSE(parse_serial("ACCC8EF7DE6").ok());
  EXPECT_FALSE(parse_serial("ACCC8EF7DE6B0").ok());
  EXPECT_FALSE(parse_serial("ACCC8EF7DE6G").ok());
  EXPECT_EQ(mac_of("ACCC8EF7DE6B"), "ac:cc:8e:f7:de:6b");
}

TEST(ParseHttpDate, PreferredFormOnly) {
  EXPECT_EQ(to_unix(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")), 784111777);
  EXPECT_EQ(to_unix(*parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT")), 0);
  for (std::string_view const bad :
       {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(bad).ok()) << bad;
}

TEST(SerialInChallenge, AxisRealmOnly) {
  EXPECT_EQ(serial_in_challenge(R"(Digest realm="AXIS_ACCC8EC43707", nonce="x", qop="auth")"), "ACCC8EC43707");
  EXPECT_EQ(serial_in_challenge(R"(Basic realm="AXIS_nothing")"), "");
  EXPECT_EQ(serial_in_challenge(R"(Basic realm="router")"), "");
}

TEST(PercentEncode, KeepsUnreservedOnly) { EXPECT_EQ(percent_encode("a/b c&(\xc3"), "a%2Fb%20c%26%28%C3"); }

}  // namespace
}  // namespace lenscap::agent::axis
