#include "base/net/framing.h"

#include <gtest/gtest.h>

#include "framing_cases.h"

namespace lenscap::net {
namespace {

class FramingCases : public testing::TestWithParam<test::FramingCase> {};

TEST_P(FramingCases, GiveTheirStatus) {
  RequestGate gate;
  auto const state = gate.feed(GetParam().wire);
  if (GetParam().status == 0) {
    ASSERT_EQ(state, RequestGate::State::complete) << gate.refusal().reason;
    EXPECT_EQ(gate.octets(), GetParam().wire.size());
  } else {
    ASSERT_EQ(state, RequestGate::State::refused);
    EXPECT_EQ(gate.refusal().status, GetParam().status) << gate.refusal().reason;
    EXPECT_FALSE(gate.refusal().reason.empty());
  }
}

TEST_P(FramingCases, GiveTheSameOctetByOctet) {
  auto const& wire = GetParam().wire;
  RequestGate whole;
  whole.feed(wire);
  RequestGate slow;
  for (std::size_t size = 1; size <= wire.size(); ++size) slow.feed(std::string_view(wire).substr(0, size));
  EXPECT_EQ(slow.state(), whole.state());
  EXPECT_EQ(slow.refusal().status, whole.refusal().status);
  EXPECT_EQ(slow.refusal().reason, whole.refusal().reason);
  EXPECT_EQ(slow.octets(), whole.octets());
}

INSTANTIATE_TEST_SUITE_P(All, FramingCases, testing::ValuesIn(test::framing_cases()),
                         [](auto const& one) { return one.param.name; });

TEST(RequestGate, TellsTheBodyOfChunks) {
  std::string const wire = test::chunked("1\r\nh\r\n4\r\nello\r\nA\r\n0123456789\r\n0\r\n\r\n");
  RequestGate gate;
  ASSERT_EQ(gate.feed(wire + "GET / HTTP/1.1\r\n"), RequestGate::State::complete);
  EXPECT_EQ(gate.octets(), wire.size());
  EXPECT_EQ(gate.body_octets(), 15U);
  EXPECT_EQ(gate.take_body(wire), "hello0123456789");
}

TEST(RequestGate, StopsAtTheEndOfTheRequest) {
  std::string const wire = test::post("Content-Length: 3\r\n", "abc");
  RequestGate gate;
  ASSERT_EQ(gate.feed(wire + "defg"), RequestGate::State::complete);
  EXPECT_EQ(gate.octets(), wire.size());
  EXPECT_EQ(gate.take_body(wire + "defg"), "abc");
}

TEST(RequestGate, KnowsWhetherTheConnectionGoesOn) {
  struct Case {
    std::string wire;
    bool keep_alive;
  };
  for (auto const& c : std::vector<Case>{
           {test::get(""), true},
           {test::get("Connection: close\r\n"), false},
           {test::get("Connection: x, Close\r\n"), false},
           {test::get("Connection: keep-alive\r\nConnection: close\r\n"), false},
           {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
           {"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", true},
       }) {
    RequestGate gate;
    ASSERT_EQ(gate.feed(c.wire), RequestGate::State::complete);
    EXPECT_EQ(gate.head().keep_alive, c.keep_alive) << c.wire;
  }
}

TEST(RequestGate, SeesExpectOnlyWithABody) {
  RequestGate with;
  with.feed(test::post("Expect: 100-continue\r\nContent-Length: 1\r\n"));
  EXPECT_EQ(with.state(), RequestGate::State::in_body);
  EXPECT_TRUE(with.head().expects_continue);
  RequestGate without;
  without.feed(test::post("Expect: 100-continue\r\nContent-Length: 0\r\n"));
  EXPECT_EQ(without.state(), RequestGate::State::complete);
  EXPECT_FALSE(without.head().expects_continue);
}

TEST(RequestGate, BoundsTheWholeRequest) {
  FramingLimits limits;
  limits.request_bytes = 400;
  std::string body;
  for (int i = 0; i < 100; ++i) body += "1\r\na\r\n";  // 100 octets of body in 600 of framing
  RequestGate gate(limits);
  ASSERT_EQ(gate.feed(test::chunked(body)), RequestGate::State::refused);
  EXPECT_EQ(gate.refusal().status, 413);
}

}  // namespace
}  // namespace lenscap::net
