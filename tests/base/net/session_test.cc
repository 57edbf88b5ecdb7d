#include "base/net/session.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "framing_cases.h"
#include "serving.h"

namespace lenscap::net {
namespace {

using namespace std::chrono_literals;
using test::connect_raw;
using test::connect_tls;
using test::Serving;

std::string get(std::string const& path, std::string const& fields = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

// --- framing, with what becomes of the connection ---

class SessionFraming : public testing::TestWithParam<test::FramingCase> {
 protected:
  static void SetUpTestSuite() {
    ServerLimits limits;
    limits.linger = 100ms;
    serving_ = std::make_unique<Serving>(limits);
  }
  static void TearDownTestSuite() { serving_.reset(); }
  static std::unique_ptr<Serving> serving_;
};
std::unique_ptr<Serving> SessionFraming::serving_;

TEST_P(SessionFraming, RefusesAndClosesOrServes) {
  auto connection = connect_raw(serving_->port());
  connection.send(GetParam().wire);
  auto response = connection.read_response();
  if (response.status == 100) response = connection.read_response();
  if (GetParam().status == 0) {
    EXPECT_TRUE(response.status == 404 || response.status == 405) << response.head;  // the router's business
  } else {
    EXPECT_EQ(response.status, GetParam().status);
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
    EXPECT_TRUE(connection.is_closed());
  }
}

INSTANTIATE_TEST_SUITE_P(All, SessionFraming, testing::ValuesIn(test::framing_cases()),
                         [](auto const& one) { return one.param.name; });

TEST(Session, TakesNothingThatFollowsARefusal) {  // H-07
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send(test::post("Transfer-Encoding: gzip\r\n") + get("/hello"));
  EXPECT_EQ(connection.read_response().status, 400);
  EXPECT_TRUE(connection.is_closed());
  EXPECT_FALSE(serving.lines.has("/hello"));
}

// --- requests and answers ---

TEST(Session, GivesTheHandlerTheRequest) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.header("X-Peer"), "127.0.0.1 plain");
  EXPECT_EQ(response.header("X-Query"), "a=b");
  EXPECT_EQ(response.header("X-Fields"), "2");
  EXPECT_GE(response.header("X-Id").size(), 20U);
  EXPECT_EQ(response.header("Content-Length"), "5");
  EXPECT_EQ(response.header("Connection"), "keep-alive");
  EXPECT_NE(response.header("Date").find(" GMT"), std::string::npos);
}

TEST(Session, ReadsAChunkedBody) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
  connection.send("2\r\nlo\r\n0\r\n\r\n");
  EXPECT_EQ(connection.read_response().body, "hello");
}

TEST(Session, ReadsTheLargestBody) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  std::string const body(64 * 1024, 'x');
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n" + body);
  EXPECT_EQ(connection.read_response().body, body);
}

TEST(Session, KeepsTheConnection) {  // K-15
  Serving serving;
  auto connection = connect_raw(serving.port());
  for (int i = 0; i < 20; ++i) {
    connection.send(get("/hello"));
    EXPECT_EQ(connection.read_response().body, "hello");
  }
}

TEST(Session, ClosesWhenAsked) {
  Serving serving;
  for (auto const& wire :
       {get("/hello", "Connection: close\r\n"), std::string("GET /hello HTTP/1.0\r\nHost: a\r\n\r\n"), get("/close")}) {
    auto connection = connect_raw(serving.port());
    connection.send(wire);
    auto const response = connection.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_TRUE(connection.is_closed()) << wire;
  }
}

TEST(Session, KeepsHttp10WhenAsked) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  for (int i = 0; i < 2; ++i) {
    connection.send("GET /hello HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(connection.read_response().header("Connection"), "keep-alive");
  }
}

TEST(Session, AnswersHeadWithoutBody) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  auto const by_get = connection.read_response(false);
  EXPECT_EQ(by_get.status, 200);
  EXPECT_EQ(by_get.header("Content-Length"), "5");
  connection.send("HEAD /own-head HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
  EXPECT_EQ(connection.read_response(false).header("X-Method"), "HEAD");
  EXPECT_EQ(connection.read_response().body, "hello");  // no octet of a body in between
}

