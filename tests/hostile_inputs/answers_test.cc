// Table V of hostile inputs: what a host or a resolver may answer to a validation. What comes is bounded in size and
// time, proves nothing, and none of it is repeated: not in a challenge, an authorization, an order, nor in the log.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "acme/wire/key_authorization.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/scripted_server.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

using fakes::http_answer;

constexpr std::string_view kSecret = "s3cr3t-of-the-intranet";

class HostileAnswers : public ::testing::Test {
 protected:
  using Talk = std::function<void(int peer)>;
  std::mutex mutex;
  Talk talk;  // of the next connection; one that is being talked to keeps its own
  fakes::SocketServer device{[this](int peer) {
    Talk now;
    {
      std::lock_guard const lock(mutex);
      now = talk;
    }
    now(peer);
  }};
  fakes::DnsServer dns;
  ServerOnWire on_wire{"http_port = " + std::to_string(device.port()) +
                       "\ntls_port = " + std::to_string(device.port()) +
                       "\nredirects = true\nmay_reach = [\"127.0.0.0/8\"]\nresolver = [\"" + dns.resolver() + "\"]\n"};
  Client client = on_wire.client(scope());
  int orders = 0;

  static acme::Scope scope() {
    acme::Scope scope;
    scope.prove_dns = {x509::DnsName::parse("example").value()};
    return scope;
  }
  void answer_by(Talk next) {
    std::lock_guard const lock(mutex);
    talk = std::move(next);
  }
  // Reads the request's head, then sends these octets.
  void answer_with(std::string octets) {
    answer_by([octets = std::move(octets)](int peer) {
      read_head(peer);
      for (std::size_t sent = 0; sent < octets.size();) {
        auto const n = ::send(peer, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return;
        sent += static_cast<std::size_t>(n);
      }
      ::shutdown(peer, SHUT_WR);
    });
  }
  static std::string read_head(int peer) {
    std::string head;
    char buffer[2048];
    while (head.find("\r\n\r\n") == std::string::npos) {
      auto const got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0) return head;
      head.append(buffer, static_cast<std::size_t>(got));
    }
    return head;
  }
  // With what the client's key authorizes, octet by octet.
  void answer_well(int peer, std::string const& tail) const {
    auto const head = read_head(peer);
    auto const begin = head.find("/.well-known/acme-challenge/") + 28;
    auto const token = head.substr(begin, head.find(' ', begin) - begin);
    auto const answer = http_answer(acme::key_authorization(token, client.key.public_key()) + tail);
    for (char const octet : answer) (void)::send(peer, &octet, 1, MSG_NOSIGNAL);
  }
  std::string challenge_of(std::string const& authorization, std::string const& type) {
    auto const object = client.read(authorization).object();
    for (auto const& challenge : *object.find("challenges")->as_array())
      if (json::need_string(*challenge.as_object(), "type").value() == type)
        return json::need_string(*challenge.as_object(), "url").value();
    ADD_FAILURE() << "no challenge " << type;
    return "";
  }
  Answer wait_for(std::string const& url) {
    for (int i = 0; i < 4000; ++i) {
      auto answer = client.read(url);
      if (answer.text("status") != "pending" && answer.text("status") != "processing") return answer;
      net::run_until_done(on_wire.server().app->threads.executor(0), net::sleep_for(std::chrono::milliseconds(5)));
    }
    ADD_FAILURE() << "no end";
    return {};
  }
  // A new order for a name that resolves to the device, by this challenge, to its end: everything that can be read of
  // it, and everything that was logged.
  struct Outcome {
    std::string status;   // of the authorization
    std::string problem;  // of the challenge, without its URN
    std::string readable, log;
  };
  Outcome prove_by(std::string const& type) {
    auto const name = "cam" + std::to_string(++orders) + ".example";
    dns.set(name, {"127.0.0.1"});
    return prove_by(type, name);
  }
  Outcome prove_by(std::string const& type, std::string const& name) {
    auto const before = on_wire.server().log_lines().size();
    auto const order = client.new_order({name});
    EXPECT_EQ(order.status, 201) << order.body;
    auto const url = acme::test::first_text(order.object(), "authorizations");
    auto const challenge_url = challenge_of(url, type);
    EXPECT_EQ(client.post(challenge_url, "{}").status, 200);
    auto const authorization = wait_for(url);
    auto const challenge = client.read(challenge_url);
    Outcome outcome{authorization.text("status"), "", authorization.body + challenge.body, ""};
    auto const object = challenge.object();
    if (auto const* error = object.find("error"))
      outcome.problem = json::need_string(*error->as_object(), "type").value().substr(27);
    outcome.readable += client.read(order.header("Location")).body;
    auto const lines = on_wire.server().log_lines();
    for (std::size_t i = before; i < lines.size(); ++i) outcome.log += lines[i] + "\n";
    return outcome;
  }
  static void expect_untold(Outcome const& outcome, std::string const& what) {
    EXPECT_EQ(outcome.status, "invalid") << what;
    EXPECT_FALSE(outcome.problem.empty()) << what;
    EXPECT_EQ(outcome.readable.find(kSecret), std::string::npos) << what << outcome.readable;
    EXPECT_EQ(outcome.log.find(kSecret), std::string::npos) << what << outcome.log;
    EXPECT_FALSE(outcome.log.empty()) << what;
  }
};

