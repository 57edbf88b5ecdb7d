#include "base/net/listener.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "serving.h"

namespace lenscap::net {
namespace {

using namespace std::chrono_literals;
using test::connect_raw;
using test::connect_tls;
using test::eventually;
using test::Serving;

constexpr std::string_view kHello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

std::string served_leaf(test::RawConnection const& connection) {
  ossl::X509Ptr const leaf(SSL_get1_peer_certificate(connection.ssl()));
  return to_hex(x509::Certificate::from_native(leaf.get()).value().fingerprint());
}

std::string leaf_of(std::string const& name) { return to_hex(test::chain_of(name).front().fingerprint()); }

TEST(Listener, RefusesAnAddressThatIsNone) {
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  Gate gate(router);
  IoThreads threads;
  ListenerSettings settings;
  settings.address = "nowhere";
  auto const opened = Listener::open(threads, settings, gate, Log::nowhere());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::settings);
}

TEST(Listener, RefusesAPortThatIsTaken) {
  Serving serving;
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  Gate gate(router);
  IoThreads threads;
  ListenerSettings settings;
  settings.port = serving.port();
  auto const opened = Listener::open(threads, settings, gate, Log::nowhere());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::settings);
}

// What the default settings ask for. The port is free for IPv4; that IPv6 has it too is likely, not certain.
TEST(Listener, ServesBothFamiliesOnOnePort) {
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  Gate gate(router);
  IoThreads threads;
  ListenerSettings settings;
  std::string why;
  for (int attempt = 0; attempt < 20; ++attempt) {
    settings.address = "0.0.0.0";
    settings.port = 0;
    auto const v4 = Listener::open(threads, settings, gate, Log::nowhere());
    ASSERT_TRUE(v4.ok());
    settings.address = "::";
    settings.port = (*v4)->port();
    auto const v6 = Listener::open(threads, settings, gate, Log::nowhere());
    if (v6.ok()) return;
    why = v6.error().detail();
    if (why.find("Address family not supported") != std::string::npos) GTEST_SKIP() << "this machine has no IPv6";
  }
  FAIL() << why;
}

TEST(Listener, ServesManyAtOnceOnSeveralThreads) {
  Serving serving({}, true, 3);
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        auto connection = connect_tls(serving.port());
        for (int n = 0; n < 5; ++n) {
          connection.send(kHello);
          if (connection.read_response().body == "hello") ++good;
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(good, 150);
}

TEST(Listener, CapsConnectionsOfOneAddress) {  // H-28
  ServerLimits limits;
  limits.connections_per_address = 3;
  Serving serving(limits);
  std::vector<test::RawConnection> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(connect_raw(serving.port()));
    open.back().send(kHello);
    EXPECT_EQ(open.back().read_response().status, 200);
  }
  auto fourth = connect_raw(serving.port());
  EXPECT_TRUE(fourth.is_closed());
  EXPECT_TRUE(serving.lines.has("net.too_many_connections"));
  open.pop_back();
  EXPECT_TRUE(eventually([&] { return serving.listener().connections() == 2; }));
  auto fifth = connect_raw(serving.port());
  fifth.send(kHello);
  EXPECT_EQ(fifth.read_response().status, 200);
}

TEST(Listener, LetsOthersWaitWhenAllConnectionsAreTaken) {  // H-29
  ServerLimits limits;
  limits.connections = 2;
  Serving serving(limits);
  std::vector<test::RawConnection> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(connect_raw(serving.port()));
    open.back().send(kHello);
    EXPECT_EQ(open.back().read_response().status, 200);
  }
  auto third = connect_raw(serving.port());  // the kernel's queue takes it
  third.send(kHello);
  EXPECT_TRUE(eventually([&] { return serving.lines.has("net.full"); }));
  EXPECT_EQ(serving.listener().connections(), 2U);
  open.clear();
  EXPECT_EQ(third.read_response().status, 200);
}

int descriptors_in_use() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

TEST(Listener, OutlivesALackOfDescriptors) {  // H-30
  Serving serving;
  auto before = connect_raw(serving.port());
  before.send(kHello);
  EXPECT_EQ(before.read_response().status, 200);
  std::vector<test::RawConnection> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(connect_raw(serving.port()));
  EXPECT_TRUE(eventually([&] { return serving.listener().connections() == 3; }));
  // One more descriptor for the client's own end, none for the server's
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  int const highest = dup(0);
  close(highest);
  rlimit const tight{static_cast<rlim_t>(highest) + 1, old.rlim_max};
  ASSERT_LE(highest, descriptors_in_use() + 16);
  setrlimit(RLIMIT_NOFILE, &tight);
  auto shed = connect_raw(serving.port());
  bool const closed = shed.fd() >= 0 && shed.is_closed();
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_TRUE(closed);
  EXPECT_TRUE(eventually([&] { return serving.lines.has("net.no_descriptors"); }));
  auto after = connect_raw(serving.port());
  after.send(kHello);
  EXPECT_EQ(after.read_response().status, 200);
  before.send(kHello);
  EXPECT_EQ(before.read_response().status, 200);
}

TEST(Listener, TakesASocketOfTheSupervisor) {
  int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(fd, 4), 0);  // any address, any port
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  Gate gate(router);
  IoThreads threads;
  ListenerSettings settings;
  settings.inherited_socket = fd;
  auto const listener = Listener::open(threads, settings, gate, Log::nowhere()).value();
  auto connection = connect_raw(listener->port());
  connection.send(kHello);
  EXPECT_EQ(connection.read_response().status, 404);
}