TEST(Session, SendsASharedBodyWholeAndKeepsTheConnection) {
  for (std::string const path : {"/shared", "/file"})
    for (bool const tls : {false, true}) {
      SCOPED_TRACE(path + (tls ? " over TLS" : ""));
      Serving serving({}, tls);
      auto connection = tls ? connect_tls(serving.port()) : connect_raw(serving.port());
      for (int i = 0; i < 2; ++i) {
        connection.send(get(path));
        auto const response = connection.read_response();
        EXPECT_EQ(response.header("Content-Length"), std::to_string(test::kSharedBytes));
        EXPECT_TRUE(response.body == as_text(test::pattern(test::kSharedBytes)));
      }
      connection.send("HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
      EXPECT_EQ(connection.read_response(false).header("Content-Length"), std::to_string(test::kSharedBytes));
      EXPECT_EQ(connection.read_response().body, "hello");
    }
}

TEST(Session, SendsAFileThatWasRemovedAndTellsOneThatWasCut) {
  Serving serving;
  auto removed = connect_raw(serving.port());
  std::filesystem::rename(serving.file(), serving.file() + ".old");
  removed.send(get("/file"));
  EXPECT_EQ(removed.read_response().body.size(), test::kSharedBytes);
  std::filesystem::resize_file(serving.file() + ".old", test::kSharedBytes / 2);
  auto cut = connect_raw(serving.port());
  cut.send(get("/file"));
  EXPECT_EQ(cut.read_response(false).header("Content-Length"), std::to_string(test::kSharedBytes));
  EXPECT_LE(cut.read_all().size(), test::kSharedBytes / 2) << "closed before its length, which tells the client";
  EXPECT_TRUE(test::eventually([&] { return serving.lines.has("net.body_lost"); }));
  removed.send(get("/hello"));
  EXPECT_EQ(removed.read_response().body, "hello") << "and nobody else";
}

TEST(Session, Sends204WithoutLength) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send(get("/nothing") + get("/hello"));
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(connection.read_response().body, "hello");
}

TEST(Session, TellsTheClientToContinueOnce) {  // H-22, K-15
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(connection.read_response().head, "HTTP/1.1 100 Continue\r\n\r\n");
  connection.send("hel");
  connection.send("lo");
  EXPECT_EQ(connection.read_response().body, "hello");
}

TEST(Session, RefusesABodyBeforeItIsSent) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 500000\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 413);
  EXPECT_TRUE(connection.is_closed());
}

TEST(Session, ServesEightPipelinedRequestsThenCloses) {  // H-20
  Serving serving;
  auto connection = connect_raw(serving.port());
  std::string wire;
  for (int i = 0; i < 12; ++i) wire += get("/hello");
  connection.send(wire);
  for (int i = 1; i <= 8; ++i) {
    auto const response = connection.read_response();
    EXPECT_EQ(response.body, "hello") << i;
    EXPECT_EQ(response.header("Connection"), i < 8 ? "keep-alive" : "close") << i;
  }
  EXPECT_TRUE(connection.is_closed());
}

TEST(Session, AnswersUnknownPathsAndMethods) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send(get("/nowhere"));
  EXPECT_EQ(connection.read_response().status, 404);
  connection.send("POST /own-head HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("Allow"), "GET, HEAD");
  EXPECT_EQ(response.header("Connection"), "keep-alive");
}

// --- exceptions ---

class SessionException : public testing::TestWithParam<char const*> {};

TEST_P(SessionException, BecomesA500WithoutDetail) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send(get(GetParam()));
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("inner truth"), std::string::npos);
  EXPECT_EQ(response.head.find("Set-Cookie"), std::string::npos);
  auto const at = response.body.rfind(' ');
  ASSERT_NE(at, std::string::npos);
  auto const id = response.body.substr(at + 1);
  EXPECT_TRUE(serving.lines.has("net.exception"));
  EXPECT_TRUE(serving.lines.has(id)) << id;
  EXPECT_TRUE(connection.is_closed());
  auto again = connect_raw(serving.port());
  again.send(get("/hello"));
  EXPECT_EQ(again.read_response().body, "hello");
}

