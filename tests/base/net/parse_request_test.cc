#include "base/net/parse_request.h"

#include <gtest/gtest.h>

namespace lenscap::net {
namespace {

std::optional<Request> parse(std::string const& wire) {
  RequestGate gate;
  EXPECT_EQ(gate.feed(wire), RequestGate::State::complete) << gate.refusal().reason;
  return parse_request(wire, gate, {});
}

TEST(ParseRequest, GivesEveryPart) {
  auto const request = parse(
      "POST /a/b%20c?d=e&f HTTP/1.1\r\nHost: ca.example\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 4\r\n\r\nbody");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, Method::post);
  EXPECT_EQ(request->method_text, "POST");
  EXPECT_EQ(request->target, "/a/b%20c?d=e&f");
  EXPECT_EQ(request->path, "/a/b%20c") << "not decoded";
  EXPECT_EQ(request->query, "d=e&f");
  EXPECT_EQ(request->headers.count("X-Two"), 2U);
  EXPECT_EQ(request->body, "body");
}

TEST(ParseRequest, KeepsAMethodThatNobodyKnows) {
  auto const request = parse("BREW /pot HTTP/1.1\r\nHost: ca.example\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, Method::other);
  EXPECT_EQ(request->method_text, "BREW");
  EXPECT_TRUE(request->query.empty());
}

// The gate read one request, and these octets are another: what it was asked about and what it saw have to agree.
TEST(ParseRequest, RefusesWhereTheGateSawSomethingElse) {
  std::string const seen = "GET /one HTTP/1.1\r\nHost: ca.example\r\n\r\n";
  RequestGate gate;
  ASSERT_EQ(gate.feed(seen), RequestGate::State::complete);
  ASSERT_TRUE(parse_request(seen, gate, {}));
  for (std::string const other :
       {"GET /two HTTP/1.1\r\nHost: ca.example\r\n\r\n", "PUT /one HTTP/1.1\r\nHost: ca.example\r\n\r\n",
        "GET /one HTTP/1.0\r\nHost: ca.example\r\n\r\n", "GET /one HTTP/1.1\r\nHost: ca.example\r\n\r\nGET",
        "GET /one HTTP/1.1\r\nHost: ca.example\r\n", "GET /one HTTP/1.1\r\nno field\r\n\r\n"})
    EXPECT_FALSE(parse_request(other, gate, {})) << other;
}

}  // namespace
}  // namespace lenscap::net
