#include "base/net/http_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "base/net/io_threads.h"
#include "raw_peer.h"

namespace lenscap::net {
namespace {

using namespace std::chrono_literals;
using test::data;
using test::RawConnection;
using test::RawServer;

// What a server heard, from any of its threads.
class Heard {
 public:
  void add(std::string const& text) {
    std::lock_guard const lock(mutex_);
    texts_.push_back(text);
  }
  std::vector<std::string> texts() const {
    std::lock_guard const lock(mutex_);
    return texts_;
  }
  std::string last() const { return texts().empty() ? "" : texts().back(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

std::string answer(std::string const& status, std::string const& body, std::string const& fields = {}) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::size_t length_in(std::string const& head) {
  auto const at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

// Reads requests of a connection and gives each to `respond`; what that returns is sent.
RawServer::Script each_request(Heard& heard, std::function<std::string(std::string const&)> respond) {
  return [&heard, respond = std::move(respond)](RawConnection& connection) {
    while (true) {
      auto request = connection.read_until("\r\n\r\n");
      if (request.empty()) return;
      request += connection.read_exactly(length_in(request));
      heard.add(request);
      if (!connection.send(respond(request))) return;
    }
  };
}

// Keeps every octet that comes after the handshake.
RawServer::Script listen_only(Heard& heard) {
  return [&heard](RawConnection& connection) { heard.add(connection.read_all()); };
}

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() : threads_(2), client_(threads_.executor(0)), hasty_(threads_.executor(1), 20ms) {}

  // Half of the fetches come from the client's own thread, half from another.
  Result<ClientResponse> fetch(ClientRequest request) {
    return run(threads_.next(), client_.fetch(std::move(request)));
  }

  static ClientRequest get(std::string const& url) {
    ClientRequest request;
    request.url = url;
    return request;
  }
  static ClientRequest get(RawServer const& server, Trust trust) {
    auto request = get("https://" + server.host() + "/x");
    request.trust = std::move(trust);
    return request;
  }
  static ClientRequest with_password(ClientRequest request, HttpAuth auth) {
    request.auth = auth;
    request.user = "root";
    request.password = SecretBytes("pa:ss");
    return request;
  }

  static std::vector<x509::Certificate> pem(std::string const& name) {
    return x509::parse_pem_chain(data(name)).value();
  }
  static Trust root() { return Trust::roots(pem("root.pem")); }
  static Sha256 pin_of(std::string const& name) { return pem(name).front().key().spki_hash(); }

  Heard heard_;  // outlives the servers of a test
  IoThreads threads_;
  HttpClient client_;
  HttpClient hasty_;  // keeps idle connections for a moment only
};

std::string ok(std::string const& /*request*/) { return answer("200 OK", "fine"); }

// --- requests ---

TEST_F(HttpClientTest, SendsWhatItIsTold) {
  RawServer server(each_request(heard_, ok));
  auto request = get("http://" + server.host() + "/a/../b?c=%20d");
  request.headers.add("X-One", "1");
  request.headers.add("X-Empty", "");
  auto const response = fetch(std::move(request));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "fine");
  EXPECT_EQ(*response->headers.find("content-length"), "4");
  EXPECT_TRUE(response->peer_chain.empty());
  EXPECT_EQ(response->tls_version, "");
  EXPECT_EQ(heard_.last(), "GET /a/../b?c=%20d HTTP/1.1\r\nHost: " + server.host() +
                               "\r\nUser-Agent: lenscap\r\nX-One: 1\r\nX-Empty:\r\nAccept: */*\r\n\r\n");
}

TEST_F(HttpClientTest, SendsBodiesByAllMethods) {
  RawServer server(each_request(heard_, ok));
  for (auto const method : {Method::post, Method::put, Method::patch, Method::del}) {
    auto request = get("http://" + server.host() + "/");
    request.method = method;
    request.headers.add("Content-Type", "application/json");
    request.body = "{\"a\":1}";
    ASSERT_TRUE(fetch(std::move(request)));
    EXPECT_TRUE(heard_.last().starts_with(std::string(to_string(method)) + " / ")) << heard_.last();
    EXPECT_NE(heard_.last().find("Content-Length: 7\r\n"), std::string::npos);
    EXPECT_TRUE(heard_.last().ends_with("\r\n\r\n{\"a\":1}"));
    EXPECT_EQ(heard_.last().find("Expect"), std::string::npos);
  }
}

TEST_F(HttpClientTest, SendsEmptyBodiesWithALength) {
  RawServer server(each_request(heard_, ok));
  auto request = get("http://" + server.host() + "/");
  request.method = Method::post;
  ASSERT_TRUE(fetch(std::move(request)));
  EXPECT_NE(heard_.last().find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(heard_.last().find("Content-Type"), std::string::npos);
}

TEST_F(HttpClientTest, AsksByHead) {
  RawServer server(each_request(heard_, [](auto const&) { return "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"; }));
  auto request = get("http://" + server.host() + "/");
  request.method = Method::head;
  auto const response = fetch(std::move(request));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "");
  EXPECT_TRUE(heard_.last().starts_with("HEAD / "));
}

TEST_F(HttpClientTest, RefusesRequestsThatMustNotBeSent) {
  RawServer server(each_request(heard_, ok));
  auto const url = "http://" + server.host() + "/";
  auto with_field = [&](std::string name, std::string value) {
    auto request = get(url);
    request.headers.add(std::move(name), std::move(value));
    return request;
  };
  std::vector<ClientRequest> bad;
  bad.push_back(get("ftp://" + server.host() + "/"));
  bad.push_back(get("file:///etc/passwd"));
  bad.push_back(get("no url"));
  bad.push_back(get(""));
  bad.push_back(get("http://root:secret@" + server.host() + "/"));
  bad.push_back(get("http://root@" + server.host() + "/"));
  bad.push_back(with_field("X", "a\r\nY: b"));
  bad.push_back(with_field("X\r\nY", "a"));
  bad.push_back(with_field("Authorization", "Basic x"));
  bad.push_back(with_field("host", "x"));
  bad.push_back(with_field("Content-Length", "1"));
  bad.push_back(with_password(get(url), HttpAuth::basic));
  for (auto& request : bad) {
    auto const shown = request.url;
    auto const response = fetch(std::move(request));
    ASSERT_FALSE(response) << shown;
    EXPECT_EQ(response.error().code(), Errc::usage) << shown;
    EXPECT_EQ(response.error().detail().find("secret"), std::string::npos);
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpClientTest, TakesNoProxyFromTheEnvironment) {
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
  RawServer server(each_request(heard_, ok));
  EXPECT_TRUE(fetch(get("http://" + server.host() + "/")));
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

TEST_F(HttpClientTest, ConnectsElsewhereThanTheUrlSays) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  auto request = get("https://cam.example/x");
  request.connect_to = server.host();
  request.trust = root();
  auto const response = fetch(std::move(request));
  ASSERT_TRUE(response) << response.error().detail();
  EXPECT_NE(heard_.last().find("Host: cam.example\r\n"), std::string::npos);
}

TEST_F(HttpClientTest, ManyAtOnce) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        auto const response = fetch(get(server, root()));
        if (response && response->status == 200) ++good;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(good, 20);
}

// --- answers ---

TEST_F(HttpClientTest, FollowsNoRedirect) {
  RawServer server(
      each_request(heard_, [](auto const&) { return answer("302 Found", "", "Location: /elsewhere\r\n"); }));
  auto const response = fetch(get("http://" + server.host() + "/"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(*response->headers.find("Location"), "/elsewhere");
  EXPECT_EQ(heard_.texts().size(), 1U);
}

TEST_F(HttpClientTest, StopsAtTheBodyCap) {
  RawServer server(each_request(heard_, [](auto const&) { return answer("200 OK", std::string(1000, 'x')); }));
  for (std::size_t const cap : {999U, 1000U}) {
    auto request = get("http://" + server.host() + "/");
    request.body_bytes_max = cap;
    auto const response = fetch(std::move(request));
    EXPECT_EQ(response.ok(), cap == 1000);
    if (!response) {
      EXPECT_EQ(response.error().code(), Errc::incorrect_response);
      EXPECT_NE(response.error().detail().find("999"), std::string::npos);
    }
  }
}

// A chunk's extension, and chunks of one octet, add little or nothing to the body.
TEST_F(HttpClientTest, StopsAtTheCapOfWhatFramesTheBody) {
  std::string const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string small;
  for (int i = 0; i < 1000; ++i) small += "1\r\nx\r\n";
  for (auto const& [framed, least] : {std::pair("1;" + std::string(1'000'000, 'e') + "\r\nx\r\n0\r\n\r\n", 100'000U),
                                      std::pair(small + "0\r\n\r\n", 1000U)}) {
    RawServer server([&](auto& connection) {
      connection.read_until("\r\n\r\n");
      connection.send(chunked + framed);
    });
    for (std::size_t const cap : {std::size_t{999}, std::size_t{1000}, std::size_t{100'000}}) {
      auto request = get("http://" + server.host() + "/");
      request.body_bytes_max = cap;
      auto const response = fetch(std::move(request));
      EXPECT_EQ(response.ok(), cap >= least) << framed.size() << " " << cap;
      if (!response) {
        EXPECT_EQ(response.error().code(), Errc::incorrect_response) << response.error().detail();
      }
    }
  }
}

TEST_F(HttpClientTest, StopsAtTheHeaderCap) {
  RawServer server(each_request(heard_, [](auto const&) {
    std::string fields;
    for (int i = 0; i < 100; ++i) fields += "X: " + std::string(1000, 'x') + "\r\n";
    return answer("200 OK", "", fields);
  }));
  auto const response = fetch(get("http://" + server.host() + "/"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Errc::incorrect_response);
}

TEST_F(HttpClientTest, RefusesWhatIsNotHttp) {
  for (std::string const text : {"SSH-2.0-x\r\n", "hello", "HTTP/1.1 abc\r\n\r\n"}) {
    RawServer server([&](RawConnection& connection) {
      connection.read_until("\r\n\r\n");
      connection.send(text);
    });
    auto const response = fetch(get("http://" + server.host() + "/"));
    ASSERT_FALSE(response) << text;
    EXPECT_EQ(response.error().code(), Errc::incorrect_response) << response.error().detail();
  }
}

TEST_F(HttpClientTest, SkipsInterimAnswers) {
  RawServer server(each_request(
      heard_, [](auto const&) { return "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n" + answer("200 OK", "fine"); }));
  auto const response = fetch(get("http://" + server.host() + "/"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.find("X-Interim"), nullptr);
}

TEST_F(HttpClientTest, SaysUnreachable) {
  auto dead = std::make_unique<RawServer>(listen_only(heard_));
  auto const gone = dead->host();
  dead.reset();
  RawServer closing([](RawConnection& connection) { connection.read_until("\r\n\r\n"); });
  RawServer cutting([](RawConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  });
  for (auto const& host : {gone, closing.host(), cutting.host(), std::string("nowhere.invalid")}) {
    auto const response = fetch(get("http://" + host + "/"));
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code(), Errc::unreachable) << response.error().detail();
  }
}

TEST_F(HttpClientTest, SaysUnreachableAfterTheTimeOut) {
  RawServer silent([](RawConnection& connection) { connection.read_all(); });
  auto request = get("http://" + silent.host() + "/");
  request.total_timeout = 100ms;
  auto const response = fetch(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Errc::unreachable);
}

TEST_F(HttpClientTest, WaitsNotForAHandshakeThatNeverComes) {
  RawServer silent([](RawConnection& connection) { connection.read_all(); });
  auto request = get("https://" + silent.host() + "/");
  request.connect_timeout = 100ms;
  EXPECT_FALSE(fetch(std::move(request)));
}

// --- whom to trust ---

TEST_F(HttpClientTest, TrustsAChainToTheGivenRoot) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  auto const response = fetch(get(server, root()));
  ASSERT_TRUE(response) << response.error().detail();
  EXPECT_EQ(response->tls_version, "TLSv1.3");
  ASSERT_EQ(response->peer_chain.size(), 2U);
  EXPECT_EQ(response->peer_chain.front(), pem("server.pem").front());
  EXPECT_EQ(response->peer_chain.back(), pem("issuing.pem").front());
  EXPECT_EQ(response->peer_spki, pin_of("server.pem"));
}

TEST_F(HttpClientTest, CompletesAChainWithWhatItHolds) {
  RawServer server(each_request(heard_, ok), "server.pem", "server.key");  // the leaf alone
  auto const alone = fetch(get(server, root()));
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code(), Errc::tls);
  auto const helped = fetch(get(server, Trust::roots(pem("root.pem"), pem("issuing.pem"))));
  ASSERT_TRUE(helped) << helped.error().detail();
  EXPECT_EQ(helped->peer_chain.size(), 1U);
  // What helps is not trusted for itself.
  EXPECT_FALSE(fetch(get(server, Trust::roots(pem("other.pem"), pem("issuing.pem")))));
}

struct Stranger {
  char const* what;
  char const* chain;
  char const* key;
  std::function<void(ClientRequest&)> change;
  char const* text;  // in the refusal
};

TEST_F(HttpClientTest, SendsNothingToAStranger) {
  std::vector<Stranger> const strangers = {
      {"another root", "chain.pem", "server.key", [](auto& r) { r.trust = Trust::roots(pem("other.pem")); }, "trusted"},
      {"the system's roots", "chain.pem", "server.key", [](auto& r) { r.trust = Trust::system(); }, "trusted"},
      {"no roots", "chain.pem", "server.key", [](auto& r) { r.trust = Trust::roots({}); }, "trusted"},
      {"self-signed", "other.pem", "other.key", [](auto&) {}, "trusted"},
      {"another name", "chain.pem", "server.key", [](auto& r) { r.expected_name = "cam.wrong"; }, "cam.wrong"},
      {"another address", "chain.pem", "server.key", [](auto& r) { r.expected_name = "127.0.0.2"; }, "127.0.0.2"},
      {"the common name", "chain.pem", "server.key", [](auto& r) { r.expected_name = "camera"; }, "camera"},
      {"ended", "expired.pem", "server.key",
       [](auto& r) { r.trust = Trust::roots(pem("root.pem"), pem("issuing.pem")); }, "expired"},
      {"another pin", "chain.pem", "server.key", [](auto& r) { r.trust = Trust::pin(pin_of("other.pem")); },
       "another key"},
  };
  for (auto const& stranger : strangers) {
    Heard heard;
    {
      RawServer server(listen_only(heard), stranger.chain, stranger.key);
      auto request = with_password(get(server, root()), HttpAuth::basic);
      stranger.change(request);
      auto const response = fetch(std::move(request));
      ASSERT_FALSE(response) << stranger.what;
      EXPECT_EQ(response.error().code(), Errc::tls) << stranger.what << ": " << response.error().detail();
      EXPECT_NE(response.error().detail().find(stranger.text), std::string::npos) << response.error().detail();
      EXPECT_EQ(response.error().detail().find("pa:ss"), std::string::npos);
    }
    for (auto const& text : heard.texts()) EXPECT_EQ(text, "") << stranger.what;
  }
}

TEST_F(HttpClientTest, ExpectsTheNameItIsTold) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  auto request = get(server, root());
  request.expected_name = "CAM.example";
  EXPECT_TRUE(fetch(std::move(request)));
}

TEST_F(HttpClientTest, TrustsThePinnedKeyWhateverCarriesIt) {
  for (auto const& [chain, key] : std::vector<std::pair<std::string, std::string>>{
           {"other.pem", "other.key"}, {"expired.pem", "server.key"}, {"chain.pem", "server.key"}}) {
    RawServer server(each_request(heard_, ok), chain, key);
    auto const response = fetch(get(server, Trust::pin(pin_of(chain))));
    EXPECT_TRUE(response) << chain;
  }
}

TEST_F(HttpClientTest, NamesTheKeyItMet) {
  RawServer server(listen_only(heard_), "other.pem", "other.key");
  auto const response = fetch(get(server, Trust::pin(pin_of("server.pem"))));
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().detail().find(to_hex(pin_of("other.pem"))), std::string::npos);
}

TEST_F(HttpClientTest, LooksAtACertificateWithoutARequest) {
  {
    RawServer server(listen_only(heard_), "other.pem", "other.key");
    auto request = get(server, Trust::anybody());
    request.handshake_only = true;
    auto const response = fetch(std::move(request));
    ASSERT_TRUE(response) << response.error().detail();
    EXPECT_EQ(response->status, 0);
    ASSERT_EQ(response->peer_chain.size(), 1U);
    EXPECT_EQ(response->peer_chain.front(), pem("other.pem").front());
    EXPECT_EQ(response->tls_version, "TLSv1.3");
  }
  EXPECT_EQ(heard_.last(), "");
}

TEST_F(HttpClientTest, SpeaksOldTlsOnlyWhenAllowed) {
  RawServer server(each_request(heard_, ok), "weak.pem", "weak.key", true);
  auto const pin = fetch([&] {
    auto request = get(server, Trust::anybody());
    request.allow_weak_tls = true;
    request.handshake_only = true;
    return request;
  }());
  ASSERT_TRUE(pin) << pin.error().detail();
  ASSERT_TRUE(pin->peer_spki);
  EXPECT_EQ(pin->tls_version, "TLSv1");

  auto const strict = fetch(get(server, Trust::pin(*pin->peer_spki)));
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code(), Errc::tls);

  auto request = get(server, Trust::pin(*pin->peer_spki));
  request.allow_weak_tls = true;
  auto const weak = fetch(std::move(request));
  ASSERT_TRUE(weak) << weak.error().detail();
  EXPECT_EQ(weak->status, 200);
}

// --- connections ---

TEST_F(HttpClientTest, KeepsAConnectionForTheSameTrustOnly) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  for (int i = 0; i < 3; ++i) {
    auto const response = fetch(get(server, root()));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->peer_chain.size(), 2U) << "known on a kept connection too";
    EXPECT_EQ(response->tls_version, "TLSv1.3");
  }
  EXPECT_EQ(server.connections(), 1);
  ASSERT_TRUE(fetch(get(server, Trust::anybody())));
  EXPECT_EQ(server.connections(), 2);
  ASSERT_TRUE(fetch(get(server, Trust::pin(pin_of("server.pem")))));
  EXPECT_EQ(server.connections(), 3);
  EXPECT_FALSE(fetch(get(server, Trust::pin(pin_of("other.pem")))));
  auto misnamed = get(server, root());
  misnamed.expected_name = "cam.wrong";
  EXPECT_FALSE(fetch(std::move(misnamed)));
  EXPECT_EQ(server.connections(), 5);
  ASSERT_TRUE(fetch(get(server, root())));
  EXPECT_EQ(server.connections(), 5);
}

TEST_F(HttpClientTest, LetsGoOfTheOldestGroups) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  for (int i = 0; i < 80; ++i) {
    auto request = get(server, Trust::roots(pem("root.pem")));
    request.expected_name = i % 2 == 0 ? "cam.example" : "127.0.0.1";
    if (i % 2 == 0)
      request.trust =
          Trust::roots(pem("root.pem"), std::vector(static_cast<std::size_t>(i), pem("issuing.pem").front()));
    ASSERT_TRUE(fetch(std::move(request)));
  }
  EXPECT_EQ(server.connections(), 41);  // one kept all the time, being used all the time
}

TEST_F(HttpClientTest, TakesAndLeavesNoConnectionWhenFreshIsAsked) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  for (int i = 0; i < 3; ++i) {
    auto request = get(server, root());
    request.fresh_connection = true;
    ASSERT_TRUE(fetch(std::move(request)));
  }
  ASSERT_TRUE(fetch(get(server, root())));
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(HttpClientTest, LetsGoOfIdleConnections) {
  std::atomic<int> ended{0};
  RawServer server([&](RawConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(answer("200 OK", "fine"));
    if (connection.read_all().empty()) ++ended;
  });
  ASSERT_TRUE(run(threads_.next(), hasty_.fetch(get("http://" + server.host() + "/"))));
  EXPECT_TRUE(test::eventually([&] { return ended == 1; }));
}

// --- passwords ---

std::string hash_hex(EVP_MD const* md, std::string const& text) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, md, nullptr);
  out.resize(size);
  return to_hex(out);
}

