// The certificate resource: its chains and its forms (RFC 8555 7.4.2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

struct Issued {
  TestServer server;
  Client client;
  std::string url;
  x509::Certificate issuing = server.app->authority->issuing_certificate();
  x509::Certificate root = server.app->authority->root_certificate();

  explicit Issued(std::string settings = "")
      : server({.settings = std::move(settings)}), client(granted_client(server)) {
    auto const order = client.new_order({"cam1.cams.example"});
    url = client.finalize(order.header("Location"), {"cam1.cams.example"}).text("certificate");
  }

  Answer read(std::string const& from, std::vector<std::string> const& accept = {}) {
    auto request = make_request(net::Method::post, from);
    request.headers.add("Content-Type", "application/jose+json");
    for (auto const& value : accept) request.headers.add("Accept", value);
    request.body = client.sign(from, "", server.nonce());
    return server.send(std::move(request));
  }
  x509::Certificate leaf() { return x509::parse_pem_chain(read(url).body).value().front(); }
};

TEST(Certificates, TwoChainsOfOneLeaf) {  // 8555-7.4.2-1, 8555-9.1-1
  struct Case {
    char const* settings;
    bool root_first;
  };
  for (auto const& c : {Case{"", false}, Case{"root_in_chain = true\n", true}}) {
    SCOPED_TRACE(c.settings);
    Issued issued(c.settings);
    auto const own = issued.read(issued.url);
    auto const other = issued.read(issued.url + "/1");
    for (auto const* answer : {&own, &other}) {
      EXPECT_EQ(answer->status, 200) << answer->body;
      EXPECT_EQ(answer->header("Content-Type"), "application/pem-certificate-chain");
    }
    EXPECT_TRUE(own.has_link(issued.url + "/1", "alternate"));
    EXPECT_FALSE(own.has_link(issued.url, "alternate"));
    EXPECT_TRUE(other.has_link(issued.url, "alternate"));
    auto const short_chain = issued.leaf().pem() + issued.issuing.pem();
    EXPECT_EQ(own.body, c.root_first ? short_chain + issued.root.pem() : short_chain);
    EXPECT_EQ(other.body, c.root_first ? short_chain : short_chain + issued.root.pem());
  }
}

TEST(Certificates, OtherChainsAreNotThere) {  // 8555-7.4.2-2
  Issued issued;
  for (auto const* chain : {"/0", "/2", "/01", "/1/1", "/", "/x"})
    EXPECT_EQ(issued.read(issued.url + chain).status, 404) << chain;
  auto stranger = granted_client(issued.server);
  for (auto const* chain : {"", "/1"}) EXPECT_EQ(stranger.read(issued.url + chain).status, 404) << chain;
  EXPECT_EQ(issued.server.get(issued.url + "/1").status, 405);
}

TEST(Certificates, InTheFormThatIsAskedFor) {  // 8555-7.4.2-1
  Issued issued;
  auto const leaf = issued.leaf();
  auto const pem = leaf.pem() + issued.issuing.pem();
  auto const der = std::string(as_text(leaf.der()));
  auto const pkcs7 =
      std::string(as_text(issued.server.app->authority->chain_of(leaf).pkcs7(leaf, ca::ChainEnd::below_root)));
  struct Case {
    std::vector<std::string> accept;
    char const* content_type;
    std::string const& body;
  };
  constexpr auto* kPem = "application/pem-certificate-chain";
  constexpr auto* kDer = "application/pkix-cert";
  constexpr auto* kPkcs7 = "application/pkcs7-mime; smime-type=certs-only";
  Case const cases[] = {
      {{}, kPem, pem},
      {{""}, kPem, pem},
      {{"*/*"}, kPem, pem},
      {{kPem}, kPem, pem},
      {{kDer}, kDer, der},
      {{kPkcs7}, kPkcs7, pkcs7},
      {{"application/pkcs7-mime"}, kPkcs7, pkcs7},
      {{"application/x-pkcs7-certificates"}, "application/x-pkcs7-certificates", pkcs7},
      {{"application/pem-certificate-chain;q=0.5, application/pkix-cert"}, kDer, der},
      {{"text/html", "application/pkix-cert;q=0.1"}, kDer, der},  // two fields are one list
      {{"application/x-mystery"}, kPem, pem},
      {{"application/pkcs7-mime;smime-type=signed-data"}, kPem, pem},
      {{"application/pkix-cert;q=0"}, kPem, pem},
      {{std::string(5000, ',')}, kPem, pem},
  };
  for (auto const& c : cases) {
    auto const answer = issued.read(issued.url, c.accept);
    SCOPED_TRACE(c.accept.empty() ? "absent" : c.accept.front());
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("Content-Type"), c.content_type);
    EXPECT_EQ(answer.body, c.body);
    EXPECT_FALSE(answer.header("Replay-Nonce").empty());
    EXPECT_TRUE(answer.has_link(issued.url + "/1", "alternate"));
  }
  // Of the other chain, too.
  EXPECT_EQ(issued.read(issued.url + "/1", {kPkcs7}).body,
            as_text(issued.server.app->authority->chain_of(leaf).pkcs7(leaf, ca::ChainEnd::root)));
}

TEST(Certificates, ALeafAloneSaysWhereItsIssuerIs) {  // 8555-7.4.2-1
  Issued issued;
  auto const answer = issued.read(issued.url, {"application/pkix-cert"});
  auto const up = kBase + ca::aia_path(issued.issuing);
  EXPECT_TRUE(answer.has_link(up, "up"));
  auto const issuer = issued.server.get(up);
  EXPECT_EQ(issuer.status, 200);
  EXPECT_EQ(issuer.header("Content-Type"), "application/pkix-cert");
  EXPECT_EQ(issuer.body, as_text(issued.issuing.der()));
  EXPECT_TRUE(x509::Certificate::from_der(as_bytes(answer.body)).value().is_signed_by(issued.issuing.key()));
  for (auto const* more_than_one : {"application/pem-certificate-chain", "application/pkcs7-mime"})
    EXPECT_FALSE(issued.read(issued.url, {more_than_one}).has_link(up, "up")) << more_than_one;
}

}  // namespace
}  // namespace lenscap::acme::test
