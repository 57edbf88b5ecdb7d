// The agent's ACME client, with its http-01, against Debian's Pebble, the test server of Let's Encrypt: 50 orders, four
// at once, while Pebble refuses one nonce of twenty, sleeps before it validates and reuses authorizations as it likes.
// Every order has to end with a certificate, of which openssl believes the chain. Keys and requests are openssl's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "agent/client/obtain.h"
#include "agent/solvers/http_responder.h"
#include "base/net/io_threads.h"
#include "tests/fakes/ca_process.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/free_port.h"

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kOrders = 50;
constexpr int kAtOnce = 4;  // under many workers Pebble locks up

struct Wanted {
  x509::NameSet names;
  Bytes csr_der;
};
struct Outcome {
  std::string error;
  std::vector<x509::Certificate> chain;
};

class Pebble : public ::testing::Test {
 protected:
  // Without it nothing is shown: a skipped test is fine on a desk, and a lie in CI.
  bool has_pebble() {
    if (programs.run({"sh", "-c", "command -v pebble"}).code == 0) return true;
    auto const* ci = std::getenv("CI");
    EXPECT_FALSE(ci != nullptr && std::string_view(ci) == "true") << "CI must have pebble: ./dev setup";
    return false;
  }

  void start() {
    ASSERT_TRUE(responder.listen(threads, "127.0.0.1", 0, Log::nowhere()).ok());
    auto const made = programs.run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                    "-nodes", "-keyout", dir.path("tls.key"), "-out", dir.path("tls.pem"), "-days", "2",
                                    "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1"});
    ASSERT_EQ(made.code, 0) << made.all();
    std::ofstream(dir.path("pebble.json"))
        << R"({"pebble": {"listenAddress": ")" << at << R"(", "managementListenAddress": ")" << management
        << R"(", "certificate": ")" << dir.path("tls.pem") << R"(", "privateKey": ")" << dir.path("tls.key")
        << R"(", "httpPort": )" << responder.port() << R"(, "tlsPort": )" << fakes::free_port()
        << R"(, "ocspResponderURL": "", "externalAccountBindingRequired": false}})";
    auto const resolver = dns.resolver();
    // Five of a hundred nonces, as by default; sleeps of up to a second (it draws below the number).
    std::vector<std::string> const words{"env",
                                         "PEBBLE_WFE_NONCEREJECT=5",
                                         "PEBBLE_VA_SLEEPTIME=2",
                                         "pebble",
                                         "-config",
                                         dir.path("pebble.json"),
                                         "-dnsserver",
                                         "127.0.0.1:" + resolver.substr(resolver.find('@') + 1)};
    server = std::make_unique<e2e::Background>(words, dir.path("log"));
    auto const answers = [&] {
      return programs.run({"curl", "-sf", "--noproxy", "*", "--cacert", dir.path("tls.pem"), directory()}).code == 0;
    };
    ASSERT_TRUE(e2e::until(answers)) << server->log();
  }
  ~Pebble() override { responder.stop(); }

  std::string directory() const { return "https://" + at + "/dir"; }

  Wanted want(int number) {
    Wanted wanted;
    auto const name = "cam" + std::to_string(number) + ".cams.example";
    dns.set(name, {"127.0.0.1"});
    wanted.names.dns.insert(x509::DnsName::parse(name).value());
    std::string alternative = "DNS:" + name;
    if (number % 5 == 0) {  // RFC 8738
      wanted.names.ip.insert(x509::IpAddress::parse("127.0.0.1").value());
      alternative += ",IP:127.0.0.1";
    }
    auto const made = programs.run({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                    "-nodes", "-keyout", dir.path("camera.key"), "-outform", "DER", "-out",
                                    dir.path("camera.csr"), "-subj", "/", "-addext", "subjectAltName=" + alternative});
    EXPECT_EQ(made.code, 0) << made.all();
    wanted.csr_der = to_bytes(fakes::CaProcess::read(dir.path("camera.csr")));
    return wanted;
  }

  // As HttpClient, and counts what it would be silent about.
  net::Awaitable<Result<net::ClientResponse>> fetch(net::ClientRequest request) {
    auto answer = co_await http.fetch(std::move(request));
    if (answer.ok() && answer->body.find("badNonce") != std::string::npos) ++bad_nonces;
    if (answer.ok() && answer->headers.find("Retry-After") != nullptr) ++retry_afters;
    co_return answer;
  }

  net::Awaitable<> work(agent::AcmeClient& client) {
    agent::SolverTools solvers;
    solvers.http = &responder;
    while (next < orders.size()) {
      auto const number = next++;
      outcomes[number] = co_await order(client, orders[number], solvers);
    }
    --workers;
  }
  net::Awaitable<Outcome> order(agent::AcmeClient& client, Wanted const& one, agent::SolverTools solvers) {
    auto csr = x509::parse_csr(one.csr_der);
    if (!csr.ok()) co_return Outcome{csr.error().detail(), {}};
    auto url = co_await agent::place_order(client, one.names, "", "");
    if (!url.ok()) co_return Outcome{url.error().detail(), {}};
    agent::CompleteOrder request{.order_url = *url, .names = one.names, .csr = *csr};
    agent::Sleep const sleep = [](Seconds time) { return net::sleep_for(time); };
    auto chain = co_await agent::complete_order(client, std::move(request), solvers, sleep, clock);
    if (!chain.ok()) co_return Outcome{chain.error().detail(), {}};
    auto const fits = agent::check_issued(*chain, *csr, one.names, roots, clock.now());
    if (!fits.ok()) co_return Outcome{fits.error().detail(), {}};
    co_return Outcome{"", *std::move(chain)};
  }
  net::Awaitable<> work_together(agent::AcmeClient& client) {
    auto const loop = co_await boost::asio::this_coro::executor;
    workers = kAtOnce;
    for (int i = 0; i < kAtOnce; ++i) net::spawn(loop, work(client));
    while (workers > 0) co_await net::sleep_for(std::chrono::milliseconds(50));
  }

  fakes::TempDir dir;
  e2e::Programs programs;
  fakes::DnsServer dns;
  std::string const at = "127.0.0.1:" + std::to_string(fakes::free_port());
  std::string const management = "127.0.0.1:" + std::to_string(fakes::free_port());
  std::unique_ptr<e2e::Background> server;
  SystemClock clock;
  x509::PrivateKey account_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  std::vector<x509::Certificate> roots;
  std::vector<Wanted> orders;
  std::vector<Outcome> outcomes;
  std::size_t next = 0;
  int workers = 0;
  int bad_nonces = 0;
  int retry_afters = 0;
  agent::HttpResponder responder;
  net::IoThreads threads{1};
  net::HttpClient http{threads.next()};
};

