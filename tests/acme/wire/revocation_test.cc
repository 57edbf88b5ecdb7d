#include "acme/wire/revocation.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

TEST(ParseRevocation, Forms) {
  struct Case {
    char const* payload;
    bool good;
    std::optional<std::int64_t> reason;
  };
  Case const cases[] = {
      {R"({"certificate":"AQID"})", true, std::nullopt},
      {R"({"certificate":"AQID","reason":0})", true, 0},
      {R"({"certificate":"AQID","reason":7})", true, 7},  // codes are judged elsewhere
      {R"({"certificate":"AQID","reason":-1,"resource":"revoke-cert"})", true, -1},
      {R"({"certificate":"AQID","reason":"1"})", false, {}},
      {R"({"certificate":"AQID","reason":1.5})", false, {}},
      {R"({"certificate":"AQID","reason":null})", false, {}},
      {R"({"certificate":"AQIDBA=="})", false, {}},  // 8555-6.1-5
      {R"({"certificate":"AQ+D"})", false, {}},
      {R"({"certificate":""})", false, {}},
      {R"({"certificate":1})", false, {}},
      {R"({})", false, {}},
      {R"([])", false, {}},
      {"", false, {}},
  };
  for (auto const& c : cases) {
    auto const request = parse_revocation(c.payload);
    ASSERT_EQ(request.ok(), c.good) << c.payload;
    if (!c.good) {
      EXPECT_EQ(request.error().code(), Errc::malformed) << c.payload;
      continue;
    }
    EXPECT_EQ(request->certificate, (Bytes{1, 2, 3})) << c.payload;
    EXPECT_EQ(request->reason, c.reason) << c.payload;
    EXPECT_EQ(parse_revocation(json::write(to_json(*request))).value(), *request) << c.payload;
  }
}

}  // namespace
}  // namespace lenscap::acme
