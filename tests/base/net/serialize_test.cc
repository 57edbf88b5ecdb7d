#include "base/net/serialize.h"

#include <gtest/gtest.h>

namespace lenscap::net {
namespace {

constexpr char const* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(Serialize, PutsOurFieldsAroundTheHandlers) {
  auto response = text_response(201, "made\n");
  response.headers.add("Location", "/there");
  EXPECT_EQ(serialize(response, kDate, false, true),
            "HTTP/1.1 201 Created\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Location: /there\r\n"
            "Content-Length: 5\r\n"
            "Connection: keep-alive\r\n"
            "\r\n"
            "made\n");
}

TEST(Serialize, SaysWhenTheConnectionEnds) {
  EXPECT_NE(serialize({}, kDate, false, false).find("\r\nConnection: close\r\n"), std::string::npos);
}

// RFC 9110 9.3.2, 8.6: what a GET would have given, without the body itself; 204 and 304 have neither.
TEST(Serialize, GivesLengthAndBodyByStatusAndMethod) {
  struct Case {
    int status;
    bool is_head, has_length, has_octets;
  };
  for (auto const& one :
       {Case{200, false, true, true}, Case{200, true, true, false}, Case{404, false, true, true},
        Case{204, false, false, false}, Case{304, false, false, false}, Case{304, true, false, false}}) {
    SCOPED_TRACE(std::to_string(one.status) + (one.is_head ? " HEAD" : ""));
    auto const wire = serialize(text_response(one.status, "body"), kDate, one.is_head, true);
    EXPECT_EQ(wire.find("Content-Length: 4\r\n") != std::string::npos, one.has_length);
    EXPECT_EQ(wire.find("Content-Length") != std::string::npos, one.has_length);
    EXPECT_EQ(wire.substr(wire.find("\r\n\r\n") + 4), one.has_octets ? "body" : "");
  }
}

TEST(Serialize, CountsASharedBodyAndLeavesItToTheCaller) {
  Response response;
  response.shared_body = SharedBody(std::make_shared<Bytes const>(7, std::uint8_t{1}));
  auto const wire = serialize(response, kDate, false, true);
  EXPECT_NE(wire.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_TRUE(wire.ends_with("\r\n\r\n"));
}

TEST(IsSound, RefusesWhatWouldSplitAnAnswer) {
  struct Case {
    char const* what;
    int status;
    std::string name, value;
    bool sound;
  };
  for (auto const& one : {Case{"usual", 200, "A", "b: c", true}, Case{"status below", 100, "A", "b", false},
                          Case{"status above", 600, "A", "b", false}, Case{"CR", 200, "A", "b\rc", false},
                          Case{"LF", 200, "A", "b\nc", false}, Case{"NUL", 200, "A", std::string("b\0c", 3), false},
                          Case{"no name", 200, "", "b", false}, Case{"colon", 200, "A:", "b", false},
                          Case{"blank", 200, "A B", "b", false}, Case{"line in name", 200, "A\n", "b", false}}) {
    Response response;
    response.status = one.status;
    response.headers.add(one.name, one.value);
    EXPECT_EQ(is_sound(response), one.sound) << one.what;
  }
}

}  // namespace
}  // namespace lenscap::net
