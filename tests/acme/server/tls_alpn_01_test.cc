// tls-alpn-01 (RFC 8737) against servers that do it right and wrong, on loopback.
#include "tests/acme/server/validator_bench.h"
#include "tests/base/x509/acme_certificate_maker.h"
#include "tests/fakes/tls_server.h"

namespace lenscap::acme::test {
namespace {

using fakes::TlsManners;
using fakes::TlsServer;
using x509::testing::acme_certificate;
using x509::testing::acme_certificate_key;
using x509::testing::acme_identifier;
using x509::testing::subject_alt_name;

constexpr std::string_view kOffered =
    "\x0a"
    "acme-tls/1";  // alone in the list

class TlsAlpn01 : public ValidatorBench {
 protected:
  ossl::X509Ptr const named =
      acme_certificate({subject_alt_name({"cam1.cams.example"}, {}), acme_identifier(std::string_view(kAnswer))});
  ossl::X509Ptr const addressed =
      acme_certificate({subject_alt_name({}, {Bytes{127, 0, 0, 1}}), acme_identifier(std::string_view(kAnswer))});
  EVP_PKEY* key = acme_certificate_key().native();

  TlsAlpn01() { dns.set("cam1.cams.example", {"127.0.0.1"}); }

  Result<> validate(std::string const& host, unsigned short port) {
    return ValidatorBench::validate("tls-alpn-01", Identifier::from_host(host).value(), port);
  }
};

TEST_F(TlsAlpn01, ANameIsShownInTheHandshakeAndNothingIsSent) {  // 8737-3-1
  std::vector<TlsServer::Seen> seen;
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsManners manners;
    manners.min_version = manners.max_version = version;
    auto server = std::make_unique<TlsServer>(named.get(), key, manners);
    auto const result = validate("cam1.cams.example", server->port());
    EXPECT_TRUE(result.ok()) << result.error().detail();
    auto const port_seen = [&] { return server->seen().size(); };
    for (int i = 0; i < 5000 && port_seen() == 0; ++i)
      net::run_until_done(threads.executor(0), net::sleep_for(std::chrono::milliseconds(1)));
    ASSERT_EQ(server->seen().size(), 1u);
    auto const one = server->seen().front();
    EXPECT_TRUE(one.handshake);
    EXPECT_EQ(one.server_name, "cam1.cams.example");
    EXPECT_EQ(one.offered, kOffered);
    EXPECT_EQ(one.octets_after, 0);
  }
}

TEST_F(TlsAlpn01, AnAddressIsAskedForByItsReverseName) {  // 8738-6-1, 8738-4-1
  TlsServer server(addressed.get(), key);
  auto const result = validate("127.0.0.1", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
  EXPECT_EQ(dns.questions(), 0);
  for (int i = 0; i < 5000 && server.seen().empty(); ++i)
    net::run_until_done(threads.executor(0), net::sleep_for(std::chrono::milliseconds(1)));
  EXPECT_EQ(server.seen().at(0).server_name, "1.0.0.127.in-addr.arpa");
}

TEST_F(TlsAlpn01, AnIpv6Address) {
  auto const certificate =
      acme_certificate({subject_alt_name({}, {Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}),
                        acme_identifier(std::string_view(kAnswer))});
  std::unique_ptr<TlsServer> server;
  try {
    server = std::make_unique<TlsServer>(certificate.get(), key, TlsManners{}, "::1");
  } catch (std::exception const&) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  auto const result = validate("::1", server->port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
}

TEST_F(TlsAlpn01, HandshakesThatProveNothing) {  // 8737-3-1
  auto manners = [](std::string protocol, int max_version = 0) {
    TlsManners made;
    made.protocol = std::move(protocol);
    made.max_version = max_version;
    return made;
  };
  auto const unrelated = acme_certificate({subject_alt_name({"cam1.cams.example"}, {})});
  struct Case {
    char const* name;
    X509* certificate;
    TlsManners manners;
    Errc code;
  };
  Case const cases[] = {
      {"no protocol", named.get(), manners(""), Errc::tls},
      {"a protocol that was not offered", named.get(), manners("http/1.1"), Errc::tls},
      {"TLS 1.1", named.get(), manners("acme-tls/1", TLS1_1_VERSION), Errc::tls},
      {"the host's ordinary certificate", unrelated.get(), manners("acme-tls/1"), Errc::incorrect_response},
      {"another identifier's", addressed.get(), manners("acme-tls/1"), Errc::incorrect_response},
  };
  for (auto const& c : cases) {
    TlsServer server(c.certificate, key, c.manners);
    auto const result = validate("cam1.cams.example", server.port());
    ASSERT_FALSE(result.ok()) << c.name;
    EXPECT_EQ(result.error().code(), c.code) << c.name << ": " << result.error().detail();
  }
}

TEST_F(TlsAlpn01, PeersThatAreNoTlsServers) {
  struct Case {
    char const* name;
    std::string answer;
    Errc code;
  };
  Case const cases[] = {
      {"plain HTTP", fakes::http_answer("x"), Errc::tls},
      {"noise", std::string(4000, '\x16'), Errc::tls},
      {"an alert", std::string("\x15\x03\x03\x00\x02\x02\x28", 7), Errc::tls},
      {"a record that is too long", std::string("\x16\x03\x03\xff\xff", 5) + std::string(70'000, 'x'), Errc::tls},
      {"nothing", "", Errc::connection},
  };
  for (auto const& c : cases) {
    auto answer = [&](int peer) {
      char buffer[4096];
      if (::recv(peer, buffer, sizeof buffer, 0) <= 0) return;
      (void)::send(peer, c.answer.data(), c.answer.size(), MSG_NOSIGNAL);
      ::shutdown(peer, SHUT_WR);
    };
    fakes::SocketServer server(answer);
    auto const result = validate("cam1.cams.example", server.port());
    ASSERT_FALSE(result.ok()) << c.name;
    EXPECT_EQ(result.error().code(), c.code) << c.name << ": " << result.error().detail();
  }
}

TEST_F(TlsAlpn01, CertificatesAreBounded) {
  auto const big = acme_certificate({{NID_undef, false, Bytes(20'000, 7)}});
  TlsManners manners;
  manners.more_certificates = {big.get()};
  TlsServer server(named.get(), key, manners);
  auto const result = validate("cam1.cams.example", server.port());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::tls) << result.error().detail();
}

TEST_F(TlsAlpn01, ASilentPeerMeetsTheDeadline) {
  TlsManners manners;
  manners.silent = true;
  TlsServer server(named.get(), key, manners);
  deadline = std::chrono::milliseconds(300);
  auto const result = validate("cam1.cams.example", server.port());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::connection);
}

TEST_F(TlsAlpn01, TheNextAddressIsTriedWhenOneGivesNoConnection) {
  TlsServer server(named.get(), key);
  dns.set("cam1.cams.example", {"::1", "127.0.0.1"});
  auto const result = validate("cam1.cams.example", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
}

TEST_F(TlsAlpn01, NobodyListens) {
  unsigned short port = 0;
  {
    TlsServer const server(named.get(), key);
    port = server.port();
  }
  auto const result = validate("cam1.cams.example", port);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::connection);
}

TEST_F(TlsAlpn01, OutsideTheNetworksThatMayBeReachedNobodyIsContacted) {  // 8555-10.4-1
  TlsServer canary(named.get(), key);
  may_reach = {x509::IpBlock::parse("127.0.0.2/32").value()};
  for (auto const* host : {"127.0.0.1", "cam1.cams.example"}) {
    auto const result = validate(host, canary.port());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Errc::connection);
  }
  EXPECT_EQ(canary.connections(), 0);
}

}  // namespace
}  // namespace lenscap::acme::test
