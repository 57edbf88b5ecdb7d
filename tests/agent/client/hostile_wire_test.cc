// The connection below a hostile ACME server: answers that are endless, slow, broken off, not HTTP, or come from
// somebody else.
#include <gtest/gtest.h>

#include "agent/client/acme_client.h"
#include "base/net/io_threads.h"
#include "tests/base/x509/chain_maker.h"
#include "tests/fakes/tls_server.h"

namespace lenscap::agent {
namespace {

// An answer of octets that no HTTP library would send, inside TLS with a certificate that is good.
struct Wire : ::testing::Test {
  static constexpr long kNotBefore = 1'700'000'000, kNotAfter = 1'900'000'000;
  x509::Certificate leaf(std::vector<std::string> const& dns, long until = 4'000'000'000) {
    x509::testing::Spec spec;
    spec.not_before = from_unix(kNotBefore);
    spec.not_after = from_unix(until);
    spec.extensions = {x509::testing::subject_alt_name(dns, {Bytes{127, 0, 0, 1}})};
    return authority.leaf(spec);
  }
  // The directory, as the agent reads it from this server.
  Result<acme::Directory> directory(fakes::TlsServer& server, std::vector<x509::Certificate> roots) {
    auto const quickly = [this](net::ClientRequest request) { return fetch(std::move(request)); };
    AcmeClient client(quickly, {"https://127.0.0.1:" + std::to_string(server.port()) + "/directory", std::move(roots)},
                      key, "https://127.0.0.1/account");
    return net::run(threads.next(), client.directory());
  }
  // With a short patience where a server says nothing more, so that this does not keep the test; all else has its time.
  net::Awaitable<Result<net::ClientResponse>> fetch(net::ClientRequest request) {
    EXPECT_LE(request.total_timeout, std::chrono::seconds(30)) << "there is an end";
    request.total_timeout = patience;
    co_return co_await http.fetch(std::move(request));
  }

  x509::testing::Authority authority;
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  net::IoThreads threads{1};
  net::HttpClient http{threads.next()};
  std::chrono::milliseconds patience = std::chrono::seconds(30);
};

constexpr char const* kGoodBody =
    R"({"newNonce":"https://127.0.0.1/n","newAccount":"https://127.0.0.1/a","newOrder":"https://127.0.0.1/o"})";
constexpr int kMuch = 30'000'000;  // more than what sockets hold between them
std::string many(std::string_view piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

std::string json_answer(std::string const& body, std::string const& more = "") {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(Wire, AnswersThatAreNone) {
  std::string body = kGoodBody;
  struct Case {
    char const* name;
    std::string answer;
    Errc code;
    bool stays_open = false;  // after the answer the server says nothing more
  };
  std::string const storm = many("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", 600'000);
  Case const cases[] = {
      {"closed in the middle of the body",
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + body, Errc::unreachable},
      {"closed in the middle of the head", "HTTP/1.1 200 OK\r\nContent-Ty", Errc::incorrect_response},
      {"a NUL", std::string(1, '\0'), Errc::incorrect_response},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Errc::incorrect_response},
      {"a body that does not come", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
       Errc::unreachable, true},
      {"a head that does not end", "HTTP/1.1 200 OK\r\nX: " + std::string(300'000, 'x'), Errc::incorrect_response},
      {"a body of many megabytes", json_answer(std::string(kMuch, ' ')), Errc::incorrect_response},
      {"a body of a terabyte, announced",
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n" +
           std::string(kMuch, ' '),
       Errc::incorrect_response, true},
      {"chunks without an end",
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
           many("1000\r\n" + std::string(4096, ' ') + "\r\n", kMuch / 4096),
       Errc::incorrect_response, true},
      {"a storm of interim answers", storm, Errc::incorrect_response},
      {"packed by gzip", json_answer(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10), "Content-Encoding: gzip\r\n"),
       Errc::incorrect_response},
      {"a redirect", "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/other\r\nContent-Length: 0\r\n\r\n",
       Errc::incorrect_response},
      {"HTTP/0.9", body, Errc::incorrect_response},
  };
  auto const shown = leaf({"localhost"});
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::TlsServer server(shown.native(), authority.leaf_key.native(),
                            {.protocol = "",
                             .more_certificates = {authority.issuing.get()},
                             .answer = c.answer,
                             .stays_open = c.stays_open});
    bool const waits_in_vain = c.stays_open && c.code == Errc::unreachable;
    patience = waits_in_vain ? std::chrono::milliseconds(700) : std::chrono::seconds(30);
    auto const refused = directory(server, authority.roots());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(to_string(refused.error().code()), to_string(c.code)) << refused.error().detail();
    EXPECT_EQ(server.connections(), 1) << "no redirect was followed, nothing was tried again";
    if (c.answer.size() >= kMuch) {
      EXPECT_LT(server.sent(), c.answer.size()) << "it was not read to its end";
    }
  }
}

TEST_F(Wire, OldAndPlainAnswersAreGood) {
  auto const shown = leaf({"localhost"});
  std::string const body = kGoodBody;
  for (std::string const& answer :
       {json_answer(body), "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body,
        "HTTP/1.1 100 Continue\r\n\r\n" + json_answer(body)}) {
    fakes::TlsServer server(shown.native(), authority.leaf_key.native(),
                            {.protocol = "", .more_certificates = {authority.issuing.get()}, .answer = answer});
    auto const read = directory(server, authority.roots());
    EXPECT_TRUE(read.ok() || read.error().detail().find("outside") != std::string::npos) << read.error().detail();
  }
}

TEST_F(Wire, SomebodyElse) {
  x509::testing::Authority const foreign;
  struct Case {
    char const* name;
    x509::Certificate shown;
    std::vector<x509::Certificate> roots;
  };
  x509::testing::Spec misnamed;
  misnamed.not_after = from_unix(4'000'000'000);
  misnamed.extensions = {x509::testing::subject_alt_name({"other.example"}, {Bytes{127, 0, 0, 2}})};
  Case const cases[] = {
      {"another name", authority.leaf(misnamed), authority.roots()},
      {"expired", leaf({"localhost"}, 1'700'000'001), authority.roots()},
      {"another root", leaf({"localhost"}), foreign.roots()},
      {"no roots at all", leaf({"localhost"}), {}},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::TlsServer server(
        c.shown.native(), authority.leaf_key.native(),
        {.protocol = "", .more_certificates = {authority.issuing.get()}, .answer = json_answer(kGoodBody)});
    auto const refused = directory(server, c.roots);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::tls) << refused.error().detail();
    for (auto const& seen : server.seen()) EXPECT_EQ(seen.octets_after, 0) << "not an octet was told to it";
  }
}

}  // namespace
}  // namespace lenscap::agent