// The value of name=value or name="value" in the Authorization field.
std::string part(std::string const& request, std::string const& name) {
  auto const field = request.find("Authorization: Digest ");
  if (field == std::string::npos) return {};
  auto const line = ", " + request.substr(field + 22, request.find("\r\n", field) - field - 22) + ",";
  auto at = line.find(" " + name + "=");
  if (at == std::string::npos) return {};
  at += name.size() + 2;
  if (line[at] != '"') return line.substr(at, line.find(',', at) - at);
  return line.substr(at + 1, line.find('"', at + 1) - at - 1);
}

// RFC 7616 3.4.1 and RFC 2069 2.1.2, computed here for root / pa:ss.
bool is_right_digest(std::string const& request, EVP_MD const* md) {
  auto const method = request.substr(0, request.find(' '));
  auto const ha1 = hash_hex(md, "root:" + part(request, "realm") + ":pa:ss");
  auto const ha2 = hash_hex(md, method + ":" + part(request, "uri"));
  auto const qop = part(request, "qop");
  auto const middle =
      qop.empty() ? std::string() : part(request, "nc") + ":" + part(request, "cnonce") + ":" + qop + ":";
  return !part(request, "response").empty() &&
         part(request, "response") == hash_hex(md, ha1 + ":" + part(request, "nonce") + ":" + middle + ha2);
}

