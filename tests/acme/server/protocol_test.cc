// RFC 8555 sections 6.1 to 6.7: what every signed request must be, whatever it asks for.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

json::Object header_of(std::string_view alg, std::string const& nonce, std::string const& url) {
  return {{"alg", alg}, {"nonce", nonce}, {"url", url}};
}

std::string b64(std::string_view text) { return to_base64url(as_bytes(text)); }

// A JWS as it should not be; it must be refused before anybody looks at the signature.
std::string jws_of(std::string const& protected_header, std::string_view payload, json::Object more = {}) {
  more.set("protected", b64(protected_header)).set("payload", b64(payload));
  if (more.find("signature") == nullptr) more.set("signature", to_base64url(Bytes(64, 1)));
  return json::write(more);
}

class Protocol : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;

  // Everything that the store holds.
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> all;
    server.app->store->read([&](store::ReadTxn& txn) {
      for (auto const& table : txn.tables())
        txn.scan(store::Table{table}, "", [&](std::string_view key, std::string_view value) {
          all.emplace(table + "/" + std::string(key), value);
          return true;
        });
    });
    return all;
  }
};

// Each row is a request that must be refused with this status and problem type, a fresh nonce and the index link, and
// that must leave the store as it was.
TEST_F(Protocol, Refusals) {
  auto const order_url = urls.new_order();
  auto const good = [&](std::string const& payload) { return client.sign(order_url, payload, server.nonce()); };
  auto const with_header = [&](json::Object const& header, json::Object more = {}) {
    return jws_of(json::write(header), "{}", std::move(more));
  };
  auto const header = [&](std::string_view alg = "ES256") {
    auto object = header_of(alg, server.nonce(), order_url);
    return object.set("kid", client.kid);
  };
  auto const jwk = to_jwk(client.key.public_key());
  auto const edited = [&](std::string_view member, json::Value value) {
    auto object = json::parse_object(good("{}")).value();
    return json::write(object.set(member, std::move(value)));
  };
  Client stranger(server);
  stranger.kid = client.kid;
  Client nobody(server);
  nobody.kid = urls.account("06h0mc3670u7a3skp9s7s2l34t2btm139dc0");

  struct Case {
    char const* id;
    std::string body;
    int status;
    char const* problem;
    std::string content_type = "application/jose+json";
  };
  std::vector<Case> const cases{
      {"8555-6.2-1 empty", "", 400, "malformed"},
      {"8555-6.2-1 no JWS", "{\"identifiers\":[]}", 400, "malformed"},
      {"8555-6.2-2 compact form", "a.b.c", 400, "malformed"},
      {"8555-6.2-3 signatures", edited("signatures", json::Array{}), 400, "malformed"},
      {"8555-6.2-4 unprotected header", edited("header", json::Object{{"kid", "x"}}), 400, "malformed"},
      {"8555-6.2-5 crit", with_header(header().set("crit", json::Value::strings({"exp"}))), 400, "malformed"},
      {"8555-6.2-5 b64", with_header(header().set("b64", false)), 400, "malformed"},
      {"8555-6.2-6 no payload",
       json::write(json::Object{{"protected", b64(json::write(header()))}, {"signature", "AA"}}), 400, "malformed"},
      {"8555-6.2-7 no alg",
       with_header(json::Object{{"nonce", server.nonce()}, {"url", order_url}, {"kid", client.kid}}), 400, "malformed"},
      {"8555-6.2-8 jwk and kid", with_header(header().set("jwk", jwk)), 400, "malformed"},
      {"8555-6.2-8 neither", with_header(header_of("ES256", server.nonce(), order_url)), 400, "malformed"},
      {"8555-6.2-9 none", with_header(header("none")), 400, "badSignatureAlgorithm"},
      {"8555-6.2-9 MAC", with_header(header("HS256")), 400, "badSignatureAlgorithm"},
      {"8555-6.2-12 unknown alg", with_header(header("ES999")), 400, "badSignatureAlgorithm"},
      {"8555-6.2-15 jwk where kid is due", client.sign(order_url, "{}", server.nonce(), false), 400, "malformed"},
      {"8555-6.2-16 no such account", nobody.sign(order_url, "{}", server.nonce()), 400, "accountDoesNotExist"},
      {"8555-6.2-16 kid that is no URL of ours",
       with_header(header().set("kid", "https://other.example/acme/account/1")), 400, "accountDoesNotExist"},
      {"8555-6.2-16 kid without host", with_header(header().set("kid", client.kid.substr(std::string(kBase).size()))),
       400, "accountDoesNotExist"},
      {"8555-6.2-17 JSON", good("{}"), 415, "malformed", "application/json"},
      {"8555-6.2-17 none", good("{}"), 415, "malformed", ""},
      {"8555-6.2-17 near", good("{}"), 415, "malformed", "application/jose+jsonx"},
      {"8555-6.2-18 another alg than the key's", with_header(header("RS256")), 400, "badSignatureAlgorithm"},
      {"8555-6.2-18 short signature", edited("signature", to_base64url(Bytes(63, 1))), 400, "malformed"},
      {"8555-6.2-18 zero signature", edited("signature", to_base64url(Bytes(64, 0))), 400, "malformed"},
      {"8555-6.2-1 signature of another key", stranger.sign(order_url, "{}", server.nonce()), 400, "malformed"},
      {"8555-6.2-19 duplicate member", "{\"payload\":\"\",\"payload\":\"\",\"protected\":\"\",\"signature\":\"\"}", 400,
       "malformed"},
      {"8555-6.2-19 trailing data", good("{}") + "{}", 400, "malformed"},
      {"8555-6.1-5 padded base64", edited("payload", "e30="), 400, "malformed"},
      {"8555-5-1 not UTF-8", good("{\"identifiers\":\"\xff\"}"), 400, "malformed"},
      {"8555-6.4-1 no url", with_header(json::Object{{"alg", "ES256"}, {"nonce", server.nonce()}, {"kid", client.kid}}),
       403, "unauthorized"},
      {"8555-6.4-2 another url", client.sign(urls.new_account(), "{}", server.nonce()), 403, "unauthorized"},
      {"8555-6.4-3 slash", client.sign(order_url + "/", "{}", server.nonce()), 403, "unauthorized"},
      {"8555-6.4-3 query", client.sign(order_url + "?", "{}", server.nonce()), 403, "unauthorized"},
      {"8555-6.4-4 without port", client.sign("https://pki.cams.example/acme/new-order", "{}", server.nonce()), 403,
       "unauthorized"},
      {"8555-6.4-4 scheme", client.sign("http://pki.cams.example:8443/acme/new-order", "{}", server.nonce()), 403,
       "unauthorized"},
      {"8555-6.4-4 upper case", client.sign("https://PKI.cams.example:8443/acme/new-order", "{}", server.nonce()), 403,
       "unauthorized"},
      {"8555-6.5-3 foreign nonce", client.sign(order_url, "{}", Nonces().issue()), 400, "badNonce"},
      {"8555-6.5-5 no nonce", with_header(json::Object{{"alg", "ES256"}, {"url", order_url}, {"kid", client.kid}}), 400,
       "badNonce"},
      {"8555-6.5.2-1 nonce that is not base64url", with_header(header().set("nonce", "+++=")), 400, "malformed"},
      {"8555-6.3-3 payload that is no object", good("[]"), 400, "malformed"},
  };
  auto const before = contents();
  for (auto const& c : cases) {
    SCOPED_TRACE(c.id);
    auto const answer = server.post(order_url, c.body, c.content_type);
    EXPECT_EQ(contents(), before);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << answer.body;  // 8555-6.7-1, 8555-6.7-3
    EXPECT_FALSE(answer.detail().empty());
    EXPECT_EQ(answer.object().find("subproblems"), nullptr);  // never null: 8555-6.7.1-1
    EXPECT_TRUE(answer.has_link(urls.directory(), "index"));  // 8555-7.1-2
    auto const nonce = answer.header("Replay-Nonce");         // 8555-6.5-2
    EXPECT_TRUE(from_base64url(nonce).ok() && !nonce.empty());
    auto const again = server.post(urls.directory(), client.sign(urls.directory(), "", nonce));
    EXPECT_EQ(again.status, 200) << again.body;  // 8555-6.5-6
  }
}

