// What a browser needs to let a script be an ACME client.
#include <gtest/gtest.h>

#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

// A browser asks first (OPTIONS), and its script may read only the fields that are named.
TEST(Cors, OnlyWhereTheSettingsSaySo) {  // 8555-6.1-4
  for (bool const on : {false, true}) {
    TestServer server({.settings = on ? "cors = true\n" : ""});
    auto client = granted_client(server);
    auto const& urls = server.app->settings.urls;
    for (auto const& answer : {server.get(urls.directory()), client.new_order({"cam1.cams.example"}),
                               client.new_order({"other.example"}), server.get("/acme/nothing")}) {
      EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), on ? "*" : "") << answer.status;
      auto const exposed = answer.header("Access-Control-Expose-Headers");
      for (auto const* field : {"Replay-Nonce", "Location", "Link", "Retry-After"})
        EXPECT_EQ(exposed.find(field) != std::string::npos, on) << field;
    }
    for (auto const& url : {urls.directory(), urls.new_nonce(), urls.new_order(), urls.order("x")}) {
      auto const preflight = server.send(make_request(net::Method::options, url));
      EXPECT_EQ(preflight.status, on ? 204 : 405) << url;
      EXPECT_EQ(preflight.header("Access-Control-Allow-Headers"), on ? "Content-Type" : "") << url;
      EXPECT_EQ(preflight.header("Access-Control-Allow-Methods").find("POST") != std::string::npos, on) << url;
    }
  }
}

}  // namespace
}  // namespace lenscap::acme::test