struct Challenge {
  char const* name;
  char const* fields;
  EVP_MD const* (*md)();
};

TEST_F(HttpClientTest, AnswersEveryDigestThatDevicesAskFor) {
  std::vector<Challenge> const challenges = {
      {"as Axis today", R"(Digest realm="AXIS_ACCC8E000001", nonce="n1/+=", algorithm=MD5, stale=true, qop="auth")",
       EVP_md5},
      {"RFC 2069", R"(Digest realm="AXIS_00408C000001", nonce="0013b078Y", stale=FALSE)", EVP_md5},
      {"RFC 2069 with algorithm", R"(Digest realm="r", nonce="n", algorithm=MD5)", EVP_md5},
      {"SHA-256", R"(Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth")", EVP_sha256},
  };
  for (auto const& challenge : challenges) {
    Heard heard;
    RawServer server(each_request(heard, [&](std::string const& request) {
      if (is_right_digest(request, challenge.md())) return answer("200 OK", "fine");
      return answer("401 Unauthorized", "no", std::string("WWW-Authenticate: ") + challenge.fields + "\r\n");
    }));
    auto request = with_password(get("http://" + server.host() + "/a?b=c"), HttpAuth::digest);
    request.method = Method::post;
    request.body = "body";
    auto const response = fetch(std::move(request));
    ASSERT_TRUE(response) << challenge.name;
    EXPECT_EQ(response->status, 200) << challenge.name << heard.last();
    EXPECT_EQ(response->body, "fine");
    EXPECT_EQ(heard.texts().size(), 2U);
    EXPECT_TRUE(heard.last().ends_with("body"));
    for (auto const& text : heard.texts()) EXPECT_EQ(text.find("Basic"), std::string::npos);
  }
}

