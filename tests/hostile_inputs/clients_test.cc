// What stock clients read answers with: regular expressions, strict parsers of times, tables of media types. One walk
// from the account to the certificate over TLS, each answer looked at as such a client does.
#include <gtest/gtest.h>

#include <regex>

#include "acme/wire/order.h"
#include "base/x509/csr.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

// K-02 K-05 K-14
void expect_plain(Answer const& answer, std::string const& what) {
  EXPECT_EQ(answer.header("Content-Type"), "application/json") << what;
  EXPECT_EQ(answer.body.find('\n'), std::string::npos) << what << answer.body;  // K-05
  EXPECT_TRUE(std::regex_search(answer.body, std::regex(R"re(^\{"[A-Za-z]+":)re"))) << what << answer.body;
  EXPECT_EQ(answer.body.find("\":  "), std::string::npos) << what;
  std::regex const time(R"re("([0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*)")re");
  std::regex const plain("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
  for (std::sregex_iterator it(answer.body.begin(), answer.body.end(), time), end; it != end; ++it)
    EXPECT_TRUE(std::regex_match((*it)[1].str(), plain)) << what << (*it)[1];  // K-02
  EXPECT_FALSE(std::regex_search(answer.body, std::regex("[:,[]null"))) << what << answer.body;
  auto const location = answer.header("Location");
  if (answer.status == 201) {
    EXPECT_TRUE(location.starts_with("https://pki.cams.example:8443/acme/")) << what << location;  // K-14
  }
}

TEST(StockClients, ReadEveryAnswer) {
  ServerOnWire on_wire;
  Wire wire(on_wire);
  auto const& urls = on_wire.urls();
  Client client(on_wire.server());
  auto const eab = on_wire.server().add_eab(wide_scope());
  json::Object const request{{"contact", json::Value::strings({"mailto:a@cams.example"})},
                             {"externalAccountBinding", acme::make_eab(eab.kid, eab.mac_key, acme::MacAlgorithm::hs256,
                                                                       urls.new_account(), client.key.public_key())}};
  auto const account = wire.post(client, urls.new_account(), json::write(request));
  ASSERT_EQ(account.status, 201) << account.body;
  expect_plain(account, "newAccount");
  client.kid = account.header("Location");
  auto const order = wire.post(client, urls.new_order(), R"({"identifiers":[{"type":"dns","value":"cam1.example"}]})");
  ASSERT_EQ(order.status, 201) << order.body;
  expect_plain(order, "newOrder");
  expect_plain(wire.get(urls.directory()), "directory");
  auto const authorization = acme::test::first_text(order.object(), "authorizations");
  auto const csr =
      x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), acme::test::names_of({"cam1.example"}));
  auto const url = order.header("Location");
  for (auto const& [what, read] : {std::pair<std::string, std::string>("account", client.kid),
                                   {"orders", client.kid + "/orders"},
                                   {"authorization", authorization},
                                   {"order", url}}) {
    auto const answer = wire.post(client, read, "");
    EXPECT_EQ(answer.status, 200) << what;
    expect_plain(answer, what);
  }
  auto const done = wire.post(client, url + "/finalize", json::write(acme::finalize_to_json(csr)));
  expect_plain(done, "finalize");
  EXPECT_EQ(done.text("status"), "valid") << done.body;
  auto const chain = wire.post(client, done.text("certificate"), "");
  EXPECT_EQ(chain.header("Content-Type"), "application/pem-certificate-chain");
  // B-15, S-13: certificates and nothing else, lines end in LF, the last one too; leaf first, no root.
  std::regex const block(
      R"(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,63}=*\n-----END CERTIFICATE-----\n)");
  auto rest = chain.body;
  int blocks = 0;
  for (std::smatch found; std::regex_search(rest, found, block, std::regex_constants::match_continuous); ++blocks)
    rest = found.suffix();
  EXPECT_EQ(rest, "") << chain.body;
  EXPECT_EQ(blocks, 2);
  EXPECT_TRUE(wire.is_open());  // K-15: all of it over one connection
}

}  // namespace
}  // namespace lenscap::hostile
