#include "acme/flow/http_01_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme::test {
namespace {

TEST(UrlOf, HostsAndPorts) {  // 8555-8.3-1, 8738-4-2
  struct Case {
    char const* host;
    unsigned short port;
    char const* url;
  };
  Case const cases[] = {
      {"cam1.cams.example", 80, "http://cam1.cams.example/.well-known/acme-challenge/TOKEN"},
      {"cam1.cams.example", 5002, "http://cam1.cams.example:5002/.well-known/acme-challenge/TOKEN"},
      {"10.20.0.1", 80, "http://10.20.0.1/.well-known/acme-challenge/TOKEN"},
      {"2001:db8::1", 80, "http://[2001:db8::1]/.well-known/acme-challenge/TOKEN"},
      {"2001:db8::1", 443, "http://[2001:db8::1]:443/.well-known/acme-challenge/TOKEN"},
  };
  for (auto const& c : cases) EXPECT_EQ(url_of(first_hop(id_of(c.host), "TOKEN", c.port)), c.url);
}

TEST(NextHop, WhereARedirectMayLead) {
  struct Case {
    char const* name;
    std::string location;
    char const* url;  // nullptr: refused
  };
  auto const long_path = "/" + std::string(1999, 'a');
  Case const cases[] = {
      {"path", "/other", "http://cam1.cams.example:5002/other"},
      {"path with query", "/other?a=b&c", "http://cam1.cams.example:5002/other?a=b&c"},
      {"another name", "http://store.cams.example/x", "http://store.cams.example/x"},
      {"https", "https://cam1.cams.example/x", "https://cam1.cams.example/x"},
      {"upper case", "HTTPS://CAM1.Cams.Example/X", "https://cam1.cams.example/X"},
      {"default port written", "http://store.cams.example:80/x", "http://store.cams.example/x"},
      {"tls on the plain port", "https://store.cams.example:80/x", "https://store.cams.example:80/x"},
      {"the validation's port", "http://store.cams.example:5002/x", "http://store.cams.example:5002/x"},
      {"no path", "http://store.cams.example", "http://store.cams.example/"},
      {"query without path", "http://store.cams.example?x", "http://store.cams.example/?x"},
      {"A-label", "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"},
      {"longest", long_path, ("http://cam1.cams.example:5002" + long_path).c_str()},
      {"too long", long_path + "a", nullptr},
      {"nothing", "", nullptr},
      {"other scheme", "ftp://cam1.cams.example/", nullptr},
      {"file", "file:///etc/passwd", nullptr},
      {"gopher", "gopher://127.0.0.1:6379/_x", nullptr},
      {"dict", "dict://127.0.0.1:11211/", nullptr},
      {"javascript", "javascript:alert(1)", nullptr},
      {"network path", "//store.cams.example/x", nullptr},
      {"relative", "other", nullptr},
      {"dot", "../other", nullptr},
      {"one slash", "http:/store.cams.example/x", nullptr},
      {"user", "http://user@store.cams.example/", nullptr},
      {"user and password", "http://a:b@store.cams.example/", nullptr},
      {"user that looks like a host", "http://cam1.cams.example@10.0.0.1/", nullptr},
      {"backslash", "http://store.cams.example\\@10.0.0.1/", nullptr},
      {"other port", "http://store.cams.example:22/", nullptr},
      {"database", "http://store.cams.example:5432/", nullptr},
      {"port 0", "http://store.cams.example:0/", nullptr},
      {"port with zero", "http://store.cams.example:080/", nullptr},
      {"port too large", "http://store.cams.example:65616/", nullptr},  // 80 modulo 65536
      {"port without digits", "http://store.cams.example:/", nullptr},
      {"port with a sign", "http://store.cams.example:+80/", nullptr},
      {"port with text", "http://store.cams.example:80x/", nullptr},
      {"fragment", "/x#y", nullptr},
      {"space", "/x y", nullptr},
      {"line end", "/x\r\nHost: y", nullptr},
      {"zero octet", std::string("/x\0y", 4), nullptr},
      {"eight bits", "/\xc3\xbc", nullptr},
      {"IDN as text",
       "http://b\xc3\xbc"
       "cher.example/",
       nullptr},
      {"no host", "http:///x", nullptr},
      {"underscore", "http://a_b.example/", nullptr},
      {"trailing dot", "http://store.cams.example./", nullptr},
      {"wildcard", "http://*.cams.example/", nullptr},
      {"address", "http://10.20.0.1/", nullptr},
      {"metadata", "http://169.254.169.254/latest/", nullptr},
      {"IPv6", "http://[2001:db8::1]/", nullptr},
      {"address as a number", "http://2130706433/", nullptr},
      {"address in hex", "http://0x7f000001/", nullptr},
      {"address in octal", "http://0177.0.0.1/", nullptr},
      {"short address", "http://127.1/", nullptr},
      {"bracket left open", "http://[2001:db8::1/", nullptr},
      {"name in brackets", "http://[store.cams.example]/", nullptr},
      {"IPv6 without brackets", "http://2001:db8::1/", nullptr},
      {"zone id", "http://[fe80::1%25eth0]/", nullptr},
  };
  auto const proved = id_of("cam1.cams.example");
  auto const from = first_hop(proved, "TOKEN", 5002);
  for (auto const& c : cases) {
    auto const next = next_hop(from, c.location, proved, {80, 443, 5002});
    ASSERT_EQ(next.ok(), c.url != nullptr) << c.name << (next.ok() ? "" : ": " + next.error().detail());
    if (next.ok()) {
      if (std::string_view(c.name) != "longest") {
        EXPECT_EQ(url_of(*next), c.url) << c.name;
      }
    } else {
      EXPECT_EQ(next.error().code(), Errc::incorrect_response) << c.name;
      // RFC 8555 10.4: what was fetched stays here.
      if (c.location.size() > 8) {
        EXPECT_EQ(next.error().detail().find(c.location.substr(c.location.size() - 8)), std::string::npos) << c.name;
      }
    }
  }
}

TEST(NextHop, TheAddressThatIsProvedMayNameItself) {
  auto const proved = id_of("2001:db8::1");
  auto const from = first_hop(proved, "TOKEN", 80);
  auto const same = next_hop(from, "https://[2001:db8::1]/x", proved, {80, 443});
  ASSERT_TRUE(same.ok()) << same.error().detail();
  EXPECT_EQ(url_of(*same), "https://[2001:db8::1]/x");
  EXPECT_FALSE(next_hop(from, "https://[2001:db8::2]/x", proved, {80, 443}).ok());
  EXPECT_FALSE(next_hop(from, "http://10.20.0.1/x", proved, {80, 443}).ok());
}

TEST(IsRedirect, Statuses) {
  for (int const status : {301, 302, 307, 308}) EXPECT_TRUE(is_redirect(status)) << status;
  for (int const status : {0, 100, 200, 204, 300, 303, 304, 305, 306, 309, 400, 500})
    EXPECT_FALSE(is_redirect(status)) << status;
}

TEST(JudgeHttp01, StatusAndBody) {  // 8555-8.3-1
  struct Case {
    int status;
    std::string body;
    bool ok;
  };
  Case const cases[] = {
      {200, "T.K", true},
      {200, "T.K\n", true},
      {200, "T.K \t\r\n\v\f", true},
      {200, "", false},
      {200, "\n", false},
      {200, " T.K", false},
      {200, "T.K\n.", false},
      {200, "T.k", false},
      {200, "T.KK", false},
      {200, "T.", false},
      {200, std::string("T.K\0", 4), false},
      {201, "T.K", false},
      {204, "T.K", false},
      {206, "T.K", false},
      {301, "T.K", false},
      {404, "T.K", false},
      {500, "T.K", false},
      {0, "T.K", false},
  };
  for (auto const& c : cases)
    EXPECT_EQ(judge_http_01(c.status, c.body, "T.K", "host").ok(), c.ok) << c.status << " " << c.body;
}

}  // namespace
}  // namespace lenscap::acme::test