TEST_F(HttpClientTest, TriesAWrongPasswordOnce) {
  RawServer server(each_request(heard_, [](auto const&) {
    return answer("401 Unauthorized", "no", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n");
  }));
  auto const response = fetch(with_password(get("http://" + server.host() + "/"), HttpAuth::digest));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
  EXPECT_EQ(response->headers.count("WWW-Authenticate"), 1U);
  EXPECT_EQ(heard_.texts().size(), 2U);
}

TEST_F(HttpClientTest, NeverFallsBackToBasicOnPlainHttp) {
  for (auto const auth : {HttpAuth::digest, HttpAuth::any_but_basic_on_plain}) {
    Heard heard;
    RawServer server(each_request(heard, [](auto const&) {
      return answer("401 Unauthorized", "no", "WWW-Authenticate: Basic realm=\"r\"\r\n");
    }));
    auto const response = fetch(with_password(get("http://" + server.host() + "/"), auth));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 401);
    EXPECT_EQ(*response->headers.find("WWW-Authenticate"), "Basic realm=\"r\"");
    for (auto const& text : heard.texts()) EXPECT_EQ(text.find("Authorization"), std::string::npos);
  }
}

TEST_F(HttpClientTest, TakesTheBestThatIsOfferedInsideTls) {
  constexpr char const* kBasic = "WWW-Authenticate: Basic realm=\"r\"\r\n";
  constexpr char const* kDigest = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
  struct Case {
    std::string offered, taken;
  };
  for (auto const& c : std::vector<Case>{{kBasic, "Authorization: Basic cm9vdDpwYTpzcw=="},
                                         {kDigest, "Authorization: Digest "},
                                         {std::string(kBasic) + kDigest, "Authorization: Digest "}}) {
    Heard heard;
    RawServer server(each_request(heard,
                                  [&](std::string const& request) {
                                    if (request.find("Authorization") != std::string::npos) return ok(request);
                                    return answer("401 Unauthorized", "no", c.offered);
                                  }),
                     "chain.pem", "server.key");
    auto const response = fetch(with_password(get(server, root()), HttpAuth::any_but_basic_on_plain));
    ASSERT_TRUE(response) << response.error().detail();
    EXPECT_EQ(response->status, 200);
    EXPECT_NE(heard.last().find(c.taken), std::string::npos) << heard.last();
  }
}

