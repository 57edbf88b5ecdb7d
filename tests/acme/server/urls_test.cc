#include "acme/server/urls.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

TEST(ParseUrls, GoodBases) {
  struct Case {
    char const *text, *base, *host;
    unsigned short port;
    bool is_ip;
  };
  Case const cases[] = {
      {"https://pki.cams.example", "https://pki.cams.example", "pki.cams.example", 443, false},
      {"https://pki.cams.example:443", "https://pki.cams.example", "pki.cams.example", 443, false},
      {"https://PKI.cams.example:8443", "https://pki.cams.example:8443", "pki.cams.example", 8443, false},
      {"https://10.20.0.1:14000", "https://10.20.0.1:14000", "10.20.0.1", 14000, true},
      {"https://[fd00:20::1]", "https://[fd00:20::1]", "fd00:20::1", 443, true},
      {"https://[fd00:20::1]:8443", "https://[fd00:20::1]:8443", "fd00:20::1", 8443, true},
      {"https://localhost:9", "https://localhost:9", "localhost", 9, false},
  };
  for (auto const& c : cases) {
    auto urls = Urls::parse(c.text);
    ASSERT_TRUE(urls.ok()) << c.text << ": " << urls.error().detail();
    EXPECT_EQ(urls->base(), c.base);
    EXPECT_EQ(urls->host(), c.host);
    EXPECT_EQ(urls->port(), c.port);
    EXPECT_EQ(urls->host_is_ip(), c.is_ip) << c.text;
  }
}

TEST(ParseUrls, BadBases) {
  for (auto const* text : {"",
                           "http://pki.example",
                           "pki.example",
                           "https://",
                           "https://a/",
                           "https://a/b",
                           "https://a?b",
                           "https://u@a",
                           "https://a:",
                           "https://a:0",
                           "https://a:99999",
                           "https://a:08",
                           "https://a:1x",
                           "https://[::1",
                           "https://[10.0.0.1]",
                           "https://::1",
                           "https://*.a",
                           "https://10.0.0.256",
                           "https://010.0.0.1",
                           "https://a b",
                           "HTTPS://a"}) {
    auto urls = Urls::parse(text);
    ASSERT_FALSE(urls.ok()) << text;
    EXPECT_EQ(urls.error().code(), Errc::settings) << text;
  }
}

TEST(ParseAccount, OnlyTheExactFormThatLocationGave) {  // 8555-6.2-16
  auto urls = *Urls::parse("https://pki.example");
  EXPECT_EQ(*urls.parse_account("https://pki.example/acme/account/abc_1-Z"), "abc_1-Z");
  for (auto const* kid : {"https://pki.example:443/acme/account/abc", "http://pki.example/acme/account/abc",
                          "https://pki.example/acme/account/", "https://pki.example/acme/account/abc/",
                          "https://pki.example/acme/account/abc?x", "/acme/account/abc", "abc",
                          "https://PKI.example/acme/account/abc", "https://other.example/acme/account/abc",
                          "https://pki.example/acme/account/a%62c", "https://pki.example/acme/account/abc/orders"}) {
    auto id = urls.parse_account(kid);
    ASSERT_FALSE(id.ok()) << kid;
    EXPECT_EQ(id.error().code(), Errc::account_does_not_exist) << kid;
  }
}

}  // namespace
}  // namespace lenscap::acme