TEST_F(Pebble, FiftyOrdersOfFifty) {
  if (!has_pebble()) GTEST_SKIP() << "pebble is not installed (./dev setup)";
  start();
  for (int i = 0; i < kOrders; ++i) orders.push_back(want(i));
  outcomes.resize(orders.size());

  auto const root = programs.run({"curl", "-sf", "--noproxy", "*", "--cacert", dir.path("tls.pem"), "--output",
                                  dir.path("root.pem"), "https://" + management + "/roots/0"});
  ASSERT_EQ(root.code, 0) << root.all();
  roots = x509::parse_pem_chain(fakes::CaProcess::read(dir.path("root.pem"))).value();
  std::vector<x509::Certificate> const tls = x509::parse_pem_chain(fakes::CaProcess::read(dir.path("tls.pem"))).value();
  auto const counting = [this](net::ClientRequest request) { return fetch(std::move(request)); };
  agent::AcmeClient client(counting, {directory(), tls}, account_key, "");
  auto const account = net::run(threads.next(), client.new_account("", {}));
  ASSERT_TRUE(account.ok()) << account.error().detail();
  net::run_until_done(threads.next(), work_together(client));

  int good = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].error, "") << orders[i].names.text();
    if (outcomes[i].chain.empty()) continue;
    std::ofstream(dir.path("leaf.pem")) << outcomes[i].chain.front().pem();
    std::ofstream(dir.path("chain.pem")) << x509::to_pem(outcomes[i].chain);
    auto const verified = programs.run({"openssl", "verify", "-purpose", "sslserver", "-verify_hostname",
                                        orders[i].names.dns.begin()->text(), "-CAfile", dir.path("root.pem"),
                                        "-untrusted", dir.path("chain.pem"), dir.path("leaf.pem")});
    EXPECT_EQ(verified.code, 0) << verified.all();
    if (verified.code == 0) ++good;
  }
  EXPECT_EQ(good, kOrders);
  // What was to be survived did happen.
  EXPECT_GT(bad_nonces, 0);
  EXPECT_THAT(server->log(), HasSubstr("Sleeping for"));
  RecordProperty("bad_nonces", bad_nonces);
  RecordProperty("retry_afters", retry_afters);
  std::printf("%d of %d orders; %d nonces were refused, %d answers had Retry-After\n", good, kOrders, bad_nonces,
              retry_afters);
  EXPECT_TRUE(server->alive());
}

}  // namespace
}  // namespace lenscap