TEST_F(HttpClientTest, SendsBasicAtOnceWhenTold) {
  RawServer server(each_request(heard_, ok), "chain.pem", "server.key");
  ASSERT_TRUE(fetch(with_password(get(server, root()), HttpAuth::basic)));
  EXPECT_EQ(heard_.texts().size(), 1U);
  EXPECT_NE(heard_.last().find("Authorization: Basic cm9vdDpwYTpzcw=="), std::string::npos);
}

bool is_shifted(std::string_view plain, std::string_view shifted) {
  return std::equal(plain.begin(), plain.end(), shifted.begin(), shifted.end(),
                    [](char a, char b) { return a == static_cast<char>(b - 1); });
}

// Is `shifted`, each octet less one, among the octets? memchr first: the plain search is slow under sanitizers.
bool contains(std::string_view octets, std::string_view shifted) {
  while (octets.size() >= shifted.size()) {
    auto const* at = static_cast<char const*>(std::memchr(octets.data(), shifted[0] - 1, octets.size()));
    if (at == nullptr) return false;
    octets.remove_prefix(static_cast<std::size_t>(at - octets.data()));
    if (is_shifted(octets.substr(0, shifted.size()), shifted)) return true;
    octets.remove_prefix(1);
  }
  return false;
}

// How often `shifted`, each octet less one, is in memory that this process can write. Read through the kernel, so that
// what was freed is seen as well; shifted, so that the question is not its own answer.
int copies_in_memory(std::string const& shifted) {
  static std::array<char, 64 * 1024> octets;  // empty whenever it is read itself
  std::ifstream maps("/proc/self/maps");
  int const memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  int found = 0;
  for (std::string line; std::getline(maps, line);) {
    long begin = 0;
    long end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3) continue;
    if (rights[0] != 'r' || rights[1] != 'w' || end - begin > 256L * 1024 * 1024) continue;
    for (long at = begin; at < end; at += static_cast<long>(octets.size() - shifted.size())) {
      auto const want = std::min(octets.size(), static_cast<std::size_t>(end - at));
      auto const got = ::pread(memory, octets.data(), want, at);
      if (got <= 0) break;
      if (contains({octets.data(), static_cast<std::size_t>(got)}, shifted)) ++found;
      OPENSSL_cleanse(octets.data(), octets.size());
    }
  }
  ::close(memory);
  return found;
}