INSTANTIATE_TEST_SUITE_P(All, SessionException, testing::Values("/throw", "/throw-odd", "/split"));

// --- deadlines ---

// The deadline of a header is that of its first octet, too: long enough for the test to send one in any case.
TEST(SessionDeadline, OfTheHeader) {
  ServerLimits limits;
  limits.header = 1s;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_EQ(connection.read_response().status, 408);
  EXPECT_TRUE(connection.is_closed());
}

TEST(SessionDeadline, OfTheHeaderIsNotRenewedByOctets) {  // H-23
  ServerLimits limits;
  limits.header = 1s;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  pollfd answered{connection.fd(), POLLIN, 0};
  for (auto const end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;)
    if (::poll(&answered, 1, 5) != 0 || !connection.send("x")) break;
  EXPECT_NE(answered.revents, 0) << "while octets still came";
  EXPECT_EQ(connection.read_response().status, 408);
}

TEST(SessionDeadline, OfSilenceFromTheStart) {
  ServerLimits limits;
  limits.header = 60ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  EXPECT_TRUE(connection.is_closed());  // nothing was asked, so nothing is answered
}

TEST(SessionDeadline, OfTheBody) {  // H-24
  ServerLimits limits;
  limits.body = 60ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(connection.read_response().status, 408);
  EXPECT_TRUE(connection.is_closed());
}

TEST(SessionDeadline, OfAnIdleConnection) {  // H-26
  ServerLimits limits;
  limits.idle = 60ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send(get("/hello"));
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_TRUE(connection.is_closed());
}

TEST(SessionDeadline, OfAReaderThatDoesNotRead) {  // H-25
  ServerLimits limits;
  limits.write = 100ms;
  limits.linger = 50ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port(), 4096);
  connection.send(get("/big"));
  EXPECT_TRUE(test::eventually([&] { return serving.lines.has("/big"); }));
  EXPECT_TRUE(test::eventually([&] { return serving.listener().connections() == 0; }));
}

// --- a least speed: whoever is slower does not hold a connection until its deadline

ServerLimits least_speed() {
  ServerLimits limits;  // whose deadlines are ten seconds and more
  limits.slow_start = 100ms;
  limits.bytes_per_second = 1000;
  return limits;
}

// Sends `begin`, then an octet now and then: some hundred in a second. How long the server listens.
std::chrono::milliseconds trickle(std::uint16_t port, std::string const& begin) {
  auto connection = connect_raw(port);
  auto const since = std::chrono::steady_clock::now();
  connection.send(begin);
  pollfd answered{connection.fd(), POLLIN, 0};
  while (::poll(&answered, 1, 5) == 0 && connection.send("x")) continue;
  EXPECT_EQ(connection.read_response().status, 408);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
}

TEST(SessionSpeed, OfAHeader) {  // H-27
  Serving serving(least_speed());
  EXPECT_LT(trickle(serving.port(), "GET / HTTP/1.1\r\nHost: a\r\nX: "), 5s);
}

TEST(SessionSpeed, OfABody) {  // H-27
  Serving serving(least_speed());
  EXPECT_LT(trickle(serving.port(), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"), 5s);
}

TEST(SessionSpeed, OfAReader) {  // H-27
  auto limits = least_speed();
  limits.bytes_per_second = 1'000'000'000;
  limits.linger = 50ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port(), 4096);
  connection.send(get("/big"));
  EXPECT_TRUE(test::eventually([&] { return serving.lines.has("/big"); }));
  EXPECT_TRUE(test::eventually([&] { return serving.listener().connections() == 0; }));
}

// Who keeps up is served, though it takes longer than the start: a second here.
TEST(SessionSpeed, IsAMatterOfTheOctetsSoFar) {
  auto limits = least_speed();
  limits.slow_start = 1s;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n");
  pollfd answered{connection.fd(), POLLIN, 0};
  for (int i = 0; i < 300; ++i) {
    connection.send(std::string(100, 'x'));
    ::poll(&answered, 1, 5);
    ASSERT_TRUE(answered.revents == 0 || i == 299) << "answered after " << i;
  }
  EXPECT_EQ(connection.read_response().status, 200);
}

TEST(SessionDeadline, OfTheHandler) {
  ServerLimits limits;
  limits.handler = 60ms;
  Serving serving(limits);
  auto connection = connect_raw(serving.port());
  connection.send(get("/never"));
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("Retry-After"), "10");
  EXPECT_TRUE(serving.lines.has("net.handler_deadline"));
  EXPECT_TRUE(connection.is_closed());
}

