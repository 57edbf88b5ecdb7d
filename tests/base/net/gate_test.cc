// What becomes of requests while the router behind their connections is exchanged.
#include "base/net/gate.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/net/listener.h"
#include "serving.h"

namespace lenscap::net {
namespace {

using namespace std::chrono_literals;
using test::connect_raw;
using test::eventually;

constexpr char const* kWho = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n";

Router answers(std::string text) {
  Router router([text](int status, std::string detail) {
    Response response;
    response.status = status;
    response.body = text + ": " + detail;
    return response;
  });
  router.add_plain(Method::get, "/who", [text](Request const&) {
    Response response;
    response.body = text;
    return response;
  });
  return router;
}

TEST(Gate, LetsInWhileItIsOpen) {
  auto const one = answers("one");
  Gate gate(one);
  {
    auto const pass = gate.enter();
    ASSERT_TRUE(pass);
    EXPECT_EQ(&pass.router(), &one);
    EXPECT_FALSE(gate.close(0ms)) << "somebody is inside";
    EXPECT_FALSE(gate.enter());
  }
  EXPECT_TRUE(gate.close(0ms));
  auto const two = answers("two");
  gate.open(two);
  EXPECT_EQ(&gate.enter().router(), &two);
}

TEST(Gate, ACopyOfAPassIsAPass) {
  auto const one = answers("one");
  Gate gate(one);
  auto first = gate.enter();
  {
    auto const second = first;
    first = {};
    EXPECT_TRUE(second);
    EXPECT_FALSE(gate.close(0ms));
    auto const moved = second;
  }
  EXPECT_TRUE(gate.close(0ms));
}

TEST(Gate, CloseWaitsForTheLastToLeave) {
  auto const one = answers("one");
  Gate gate(one);
  std::atomic<bool> has_left = false;
  auto pass = gate.enter();
  std::thread leaves([&] {
    ASSERT_TRUE(eventually([&] { return !gate.enter(); }));
    has_left = true;
    pass = {};
  });
  EXPECT_TRUE(gate.close(60s));
  EXPECT_TRUE(has_left);
  leaves.join();
}

TEST(Gate, WakesOnceWhoeverWaits) {
  auto const one = answers("one");
  Gate gate;
  int woken = 0;
  gate.when_open([&] { ++woken; });
  EXPECT_EQ(woken, 0);
  gate.open(one);
  EXPECT_EQ(woken, 1);
  gate.when_open([&] { ++woken; });
  EXPECT_EQ(woken, 2) << "it is open";
  EXPECT_TRUE(gate.close(0ms));
  gate.open(one);
  EXPECT_EQ(woken, 2);
}

// Nobody is ever inside a router that its owner was told is left.
TEST(Gate, ManyThreadsAndManyRouters) {
  Gate gate;
  std::atomic<bool> stop = false;
  std::atomic<Router const*> alive = nullptr;
  std::atomic<int> wrong = 0, entered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        auto const pass = gate.enter();
        if (!pass) continue;
        ++entered;
        if (&pass.router() != alive) ++wrong;
      }
    });
  for (int i = 0; i < 200; ++i) {
    auto const router = answers("one");
    alive = &router;
    gate.open(router);
    auto const before = entered.load();
    EXPECT_TRUE(eventually([&] { return entered > before; }));
    EXPECT_TRUE(gate.close(60s));
    alive = nullptr;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// --- behind a listener ---

class GateOfAListener : public ::testing::Test {
 protected:
  std::uint16_t open(ServerLimits limits = {}) {
    listener = Listener::open(threads, {.limits = limits}, gate, Log::nowhere()).value();
    return listener->port();
  }
  Router one = answers("one"), two = answers("two");
  Gate gate{one};
  IoThreads threads;
  std::unique_ptr<Listener> listener;
};

TEST_F(GateOfAListener, ARequestWaitsAndItsConnectionStays) {
  auto const port = open();
  auto connection = connect_raw(port);
  connection.send(kWho);
  EXPECT_EQ(connection.read_response().body, "one");
  ASSERT_TRUE(gate.close(60s));
  connection.send(kWho);
  auto other = connect_raw(port);
  other.send(kWho);
  EXPECT_TRUE(eventually([&] { return listener->connections() == 2; }));
  gate.open(two);
  EXPECT_EQ(connection.read_response().body, "two");
  EXPECT_EQ(other.read_response().body, "two");
}

TEST_F(GateOfAListener, NobodyWaitsForEver) {
  ServerLimits limits;
  limits.handler = 50ms;
  auto const port = open(limits);
  ASSERT_TRUE(gate.close(60s));
  auto connection = connect_raw(port);
  connection.send(kWho);
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("Retry-After"), "10");
  EXPECT_EQ(response.header("Connection"), "close");
}

TEST_F(GateOfAListener, WhatIsNoRequestIsRefusedWithoutWaiting) {
  auto const port = open();
  ASSERT_TRUE(gate.close(60s));
  auto connection = connect_raw(port);
  connection.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 400);
}

TEST_F(GateOfAListener, AConnectionThatEndsWhileItWaitsIsLetGo) {
  auto const port = open();
  ASSERT_TRUE(gate.close(60s));
  auto connection = connect_raw(port);
  connection.send(kWho);
  EXPECT_TRUE(eventually([&] { return listener->connections() == 1; }));
  listener->stop();
  EXPECT_EQ(listener->connections(), 0U);
  gate.open(two);
}

}  // namespace
}  // namespace lenscap::net