TEST_F(HttpClientTest, LeavesNoPasswordInMemory) {
  std::string const whole = "dpssfdu.ipstf.cbuufsz.tubqmf.boe.gpsuz.npsf.mfuufst.cfijoe.ju";
  std::string const shifted = whole.substr(30);  // free() writes over the beginning
  auto password = [&] {
    Bytes octets;
    octets.reserve(whole.size());
    for (char const c : whole) octets.push_back(static_cast<std::uint8_t>(c - 1));
    return SecretBytes(std::move(octets));
  };
  {
    auto const held = password();
    EXPECT_GT(copies_in_memory(shifted), 0);  // the search finds what is there
  }
  RawServer digest(each_request(heard_, [](std::string const& request) {
    if (request.find("Authorization: Digest") != std::string::npos) return answer("200 OK", "fine");
    return answer("401 Unauthorized", "", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n");
  }));
  RawServer basic(each_request(heard_, ok), "chain.pem", "server.key");
  for (auto const& url : {"http://" + digest.host() + "/", "https://" + basic.host() + "/"}) {
    auto request = with_password(get(url), url.starts_with("https") ? HttpAuth::basic : HttpAuth::digest);
    request.trust = root();
    request.password = password();
    auto const response = run(threads_.next(), hasty_.fetch(std::move(request)));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
  }
  // A kept connection knows its password until it is let go.
  EXPECT_TRUE(test::eventually([&] { return copies_in_memory(shifted) == 0; }));
}

// A server that answers 401 and closes: the second request goes to whoever listens then, who is judged again.
TEST_F(HttpClientTest, JudgesTheConnectionThatCarriesThePasswordAgain) {
  std::atomic<int> count{0};
  RawServer server(
      [&](RawConnection& connection) {
        auto const request = connection.read_until("\r\n\r\n");
        heard_.add(request);
        ++count;
        connection.send(answer("401 Unauthorized", "", "Connection: close\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"));
      },
      "chain.pem", "server.key");
  auto const response = fetch(with_password(get(server, root()), HttpAuth::any_but_basic_on_plain));
  ASSERT_TRUE(response) << response.error().detail();
  EXPECT_EQ(response->status, 401);
  EXPECT_EQ(response->peer_chain.size(), 2U);
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClientDeathTest, PasswordForAnybodyIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        IoThreads threads;
        HttpClient client(threads.next());
        ClientRequest request;
        request.url = "https://127.0.0.1:1/";
        request.auth = HttpAuth::digest;
        request.user = "root";
        request.trust = Trust::anybody();
        (void)run(threads.next(), client.fetch(std::move(request)));
      },
      "trusts anybody");
}

TEST(HttpClient, EndsWithAFetchUnderWay) {
  RawServer silent([](RawConnection& connection) { connection.read_all(); });
  {
    IoThreads threads(2);
    HttpClient client(threads.executor(0));
    ClientRequest request;
    request.url = "http://" + silent.host() + "/";
    auto task = [](HttpClient& c, ClientRequest r) -> Awaitable<> { (void)co_await c.fetch(std::move(r)); };
    spawn(threads.executor(1), task(client, std::move(request)));
    while (silent.connections() == 0) std::this_thread::yield();
    threads.stop();
    threads.join();
  }
}

}  // namespace
}  // namespace lenscap::net