// --- stopping ---

TEST(ListenerStop, ClosesIdleConnectionsAtOnce) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send(kHello);
  EXPECT_EQ(connection.read_response().status, 200);
  std::thread stopper([&] { serving.listener().stop(); });
  EXPECT_TRUE(connection.is_closed());
  connection = {};
  stopper.join();
  EXPECT_EQ(connect_raw(serving.port()).fd(), -1);
}

TEST(ListenerStop, AnswersWhoHasOnlyJustCome) {
  ServerLimits limits;
  limits.linger = limits.stop_gently = 1h;
  Serving serving(limits);
  auto fresh = connect_raw(serving.port());
  EXPECT_TRUE(eventually([&] { return serving.listener().connections() == 1; }));
  auto kept = connect_raw(serving.port());
  kept.send(kHello);
  EXPECT_EQ(kept.read_response().status, 200);
  std::thread stopper([&] { serving.listener().stop(); });
  EXPECT_TRUE(kept.is_closed());
  fresh.send(kHello);
  EXPECT_EQ(fresh.read_response().status, 200);
  EXPECT_TRUE(fresh.is_closed());
  fresh = {};  // both sides have to let go before linger is over
  kept = {};
  stopper.join();
}

TEST(ListenerStop, DoesNotWaitForWhoSaysNothing) {
  ServerLimits limits;
  limits.linger = 50ms;
  limits.header = limits.stop_gently = 1h;
  Serving serving(limits);
  auto silent = connect_raw(serving.port());
  EXPECT_TRUE(eventually([&] { return serving.listener().connections() == 1; }));
  std::thread stopper([&] { serving.listener().stop(); });
  EXPECT_TRUE(silent.is_closed());
  silent = {};
  stopper.join();
}

TEST(ListenerStop, LetsARequestInProgressEnd) {
  Serving serving;
  auto connection = connect_raw(serving.port());
  connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return serving.slow_began(); }));
  std::thread stopper([&] { serving.listener().stop(); });
  EXPECT_TRUE(eventually([&] { return connect_raw(serving.port()).fd() < 0; }));
  serving.release();
  auto const response = connection.read_response();
  EXPECT_EQ(response.body, "slow");
  EXPECT_EQ(response.header("Connection"), "close");
  connection = {};
  stopper.join();
}

TEST(ListenerStop, EndsAConnectionWhoseAnswerWasBeingWritten) {
  ServerLimits limits;
  limits.stop_gently = 1h;
  Serving serving(limits);
  auto connection = connect_raw(serving.port(), 4096);
  connection.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return serving.lines.has("/big"); }));  // noted before it is written
  std::thread stopper([&] { serving.listener().stop(); });
  EXPECT_TRUE(eventually([&] { return connect_raw(serving.port()).fd() < 0; }));
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Connection"), "keep-alive");  // so that the client waits, too
  EXPECT_TRUE(connection.is_closed());
  connection = {};
  stopper.join();
}

TEST(ListenerStop, EndsTheRestHard) {
  ServerLimits limits;
  limits.stop_gently = 50ms;
  Serving serving(limits);
  auto handling = connect_raw(serving.port());
  handling.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  auto reading = connect_raw(serving.port());
  reading.send("GET /never HTTP/1.1\r\nHo");
  auto writing = connect_raw(serving.port(), 4096);
  writing.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return serving.listener().connections() == 3 && serving.lines.has("/big"); }));
  serving.listener().stop();
  EXPECT_EQ(serving.listener().connections(), 0U);
  EXPECT_TRUE(handling.is_closed());
  EXPECT_TRUE(reading.is_closed());
}

TEST(ListenerStop, WorksAfterTheThreadsEnded) {
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  Gate gate(router);
  IoThreads threads;
  auto const listener = Listener::open(threads, {}, gate, Log::nowhere()).value();
  auto connection = connect_raw(listener->port());
  EXPECT_TRUE(eventually([&] { return listener->connections() == 1; }));
  threads.stop();
  threads.join();
  listener->stop();
}

// --- the certificate ---

TEST(TlsServerContext, RefusesAForeignKey) {
  auto const made = TlsServerContext::make(test::chain_of("server.pem"), test::key_of("second.key"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Errc::tls);
  EXPECT_FALSE(TlsServerContext::make({}, test::key_of("second.key")));
}

TEST(TlsServerContext, IsReplacedWhileServing) {
  Serving serving({}, true);
  auto before = connect_tls(serving.port());
  ASSERT_NE(before.ssl(), nullptr);
  EXPECT_EQ(served_leaf(before), leaf_of("server.pem"));
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(before.ssl())), 2);

  EXPECT_FALSE(serving.tls().replace(test::chain_of("second.pem"), test::key_of("server.key")));
  EXPECT_EQ(served_leaf(connect_tls(serving.port())), leaf_of("server.pem"));

  ASSERT_TRUE(serving.tls().replace(test::chain_of("second.pem"), test::key_of("second.key")));
  EXPECT_EQ(served_leaf(connect_tls(serving.port())), leaf_of("second.pem"));
  before.send(kHello);
  EXPECT_EQ(before.read_response().body, "hello");
}

}  // namespace
}  // namespace lenscap::net