// JSON and JWS that libraries read in more than one way, or that cost more than they are worth. Signed by the account,
// so that nothing but their form can be the reason.
TEST_F(Protocol, HostilePayloads) {  // 8555-5-1, 8555-6.2-19
  auto const order_url = urls.new_order();
  std::string deep = "{\"identifiers\":";
  deep += std::string(20'000, '[') + std::string(20'000, ']') + "}";
  std::string wide = "{\"identifiers\":[";
  for (int i = 0; i < 600; ++i) wide += "1,";
  wide += "1]}";
  std::pair<char const*, std::string> const cases[] = {
      {"a member twice", R"({"identifiers":[],"identifiers":[]})"},
      {"a member twice, once escaped", R"({"identifiers":[],"\u0069dentifiers":[]})"},
      {"overlong UTF-8", "{\"identifiers\":\"\xC0\xAF\"}"},
      {"half a surrogate", R"({"identifiers":"\ud800"})"},
      {"U+0000", R"({"identifiers":"a\u0000b"})"},
      {"a byte order mark", "\xEF\xBB\xBF{\"identifiers\":[]}"},
      {"too deep", deep},
      {"too many values", wide},
      {"a number beyond all numbers", R"({"identifiers":1e400})"},
      {"400 digits", "{\"identifiers\":" + std::string(400, '9') + "}"},
      {"a mantissa without end", "{\"identifiers\":0." + std::string(30'000, '9') + "}"},
      {"a comment", "{\"identifiers\":[]/**/}"},
      {"NaN", R"({"identifiers":NaN})"},
      {"a final comma", R"({"identifiers":[],})"},
      {"two values", "{}{}"},
  };
  for (auto const& [name, payload] : cases) {
    SCOPED_TRACE(name);
    auto const answer = client.post(order_url, payload);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.problem(), "malformed") << answer.body;
    EXPECT_FALSE(answer.header("Replay-Nonce").empty());
  }
}

// What an attacker writes into header and key so that the wrong key, or none, verifies.
TEST_F(Protocol, HostileHeadersAndKeys) {  // 8555-6.2-5, -7, -9, -13, -18
  auto const url = urls.new_account();
  auto const ec = to_jwk(client.key.public_key());
  auto const rsa = to_jwk(x509::PrivateKey::generate(x509::KeyType::rsa).public_key());
  auto const weak = to_jwk(x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key());
  auto const p384 = to_jwk(x509::PrivateKey::generate(x509::KeyType::ec_p384).public_key());
  auto const with = [](json::Object jwk, char const* member, json::Value value) {
    return jwk.set(member, std::move(value));
  };
  auto const text = [](json::Object const& jwk, char const* member) { return *jwk.find(member)->as_string(); };
  auto const jwk_case = [&](char const* alg, json::Value jwk) {
    return header_of(alg, server.nonce(), url).set("jwk", std::move(jwk));
  };
  auto const zeros = to_base64url(Bytes(32, 0));
  struct Case {
    char const* name;
    json::Object header;
    char const* problem;
  };
  Case const cases[] = {
      {"none", jwk_case("none", ec), "badSignatureAlgorithm"},
      {"None", jwk_case("None", ec), "badSignatureAlgorithm"},
      {"HS256 with a public key", jwk_case("HS256", rsa), "badSignatureAlgorithm"},
      {"HS256 with a key of its own", jwk_case("HS256", json::Object{{"kty", "oct"}, {"k", "AA"}}),
       "badSignatureAlgorithm"},
      {"RS256 for an EC key", jwk_case("RS256", ec), "badSignatureAlgorithm"},
      {"ES256 for an RSA key", jwk_case("ES256", rsa), "badSignatureAlgorithm"},
      {"ES256 for a P-384 key", jwk_case("ES256", p384), "badSignatureAlgorithm"},
      {"the jwk's alg is another", jwk_case("ES256", with(ec, "alg", "ES384")), "badSignatureAlgorithm"},
      {"PS256", jwk_case("PS256", rsa), "badSignatureAlgorithm"},
      {"a symmetric jwk", jwk_case("ES256", json::Object{{"kty", "oct"}, {"k", "AA"}}), "malformed"},
      {"a private jwk", jwk_case("ES256", with(ec, "d", "AA")), "malformed"},
      {"a point off the curve", jwk_case("ES256", with(ec, "y", text(ec, "x"))), "badPublicKey"},
      {"the point at infinity", jwk_case("ES256", with(with(ec, "x", zeros), "y", zeros)), "badPublicKey"},
      {"a short coordinate", jwk_case("ES256", with(ec, "x", to_base64url(Bytes(31, 1)))), "malformed"},
      {"a padded coordinate", jwk_case("ES256", with(ec, "x", text(ec, "x") + "=")), "malformed"},
      {"another curve's name", jwk_case("ES256", with(ec, "crv", "secp256k1")), "badPublicKey"},
      {"a small RSA key", jwk_case("RS256", weak), "badPublicKey"},
      {"an exponent of 1", jwk_case("RS256", with(rsa, "e", "AQ")), "badPublicKey"},
      {"a huge modulus", jwk_case("RS256", with(rsa, "n", to_base64url(Bytes(2048, 0xff)))), "badPublicKey"},
      {"a modulus with a leading zero", jwk_case("RS256", with(rsa, "n", "AA" + text(rsa, "n"))), "malformed"},
      {"a key for encryption", jwk_case("ES256", with(ec, "use", "enc")), "badPublicKey"},
      {"kid and jwk", jwk_case("ES256", ec).set("kid", client.kid), "malformed"},
      {"crit", jwk_case("ES256", ec).set("crit", json::Value::strings({"url"})), "malformed"},
      {"b64", jwk_case("ES256", ec).set("b64", true), "malformed"},
      {"url a list", jwk_case("ES256", ec).set("url", json::Value::strings({url})), "malformed"},
      {"nonce with padding", jwk_case("ES256", ec).set("nonce", server.nonce() + "="), "malformed"},
      {"nonce with a line end", jwk_case("ES256", ec).set("nonce", server.nonce() + "\n"), "malformed"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const answer = server.post(url, jws_of(json::write(c.header), "{}"));
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << answer.body;
    EXPECT_EQ(answer.object().find("algorithms") != nullptr, answer.problem() == "badSignatureAlgorithm");
    EXPECT_GT(answer.detail().size(), 10U);  // 8555-6.2-13: says why
  }
}

TEST_F(Protocol, HeaderMembersThatMeanNothingHereArePassedOver) {  // RFC 7515 4: typ, zip, x5c, jku
  auto const url = urls.directory();
  auto const header = header_of("ES256", server.nonce(), url)
                          .set("kid", client.kid)
                          .set("typ", "JOSE")
                          .set("zip", "DEF")
                          .set("x5c", json::Array{})
                          .set("jku", "https://attacker.example/keys");
  auto const protected_text = b64(json::write(header));
  // Signed by hand: the signer of the house writes no such members. r || s from the DER of the key.
  auto const der = client.key.sign(HashAlgorithm::sha256, as_bytes(protected_text + "."));
  Bytes raw;
  for (std::size_t at = 2; at + 1 < der.size();) {
    std::size_t const size = der[at + 1];
    Bytes number(der.begin() + static_cast<std::ptrdiff_t>(at + 2),
                 der.begin() + static_cast<std::ptrdiff_t>(at + 2 + size));
    if (number.size() > 32) number.erase(number.begin());
    number.insert(number.begin(), 32 - number.size(), 0);
    raw.insert(raw.end(), number.begin(), number.end());
    at += 2 + size;
  }
  json::Object const jws{{"protected", protected_text}, {"payload", ""}, {"signature", to_base64url(raw)}};
  EXPECT_EQ(server.post(url, json::write(jws)).status, 200);
}

TEST_F(Protocol, AnUnsupportedAlgorithmIsToldWhatWorks) {  // 8555-6.2-12
  auto const header = header_of("ES999", server.nonce(), urls.new_order()).set("kid", client.kid);
  auto const answer = server.post(urls.new_order(), jws_of(json::write(header), "{}"));
  auto const algorithms = json::need_strings(answer.object(), "algorithms");
  ASSERT_TRUE(algorithms.ok()) << answer.body;
  EXPECT_EQ(algorithms->size(), signature_algorithms().size());
}

TEST_F(Protocol, EveryAdvertisedAlgorithmWorks) {  // 8555-6.2-10, 8555-6.2-11, 8555-6.2-12
  for (auto const& algorithm : signature_algorithms()) {
    if (algorithm.key == x509::KeyType::rsa && algorithm.name != "RS256") continue;
    Client other(server, algorithm.key);
    auto const eab = server.add_eab(server.grant_scope());
    EXPECT_EQ(other.new_account(&eab).status, 201) << algorithm.name;
    EXPECT_EQ(other.read(other.kid).status, 200) << algorithm.name;
  }
}

TEST_F(Protocol, TheMediaTypeMayHaveAnyCaseAndParameters) {  // 8555-6.2-17
  for (auto const* type : {"application/jose+json", "Application/JOSE+JSON", "application/jose+json; charset=utf-8"}) {
    auto const answer = server.post(urls.directory(), client.sign(urls.directory(), "", server.nonce()), type);
    EXPECT_EQ(answer.status, 200) << type;
  }
}

TEST_F(Protocol, ANonceWorksOnceAndNotForAFailedRequestEither) {  // 8555-6.5-4
  auto const nonce = server.nonce();
  auto const url = urls.directory();
  EXPECT_EQ(server.post(url, client.sign(url, "", nonce)).status, 200);
  EXPECT_EQ(server.post(url, client.sign(url, "", nonce)).problem(), "badNonce");

  auto const second = server.nonce();  // the signature is good, the url is not: the nonce is gone
  EXPECT_EQ(server.post(url, client.sign(urls.new_order(), "", second)).problem(), "unauthorized");
  EXPECT_EQ(server.post(url, client.sign(url, "", second)).problem(), "badNonce");
}

TEST_F(Protocol, NobodyWithoutTheKeyCanBurnANonce) {
  auto const nonce = server.nonce();
  auto const url = urls.directory();
  Client stranger(server);
  stranger.kid = client.kid;
  EXPECT_EQ(server.post(url, stranger.sign(url, "", nonce)).status, 400);
  EXPECT_EQ(server.post(url, client.sign(url, "", nonce)).status, 200);
}

TEST_F(Protocol, OneNonceInManyRequestsAtOnceHasOneSuccess) {  // 8555-6.5-7
  auto const url = urls.directory();
  for (int round = 0; round < 20; ++round) {
    auto const body = client.sign(url, "", server.nonce());
    std::atomic<int> succeeded = 0, bad_nonce = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 64; ++i)
      threads.emplace_back([&] {
        auto const answer = server.post(url, body);
        if (answer.status == 200) ++succeeded;
        if (answer.problem() == "badNonce") ++bad_nonce;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(succeeded, 1);
    EXPECT_EQ(bad_nonce, 63);
  }
}

TEST_F(Protocol, ReplayNonceInARequestMeansNothing) {  // 8555-6.5.1-2
  auto request = make_request(net::Method::post, urls.directory());
  request.headers.add("Content-Type", "application/jose+json");
  request.headers.add("Replay-Nonce", server.nonce());
  request.body = client.sign(urls.directory(), "", server.nonce());
  EXPECT_EQ(server.send(request).status, 200);
}

TEST_F(Protocol, GetIsForDirectoryAndNewNonceAlone) {  // 8555-6.3-1
  for (auto const& url :
       {urls.new_account(), urls.new_order(), client.kid, urls.orders("x"), urls.order("x"), urls.finalize("x"),
        urls.authorization("x"), urls.challenge("x", "1"), urls.certificate("x")}) {
    auto const answer = server.get(url);
    EXPECT_EQ(answer.status, 405) << url;
    EXPECT_EQ(answer.problem(), "malformed") << url;
    EXPECT_EQ(answer.header("Allow"), "POST") << url;
    EXPECT_FALSE(answer.header("Replay-Nonce").empty()) << url;
  }
  EXPECT_EQ(server.get("/acme/nothing").problem(), "malformed");
  EXPECT_EQ(server.get("/acme/nothing").status, 404);
}

TEST_F(Protocol, DirectoryByGetAndByPostAsGet) {  // 8555-6.3-4, 8555-7.1-1, 8555-7.1.1-1
  auto const got = server.get(urls.directory());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.header("Content-Type"), "application/json");
  EXPECT_FALSE(got.has_link(urls.directory(), "index"));
  EXPECT_EQ(got.text("newOrder"), urls.new_order());
  EXPECT_EQ(got.text("revokeCert"), urls.revoke_cert());
  auto const posted = client.read(urls.directory());
  EXPECT_EQ(posted.body, got.body);
  EXPECT_EQ(client.post(urls.directory(), "{}").problem(), "malformed");  // 8555-6.3-3
}

TEST_F(Protocol, NewNonce) {  // K-16, 8555-7.2-1, 8555-7.2-2, 8555-7.2-3
  auto const head = server.send(make_request(net::Method::head, urls.new_nonce()));
  auto const get = server.get(urls.new_nonce());
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(get.status, 204);
  EXPECT_TRUE(get.body.empty());
  for (auto const* answer : {&head, &get}) {
    EXPECT_EQ(answer->headers.count("Replay-Nonce"), 1u);
    EXPECT_EQ(answer->header("Cache-Control"), "no-store");
    EXPECT_TRUE(answer->has_link(urls.directory(), "index"));
  }
  EXPECT_EQ(client.read(urls.new_nonce()).status, 204);
}

TEST_F(Protocol, ARequestWorksAtItsOwnUrlAlone) {  // 8555-6.4-2
  auto const urls_of_all = std::vector<std::string>{
      urls.new_order(),      client.kid,      urls.orders("x"), urls.order("x"), urls.authorization("x"),
      urls.certificate("x"), urls.directory()};
  for (auto const& signed_for : urls_of_all)
    for (auto const& sent_to : urls_of_all) {
      if (signed_for == sent_to) continue;
      auto const answer = server.post(sent_to, client.sign(signed_for, "", server.nonce()));
      EXPECT_EQ(answer.problem(), "unauthorized") << signed_for << " at " << sent_to;
    }
}

TEST_F(Protocol, NothingOfAcmeIsServedInClear) {  // 8555-6.1-1
  for (auto const& url : {urls.directory(), urls.new_nonce(), urls.new_account(), urls.new_order()}) {
    EXPECT_EQ(server.send_web(make_request(net::Method::get, url)).status, 404) << url;
    EXPECT_EQ(server.send_web(make_request(net::Method::post, url)).status, 404) << url;
  }
}

// Some appliances pad their CSR. The switch is for this one field: whatever else is padded stays refused.
TEST(Padding, OfTheCsrAloneAndOnlyWhereTheSettingsSaySo) {  // 8555-6.1-5
  for (bool const allowed : {false, true}) {
    SCOPED_TRACE(allowed);
    TestServer server({.settings = allowed ? "csr_padding = \"allow\"\n" : ""});
    auto client = granted_client(server);
    auto const order = client.new_order({"cam1.cams.example"});
    auto const finalize = order.text("finalize");
    Bytes csr;
    do csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names_of({"cam1.cams.example"}));
    while (csr.size() % 3 == 0);
    auto const padded = to_base64url(csr) + (csr.size() % 3 == 1 ? "==" : "=");
    json::Object const payload{{"csr", padded}};

    auto jws = json::parse_object(client.sign(finalize, json::write(payload) + "  ", server.nonce())).value();
    jws.set("payload", json::need_string(jws, "payload").value() + "=");
    EXPECT_EQ(server.post(finalize, json::write(jws)).problem(), "malformed");

    auto const answer = client.post(finalize, json::write(payload));
    EXPECT_EQ(answer.status, allowed ? 200 : 400) << answer.body;
    EXPECT_EQ(answer.problem(), allowed ? "" : "malformed");
    EXPECT_EQ(client.read(order.header("Location")).text("status"), allowed ? "valid" : "ready");  // 8555-7.4-6

    json::Object const too_much{{"csr", padded + "="}};
    auto const second = client.new_order({"cam1.cams.example"});
    EXPECT_EQ(client.post(second.text("finalize"), json::write(too_much)).problem(), "malformed");
  }
}

}  // namespace
}  // namespace lenscap::acme::test
