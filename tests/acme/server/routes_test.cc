// Every path of the server under what no client of ours sends.
#include "acme/server/routes.h"

#include <gtest/gtest.h>

#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

// Every {name} of the pattern but the one at `which` becomes "x".
std::string filled(std::string_view pattern, std::size_t which, std::string const& value) {
  std::string path;
  std::size_t at = 0;
  for (std::size_t begin = 0; begin < pattern.size();) {
    auto const open = pattern.find('{', begin);
    path += pattern.substr(begin, open - begin);
    if (open == pattern.npos) break;
    path += at++ == which ? value : "x";
    begin = pattern.find('}', open) + 1;
  }
  return path;
}

std::size_t params_in(std::string_view pattern) {
  return static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '{'));
}

// Records have keys of at most 400 octets; whoever asks for more asks for nothing that could be there.
TEST(Routes, NoIdInAPathIsTooMuch) {
  TestServer server;
  auto client = granted_client(server);
  std::vector<std::string> const ids{"x",
                                     std::string(64, 'a'),
                                     std::string(65, 'a'),
                                     std::string(400, 'a'),
                                     std::string(401, 'a'),
                                     std::string(1000, '0'),
                                     std::string(4000, 'Z'),
                                     std::string(250, '%'),
                                     "%00",
                                     "..",
                                     "a|b",
                                     "%ff"};
  std::size_t walked = 0;
  for (auto const& route : all_routes())
    for (std::size_t which = 0; which < params_in(route.pattern); ++which)
      for (auto const& id : ids) {
        ++walked;
        SCOPED_TRACE(std::string(route.pattern) + " " + id);
        auto const path = filled(route.pattern, which, id);
        if (!route.is_signed) {
          auto request = make_request(route.method, path);
          auto const answer = route.where == Listening::acme ? server.send(request) : server.send_web(request);
          EXPECT_TRUE(answer.status >= 400 && answer.status < 500) << answer.status;
          continue;
        }
        for (std::string const payload : {"", "{}"}) {
          auto const answer = client.post(kBase + path, payload);
          EXPECT_TRUE(answer.status >= 400 && answer.status < 500) << answer.status << answer.body;
          if (!is_id(id)) {
            EXPECT_EQ(answer.status, 404) << answer.body;
          }
        }
      }
  EXPECT_GT(walked, 90u);
}

// Only the list of orders has pages.
TEST(Routes, AQueryIsAnotherPath) {
  TestServer server;
  auto client = granted_client(server);
  for (auto const& route : all_routes()) {
    if (route.where != Listening::acme || route.pattern.ends_with("/orders")) continue;
    for (auto const* query : {"?", "?x=1", "?from="}) {
      auto const url = kBase + filled(route.pattern, 9, "") + query;
      auto const answer = route.is_signed ? client.post(url, "") : server.send(make_request(route.method, url));
      EXPECT_EQ(answer.status, 404) << url;
      // Renewal information is for anybody, and no ACME request comes of it.
      EXPECT_EQ(answer.header("Replay-Nonce").empty(), route.pattern.starts_with("/acme/renewal-info/")) << url;
    }
  }
  EXPECT_EQ(client.read(client.kid + "/orders?from=0").status, 200);
}

}  // namespace
}  // namespace lenscap::acme::test
