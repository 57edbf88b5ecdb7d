#include "agent/endpoint.h"

#include <gtest/gtest.h>

namespace lenscap::agent {
namespace {

TEST(ParseEndpoint, WhatPeopleType) {
  struct Case {
    std::string_view text;
    std::string_view address;
    int port;
  };
  constexpr Case kCases[] = {
      {"10.0.0.7", "10.0.0.7", 443},         {"10.0.0.7:8443", "10.0.0.7", 8443}, {"fd00::7", "fd00::7", 443},
      {"[fd00::7]", "fd00::7", 443},         {"[fd00::7]:8443", "fd00::7", 8443}, {"cam1.example", "cam1.example", 443},
      {"cam1.example:1", "cam1.example", 1}, {"cam1:65535", "cam1", 65535},
  };
  for (auto const& c : kCases) {
    auto endpoint = parse_endpoint(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text << " " << endpoint.error().detail();
    EXPECT_EQ(endpoint->address, c.address);
    EXPECT_EQ(endpoint->https_port, c.port);
    EXPECT_EQ(endpoint->http_port, 80);
  }
}

TEST(ParseEndpoint, RefusesTheRest) {
  for (std::string_view bad : {"",
                               ":",
                               ":443",
                               "10.0.0.7:",
                               "10.0.0.7:0",
                               "10.0.0.7:65536",
                               "10.0.0.7:-1",
                               "10.0.0.7:4x",
                               "10.0.0.7: 443",
                               "10.0.0.256",
                               "010.0.0.7",
                               "[fd00::7",
                               "[fd00::7]443",
                               "[fd00::7]:",
                               "[]",

                               "[cam1.example]:443",
                               "fd00::7%eth0",
                               "https://10.0.0.7",
                               "cam1.example/x",
                               "a b",
                               "*.example",
                               "cam_1",
                               "user@cam1"}) {
    auto refused = parse_endpoint(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code(), Errc::usage);
  }
}

TEST(WithPort, PutsIpv6IntoBrackets) {
  EXPECT_EQ(with_port("10.0.0.7", 80), "10.0.0.7:80");
  EXPECT_EQ(with_port("fd00::7", 8443), "[fd00::7]:8443");
}

}  // namespace
}  // namespace lenscap::agent