TEST(SessionDeadline, OfTheHandshake) {  // H-31
  ServerLimits limits;
  limits.handshake = 60ms;
  Serving serving(limits, true);
  auto connection = connect_raw(serving.port());
  EXPECT_TRUE(connection.is_closed());
}

TEST(Session, LetsTheHandlerEndAfterTheClientIsGone) {
  Serving serving;
  {
    auto connection = connect_raw(serving.port());
    connection.send(get("/slow"));
    EXPECT_TRUE(test::eventually([&] { return serving.slow_began(); }));
    connection.reset();
  }
  serving.release();
  EXPECT_TRUE(test::eventually([&] { return serving.listener().connections() == 0; }));
}

// --- TLS ---

TEST(SessionTls, ServesRequests) {
  Serving serving({}, true);
  auto connection = connect_tls(serving.port());
  ASSERT_NE(connection.ssl(), nullptr);
  for (int i = 0; i < 3; ++i) {
    connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    auto const response = connection.read_response();
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.header("X-Peer"), "127.0.0.1 tls");
  }
}

TEST(SessionTls, EndsWithACloseNotify) {
  Serving serving({}, true);
  auto connection = connect_tls(serving.port());
  ASSERT_NE(connection.ssl(), nullptr);
  connection.send(get("/hello", "Connection: close\r\n"));
  EXPECT_EQ(connection.read_response().body, "hello");
  EXPECT_TRUE(connection.is_closed());
  EXPECT_NE(SSL_get_shutdown(connection.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST(SessionTls, SendsALargeBodyWhole) {
  Serving serving({}, true);
  auto connection = connect_tls(serving.port());
  ASSERT_NE(connection.ssl(), nullptr);
  connection.send(get("/big"));
  EXPECT_EQ(connection.read_response().body.size(), 16U * 1024 * 1024);
}

TEST(SessionTls, RefusesOldVersions) {  // H-34
  Serving serving({}, true);
  auto old = connect_tls(serving.port(), [](SSL* ssl) {
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
  });
  EXPECT_EQ(old.ssl(), nullptr);
  auto good = connect_tls(serving.port(), [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  ASSERT_NE(good.ssl(), nullptr);
  EXPECT_STREQ(SSL_get_version(good.ssl()), "TLSv1.2");
}

TEST(SessionTls, GivesNoTickets) {  // H-39
  Serving serving({}, true);
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto connection = connect_tls(serving.port(), [&](SSL* ssl) { SSL_set_max_proto_version(ssl, version); });
    ASSERT_NE(connection.ssl(), nullptr);
    connection.send(get("/hello"));
    connection.read_response();
    EXPECT_FALSE(SSL_SESSION_has_ticket(SSL_get_session(connection.ssl())));
  }
}

TEST(SessionTls, RefusesRenegotiation) {  // H-32
  Serving serving({}, true);
  auto connection = connect_tls(serving.port(), [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  ASSERT_NE(connection.ssl(), nullptr);
  SSL_renegotiate(connection.ssl());
  EXPECT_NE(SSL_do_handshake(connection.ssl()), 1);
}

TEST(SessionTls, SurvivesPlainHttp) {
  ServerLimits limits;
  limits.linger = 50ms;
  Serving serving(limits, true);
  auto connection = connect_raw(serving.port());
  connection.send(get("/hello"));
  EXPECT_EQ(connection.read_all().find("HTTP"), std::string::npos);
  auto again = connect_tls(serving.port());
  again.send(get("/hello"));
  EXPECT_EQ(again.read_response().body, "hello");
}

}  // namespace
}  // namespace lenscap::net