TEST_F(HostileAnswers, OverHttpNothingIsRepeated) {  // V-28 V-31 V-32, K-06
  auto const secret = std::string(kSecret);
  struct Case {
    char const* name;
    std::string answer;
  };
  for (auto const& c : {
           Case{"body", http_answer(secret)},
           Case{"long body", http_answer(std::string(5000, 'x') + secret)},
           Case{"129 octets", http_answer(secret + std::string(129 - secret.size(), 'x'))},
           Case{"204", "HTTP/1.1 204 " + secret + "\r\n\r\n"},
           Case{"reason", http_answer("x", "404 " + secret)},
           Case{"status 999", http_answer(secret, "999 " + secret)},
           Case{"field", http_answer("x", "200 OK", "X-Internal: " + secret + "\r\n")},
           Case{"field's name", http_answer("x", "200 OK", secret + ": x\r\n")},
           Case{"redirect", http_answer("x", "302 Found", "Location: http://" + secret + ".example/\r\n")},
           Case{"redirect to nowhere", http_answer("x", "302 Found", "Location: http://" + secret + "/\r\n")},
           Case{"redirect to a file", http_answer("x", "302 Found", "Location: file:///" + secret + "\r\n")},
           Case{"redirect to a port", http_answer("x", "302 Found", "Location: http://a.example:1/" + secret + "\r\n")},
           Case{"no HTTP", "+PONG " + secret + "\r\n"},
           Case{"no status", "HTTP/1.1 " + secret + "\r\n\r\n"},
           Case{"broken chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n"},
           Case{"half a header", "HTTP/1.1 200 OK\r\nX: " + secret},
           Case{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: " + secret + "\r\n\r\nhello"},
       }) {
    answer_with(c.answer);
    expect_untold(prove_by("http-01"), c.name);
  }
}

TEST_F(HostileAnswers, OverTlsAndDnsNothingIsRepeated) {  // V-32
  auto const secret = std::string(kSecret);
  answer_by([&secret](int peer) { (void)::send(peer, secret.data(), secret.size(), MSG_NOSIGNAL); });
  expect_untold(prove_by("tls-alpn-01"), "no TLS");
  dns.set_records("_acme-challenge.txt.example", fakes::kDnsTxt, {fakes::dns_text(secret)});
  expect_untold(prove_by("dns-01", "txt.example"), "TXT");
  dns.set_cname("_acme-challenge.alias.example", secret + ".example");
  expect_untold(prove_by("dns-01", "alias.example"), "CNAME");
  dns.set_cname("alias.example", secret + ".example");
  expect_untold(prove_by("http-01", "alias.example"), "CNAME of the host");
}

// What has no end: the server takes a little of it and goes.
TEST_F(HostileAnswers, AreBounded) {  // V-23 V-24 V-27 V-29
  // Shared with those that still pour when this test is over.
  auto const sent = std::make_shared<std::atomic<std::size_t>>(0);
  auto const pour = [&](std::string const& head, std::string const& piece) {
    *sent = 0;
    answer_by([sent, head, piece](int peer) {
      read_head(peer);
      (void)::send(peer, head.data(), head.size(), MSG_NOSIGNAL);
      while (*sent < std::size_t{1} << 30) {
        auto const n = ::send(peer, piece.data(), piece.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        *sent += static_cast<std::size_t>(n);
      }
    });
  };
  struct Case {
    char const* name;
    std::string head, piece;
  };
  std::string const chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  for (auto const& c : {
           Case{"a gigabyte", "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", std::string(65'536, 'x')},
           Case{"to the end of the connection", "HTTP/1.1 200 OK\r\n\r\n", std::string(65'536, 'x')},
           Case{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk},
           Case{"small chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
           Case{"a chunk's extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                std::string(65'536, 'x')},
           Case{"a field", "HTTP/1.1 200 OK\r\nX: ", std::string(65'536, 'x')},
           Case{"fields", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
           Case{"interim answers", "", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"},
           Case{"a status line", "HTTP/1.1 200 ", std::string(65'536, 'x')},
           Case{"no HTTP", "", std::string(65'536, 'x')},
       }) {
    pour(c.head, c.piece);
    auto const outcome = prove_by("http-01");
    EXPECT_EQ(outcome.status, "invalid") << c.name;
    // What the kernels' buffers hold counts too; the server itself reads far less.
    EXPECT_LT(sent->load(), std::size_t{16} << 20) << c.name;
  }
}

// Nothing is unpacked: what is packed is asked for by nobody, and compared as it comes.
TEST_F(HostileAnswers, NothingIsUnpacked) {  // V-25
  std::string head;
  answer_by([&head](int peer) {
    head = read_head(peer);
    auto const answer = http_answer("\x1f\x8b\x08", "200 OK", "Content-Encoding: gzip\r\n");
    (void)::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  EXPECT_EQ(prove_by("http-01").problem, "incorrectResponse");
  EXPECT_NE(head.find("\r\nAccept-Encoding: identity\r\n"), std::string::npos) << head;
}

// Each of two authorizations of an order is proved at the same time: both are heard, and the second makes it ready.
TEST_F(HostileAnswers, TwoValidationsAtOnce) {  // B-03, B-04, K-01
  answer_by([this](int peer) { answer_well(peer, ""); });
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> const names{"a" + std::to_string(round) + ".example",
                                         "b" + std::to_string(round) + ".example"};
    for (auto const& name : names) dns.set(name, {"127.0.0.1"});
    auto const order = client.new_order(names);
    auto const urls = json::need_strings(order.object(), "authorizations").value();
    ASSERT_EQ(urls.size(), 2U);
    std::vector<std::thread> threads;
    for (auto const& url : urls) {
      auto const challenge = challenge_of(url, "http-01");
      threads.emplace_back([this, challenge] { EXPECT_EQ(client.post(challenge, "{}").status, 200); });
    }
    for (auto& thread : threads) thread.join();
    for (auto const& url : urls) EXPECT_EQ(wait_for(url).text("status"), "valid");
    // certbot finalizes without another look at the order.
    EXPECT_EQ(client.finalize(order.header("Location"), names).text("status"), "valid");
  }
}

// What a client waits by, while the next attempt is to come: whole seconds, and few.
TEST_F(HostileAnswers, RetryAfterIsAFewWholeSeconds) {  // K-04
  on_wire.server().app->validation.retry_pause = acme::Validation::kRetryPause;
  answer_with(http_answer("not yet"));
  dns.set("slow.example", {"127.0.0.1"});
  auto const order = client.new_order({"slow.example"});
  auto const url = acme::test::first_text(order.object(), "authorizations");
  auto const challenge = challenge_of(url, "http-01");
  auto const accepted = client.post(challenge, "{}");
  for (auto const& answer : {accepted, client.read(challenge), client.read(url)}) {
    EXPECT_EQ(answer.status, 200);
    auto const text = answer.header("Retry-After");
    EXPECT_TRUE(!text.empty() && text.find_first_not_of("0123456789") == text.npos && text.size() <= 3) << text;
    EXPECT_LE(std::atoi(text.c_str()), 600);
  }
  client.post(url, R"({"status":"deactivated"})");
}

// The answer is good with white space behind it, and in pieces, however a server may send it.
TEST_F(HostileAnswers, GoodOnesAreGood) {  // V-30
  for (std::string const tail : {"", "\n", "\r\n", " \t\r\n\n"}) {
    answer_by([this, tail](int peer) { answer_well(peer, tail); });
    EXPECT_EQ(prove_by("http-01").status, "valid") << to_hex(as_bytes(tail));
  }
}

}  // namespace
}  // namespace lenscap::hostile
