// Table J of hostile inputs: signed requests that libraries read in more than one way, that are signed by the wrong key
// or for something else, or whose JSON is not what it seems. Sent over one TLS connection, which outlives them all.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "acme/wire/jws.h"
#include "acme/wire/key_change.h"
#include "ca/audit_head.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

using acme::to_jwk;
using x509::KeyType;
using x509::PrivateKey;

std::string b64(std::string_view text) { return to_base64url(as_bytes(text)); }

// r || s out of the DER that the key's own signer makes.
Bytes raw_signature(PrivateKey const& key, std::string_view text) {
  auto const der = key.sign(HashAlgorithm::sha256, as_bytes(text));
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
  return raw;
}

std::string jws_of(std::string const& protected_text, std::string const& payload_text, std::string const& signature) {
  return json::write(json::Object{{"protected", protected_text}, {"payload", payload_text}, {"signature", signature}});
}

struct JwsCase {
  std::string name;  // its id first
  std::string body;
  std::string problem = "malformed";
  int status = 400;
  std::string headers = "";  // besides Content-Type
};

class HostileJws : public ::testing::Test {
 protected:
  ServerOnWire on_wire;
  Client client = on_wire.client();
  Wire wire{on_wire};
  std::string const url = on_wire.urls().new_order();
  TestServer& server = on_wire.server();

  json::Object header(std::string_view alg = "ES256") {
    return {{"alg", alg}, {"nonce", server.nonce()}, {"url", url}, {"kid", client.kid}};
  }
  json::Object jwk_header(json::Value jwk, std::string_view alg = "ES256") {
    return {{"alg", alg}, {"nonce", server.nonce()}, {"url", on_wire.urls().new_account()}, {"jwk", std::move(jwk)}};
  }
  // Well signed by the client's key, whatever stands in it: only its form can be the reason of a refusal.
  std::string signed_text(std::string const& header_text, std::string const& payload = "{}") {
    auto const text = b64(header_text);
    return jws_of(text, b64(payload), to_base64url(raw_signature(client.key, text + "." + b64(payload))));
  }
  std::string signed_with(json::Object const& header_object, std::string const& payload = "{}") {
    return signed_text(json::write(header_object), payload);
  }
  // A good request with one member of the JWS set to something else.
  std::string edited(std::string_view member, json::Value value) {
    auto object = json::parse_object(client.sign(url, "{}", server.nonce())).value();
    return json::write(object.set(member, std::move(value)));
  }
  void expect_refusals(std::vector<JwsCase> const& cases, std::string const& to) {
    wait_for_chores();
    auto const before = contents();
    for (auto const& c : cases) {
      auto const answer =
          wire.send(wire.request("POST", to, c.body, "Content-Type: application/jose+json\r\n" + c.headers));
      expect_problem(answer, c.status, c.problem, c.name);
      EXPECT_EQ(answer.object().find("algorithms") != nullptr, c.problem == "badSignatureAlgorithm") << c.name;
      // The refusal's nonce is good, and its connection too (J-20).
      auto const directory = on_wire.urls().directory();
      auto const again = wire.post(directory, client.sign(directory, "", answer.header("Replay-Nonce")));
      EXPECT_EQ(again.status, 200) << c.name << again.body;
    }
    EXPECT_EQ(contents(), before);
    EXPECT_TRUE(wire.is_open());
  }
  // What the server writes by itself when it starts: signing the audit trail's head is the last of it, and the next one
  // is ten minutes off.
  void wait_for_chores() {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (bool is_signed = false; !is_signed && std::chrono::steady_clock::now() < end; std::this_thread::yield())
      server.app->store->read([&](store::ReadTxn& txn) { is_signed = ca::last_audit_head(txn).has_value(); });
  }
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

// J-01 J-02 J-03 J-04 J-05 J-06 J-07 J-08 J-35 J-36 J-39: who signs, and how
TEST_F(HostileJws, AlgorithmsAndKeys) {
  auto const ec = to_jwk(client.key.public_key());
  auto const rsa = to_jwk(PrivateKey::generate(KeyType::rsa).public_key());
  auto const p384 = to_jwk(PrivateKey::generate(KeyType::ec_p384).public_key());
  auto const fresh = to_jwk(PrivateKey::generate(KeyType::ec_p256).public_key());
  auto const with = [](json::Object jwk, char const* member, json::Value value) {
    return jwk.set(member, std::move(value));
  };
  auto const zeros = to_base64url(Bytes(32, 0));
  std::string const bad_alg = "badSignatureAlgorithm";
  auto const twice = [&] {
    auto text = json::write(jwk_header(fresh));
    return text.replace(text.find("\"kty\""), 5, "\"kty\":\"EC\",\"kty\"");
  }();
  auto const new_account = on_wire.urls().new_account();
  expect_refusals(
      {
          {"J-01 none", signed_with(jwk_header(fresh, "none")), bad_alg},
          {"J-01 None", signed_with(jwk_header(fresh, "None")), bad_alg},
          {"J-02 HS256 with an RSA key", signed_with(jwk_header(rsa, "HS256")), bad_alg},
          {"J-02 HS256 with a secret", signed_with(jwk_header(json::Object{{"kty", "oct"}, {"k", "AA"}}, "HS256")),
           bad_alg},
          {"J-03 RS256 for an EC key", signed_with(jwk_header(fresh, "RS256")), bad_alg},
          {"J-03 ES256 for an RSA key", signed_with(jwk_header(rsa)), bad_alg},
          {"J-04 the JWK's own alg", signed_with(jwk_header(with(fresh, "alg", "ES384"))), bad_alg},
          {"J-05 ES999", signed_with(jwk_header(fresh, "ES999")), bad_alg},
          {"J-05 es256", signed_with(jwk_header(fresh, "es256")), bad_alg},
          {"J-06 jwk and kid", signed_with(jwk_header(ec).set("kid", client.kid))},
          {"J-07 neither", signed_with({{"alg", "ES256"}, {"nonce", server.nonce()}, {"url", new_account}})},
          {"J-08 kid at newAccount", client.sign(new_account, "{}", server.nonce())},
          {"J-35 P-384 as ES256", signed_with(jwk_header(p384)), bad_alg},
          {"J-35 P-384 named P-256", signed_with(jwk_header(with(p384, "crv", "P-256")))},
          {"J-36 off the curve", signed_with(jwk_header(with(fresh, "y", *fresh.find("x")))), "badPublicKey"},
          {"J-36 at infinity", signed_with(jwk_header(with(with(fresh, "x", zeros), "y", zeros))), "badPublicKey"},
          {"J-39 kty twice", signed_text(twice)},
      },
      new_account);
  expect_refusals({{"J-08 jwk at newOrder", client.sign(url, "{}", server.nonce(), false)}}, url);
}

// J-09 J-10 J-11: whose account
TEST_F(HostileJws, Accounts) {
  auto const other = on_wire.client();
  auto gone = on_wire.client();
  ASSERT_EQ(gone.post(gone.kid, R"({"status":"deactivated"})").status, 200);
  auto const with_kid = [&](std::string const& kid) { return signed_with(header().set("kid", kid)); };
  std::string const none = "accountDoesNotExist";
  auto const path = client.kid.substr(std::string(acme::test::kBase).size());
  expect_refusals(
      {
          {"J-09 another host", with_kid("https://other.example" + path), none},
          {"J-09 another port", with_kid("https://pki.cams.example" + path), none},
          {"J-09 clear", with_kid("http://pki.cams.example:8443" + path), none},
          {"J-09 a path", with_kid(path), none},
          {"J-09 more behind it", with_kid(client.kid + "/"), none},
          {"J-09 less", with_kid(client.kid.substr(0, client.kid.size() - 1)), none},
          {"J-09 upper case", with_kid("https://PKI.cams.example:8443" + path), none},
          {"J-10 another account's", with_kid(other.kid)},
          {"J-11 deactivated", gone.sign(url, "{}", server.nonce()), "unauthorized", 401},
          {"J-11 deactivated, with nothing to say", gone.sign(url, "", server.nonce()), "unauthorized", 401},
      },
      url);
}

// J-12 J-13 B-09 K-17: what was signed is this URL of this server, to the letter
TEST_F(HostileJws, Urls) {
  auto const at = [&](std::string const& signed_for) { return client.sign(signed_for, "{}", server.nonce()); };
  auto without = header();
  json::Object no_url;
  for (auto const& member : without.members())
    if (member.first != "url") no_url.set(member.first, member.second);
  std::string const no = "unauthorized";
  expect_refusals(
      {
          {"J-12 scheme", at("http://pki.cams.example:8443/acme/new-order"), no, 403},
          {"J-12 host", at("https://other.example:8443/acme/new-order"), no, 403},
          {"J-12 no port", at("https://pki.cams.example/acme/new-order"), no, 403},
          {"J-12 port", at("https://pki.cams.example:443/acme/new-order"), no, 403},
          {"J-12 case", at("https://pki.cams.example:8443/acme/New-Order"), no, 403},
          {"J-12 query", at(url + "?a=b"), no, 403},
          {"J-12 empty query", at(url + "?"), no, 403},
          {"J-12 slash", at(url + "/"), no, 403},
          {"J-12 coded", at("https://pki.cams.example:8443/acme/new%2Dorder"), no, 403},
          {"J-12 a path", at("/acme/new-order"), no, 403},
          {"J-12 another of ours", at(on_wire.urls().new_account()), no, 403},
          {"J-13 none", signed_with(no_url), no, 403},
          {"J-13 a list", signed_with(header().set("url", json::Value::strings({url})))},
          {"J-13 null", signed_with(header().set("url", json::Value()))},
      },
      url);
  // What Host says makes no difference: neither does it make a foreign url good, nor a good one bad.
  auto const foreign = at("https://other.example/acme/new-order");
  auto const good = client.sign(on_wire.urls().directory(), "", server.nonce());
  auto const with_host = [](std::string const& path, std::string const& body) {
    return "POST " + path +
           " HTTP/1.1\r\nHost: other.example\r\nContent-Type: application/jose+json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  expect_problem(wire.send(with_host("/acme/new-order", foreign)), 403, "unauthorized", "foreign url and Host");
  auto const answer = wire.send(with_host("/acme/directory", good));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.find("other.example"), std::string::npos);
}

// J-14 J-15 J-16 J-17 J-18 J-19 J-20 B-01 B-06
TEST_F(HostileJws, NoncesAndWhatARefusalBringsAlong) {
  auto const used = server.nonce();
  EXPECT_EQ(wire.post(on_wire.urls().directory(), client.sign(on_wire.urls().directory(), "", used)).status, 200);
  auto const with_nonce = [&](json::Value nonce) { return signed_with(header().set("nonce", std::move(nonce))); };
  json::Object no_nonce{{"alg", "ES256"}, {"url", url}, {"kid", client.kid}};
  auto changed = server.nonce();
  changed[3] = changed[3] == 'A' ? 'B' : 'A';
  std::string const bad = "badNonce";
  auto const old = server.nonce();
  for (std::uint64_t i = 0; i <= acme::Nonces::kWindow; ++i) server.app->nonces.issue();
  auto const fresh = server.nonce();
  expect_refusals(
      {
          {"J-14 none", signed_with(no_nonce), bad},
          {"J-14 empty", with_nonce(""), bad},
          {"J-14 null", with_nonce(json::Value())},
          {"J-15 twice", with_nonce(used), bad},
          {"J-16 another server's", with_nonce(acme::Nonces().issue()), bad},
          {"J-16 changed", with_nonce(changed), bad},
          {"J-16 short", with_nonce("AAAA"), bad},
          {"J-17 with padding", with_nonce(server.nonce() + "=")},
          {"J-17 with a line end", with_nonce(server.nonce() + "\n")},
          {"J-17 the other alphabet", with_nonce("+/+/")},
          {"J-17 a number", with_nonce(5)},
          {"J-18 expired", with_nonce(old), bad},
          {"J-19 in the header of the request", with_nonce(used), bad, 400, "Replay-Nonce: " + fresh + "\r\n"},
      },
      url);
}

// J-22 J-23 J-25 J-26 J-27 J-28 J-29 J-30 J-31 J-32 J-33 J-34 J-38: the JWS itself
TEST_F(HostileJws, Forms) {
  auto const order = from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  Bytes one(32, 0);
  one.back() = 1;
  auto const numbers = [](Bytes r, Bytes const& s) {
    r.insert(r.end(), s.begin(), s.end());
    return to_base64url(r);
  };
  Bytes const zero(32, 0), ones(32, 0xff);
  auto const spoilt = [&](std::string_view member, auto change) {
    auto const object = json::parse_object(client.sign(url, "{}", server.nonce())).value();
    auto edited_object = object;
    return json::write(edited_object.set(member, change(*object.find(member)->as_string())));
  };
  auto const padded = [](std::string text) { return text + "="; };
  auto const blank = [](std::string text) { return text + " "; };
  auto const line = [](std::string text) { return text.insert(4, "\n"); };
  auto const plus = [](std::string text) { return text.replace(1, 2, "+/"); };
  auto const loose = [](std::string text) {  // 64 octets leave four bits of the last character unused
    text.back() = text.back() == 'A' ? 'B' : static_cast<char>(text.back() + 1);
    return text;
  };
  auto const good_der = to_base64url(client.key.sign(HashAlgorithm::sha256, as_bytes("x")));
  auto const twice = json::write(header());
  expect_refusals(
      {
          {"J-22 b64 false", signed_with(header().set("b64", false))},
          {"J-22 b64 in crit", signed_with(header().set("b64", false).set("crit", json::Value::strings({"b64"})))},
          {"J-23 crit", signed_with(header().set("crit", json::Value::strings({"exp"})).set("exp", 1))},
          {"J-23 crit of what is known", signed_with(header().set("crit", json::Value::strings({"url"})))},
          {"J-23 crit empty", signed_with(header().set("crit", json::Array{}))},
          {"J-25 header", edited("header", json::Object{{"kid", client.kid}})},
          {"J-25 header empty", edited("header", json::Object())},
          {"J-26 signatures", edited("signatures", json::Array{})},
          {"J-27 empty signature", edited("signature", "")},
          {"J-28 payload null", edited("payload", json::Value())},
          {"J-28 payload an object", edited("payload", json::Object())},
          {"J-28 protected a number", edited("protected", 5)},
          {"J-28 signature a list", edited("signature", json::Array{})},
          {"J-28 alg a number", signed_with(header().set("alg", 256))},
          {"J-28 kid an object", signed_with(header().set("kid", json::Object()))},
          {"J-29 padded payload", spoilt("payload", padded)},
          {"J-29 padded header", spoilt("protected", padded)},
          {"J-29 padded signature", spoilt("signature", padded)},
          {"J-29 plus and slash", spoilt("signature", plus)},
          {"J-30 loose bits", spoilt("signature", loose)},
          {"J-31 blank in the payload", spoilt("payload", blank)},
          {"J-31 line end in the header", spoilt("protected", line)},
          {"J-31 line end in the signature", spoilt("signature", line)},
          {"J-32 zeros", edited("signature", numbers(zero, zero))},
          {"J-32 r zero", edited("signature", numbers(zero, one))},
          {"J-32 s zero", edited("signature", numbers(one, zero))},
          {"J-32 r the order", edited("signature", numbers(order, one))},
          {"J-32 s the order", edited("signature", numbers(one, order))},
          {"J-32 above the order", edited("signature", numbers(ones, ones))},
          {"J-33 DER", edited("signature", good_der)},
          {"J-34 short", edited("signature", to_base64url(Bytes(63, 1)))},
          {"J-34 long", edited("signature", to_base64url(Bytes(65, 1)))},
          {"J-34 of P-384", edited("signature", to_base64url(Bytes(96, 1)))},
          {"J-38 alg twice", signed_text("{\"alg\":\"ES256\"," + twice.substr(1))},
          {"J-38 nonce twice, once escaped", signed_text("{\"n\\u006fnce\":\"AAAA\"," + twice.substr(1))},
          {"J-38 no object", signed_text("[]")},
          {"J-38 two values", signed_text(twice + "{}")},
      },
      url);
}

// J-37 J-40 J-41 J-42 J-43 J-44 J-45 J-46, 8555-6.2-19
TEST_F(HostileJws, Payloads) {
  std::string const deep = std::string(20'000, '[') + std::string(20'000, ']');
  std::string wide = "1";
  for (int i = 0; i < 20'000; ++i) wide += ",1";
  auto const with = [&](std::string const& payload) { return client.sign(url, payload, server.nonce()); };
  auto const identifiers = [&](std::string const& value) { return with("{\"identifiers\":" + value + "}"); };
  expect_refusals(
      {
          {"J-37 twice", with(R"({"identifiers":[],"identifiers":[]})")},
          {"J-37 once escaped", with(R"({"identifiers":[],"\u0069dentifiers":[]})")},
          {"J-40 overlong", identifiers("\"\xC0\xAF\"")},
          {"J-40 broken", identifiers("\"\xff\"")},
          {"J-40 half a pair", identifiers(R"("\ud800")")},
          {"J-40 the halves in wrong order", identifiers(R"("\udc00\ud800")")},
          {"J-40 a surrogate as octets", identifiers("\"\xED\xA0\x80\"")},
          {"J-41 byte order mark", with("\xEF\xBB\xBF{\"identifiers\":[]}")},
          {"J-42 U+0000", identifiers(R"("a\u0000b")")},
          {"J-42 U+0000 in a name", identifiers(R"([{"type":"dns","value":"cam1.example\u0000.other.example"}])")},
          {"J-43 deep", identifiers(deep)},
          {"J-44 wide", identifiers("[" + wide + "]")},
          {"J-45 1e400", identifiers("1e400")},
          {"J-45 400 digits", identifiers(std::string(400, '9'))},
          {"J-46 mantissa", identifiers("0." + std::string(40'000, '9'))},
          {"NaN", identifiers("NaN")},
          {"a comment", identifiers("[]/**/")},
          {"a final comma", with(R"({"identifiers":[],})")},
          {"two values", with("{}{}")},
          {"a list", with("[]")},
          {"a text", with("\"\"")},
      },
      url);
  // J-44 a million members, J-46 two megabytes, J-47: more than a body may hold is not read, and ends the connection.
  for (std::size_t const size : {limits::kRequestBodyBytes + 1, std::size_t{2'000'000}}) {
    Wire once(on_wire);
    auto const answer = once.post(url, std::string(size, ' '));
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.problem(), "malformed");
    EXPECT_TRUE(once.is_closed());
  }
}

TEST_F(HostileJws, HeaderMembersThatMeanNothingHereArePassedOver) {  // J-24
  auto const answer =
      wire.post(on_wire.urls().directory(), signed_with(header()
                                                            .set("url", on_wire.urls().directory())
                                                            .set("typ", "JOSE")
                                                            .set("zip", "DEF")
                                                            .set("x5c", json::Array{})
                                                            .set("jku", "https://attacker.example/keys"),
                                                        ""));
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST_F(HostileJws, NobodyWithoutTheKeyUsesUpANonce) {  // J-21
  auto const own = client.kid;
  auto const nonce = server.nonce();
  Client stranger(server);
  stranger.kid = client.kid;
  expect_problem(wire.post(own, stranger.sign(own, "", nonce)), 400, "malformed", "a stranger's");
  EXPECT_EQ(wire.post(own, client.sign(own, "", nonce)).status, 200);
  expect_problem(wire.post(own, client.sign(own, "", nonce)), 400, "badNonce", "twice");
}

// J-48 J-49 J-50 J-51 J-52 J-53 J-54 J-55: what accounts are read and made with
TEST_F(HostileJws, AccountsAndTheirBindings) {
  expect_refusals({{"J-48 {} reads nothing", client.sign(url, "{}", server.nonce())}}, url);
  auto const order = client.new_order({"cam1.example"}).header("Location");
  for (auto const& read : {order, client.kid + "/orders"})
    expect_problem(wire.post(client, read, "{}"), 400, "malformed", "J-48 " + read);

  auto const new_account = on_wire.urls().new_account();
  Client fresh(server);
  auto const request = [&](json::Object const& payload) {
    return fresh.sign(new_account, json::write(payload), server.nonce(), false);
  };
  auto const eab = server.add_eab(wide_scope());
  auto const own = fresh.key.public_key();
  auto const binding = [&](std::string const& kid, std::string const& at, x509::PublicKey const& key) {
    return json::Object{
        {"externalAccountBinding", acme::make_eab(kid, eab.mac_key, acme::MacAlgorithm::hs256, at, key)}};
  };
  // One whose protected header says something else, under a right MAC's length.
  auto const with_header = [&](json::Object const& protected_header) {
    json::Object inner{{"protected", b64(json::write(protected_header))},
                       {"payload", b64(json::write(to_jwk(own)))},
                       {"signature", to_base64url(Bytes(32, 1))}};
    return json::Object{{"externalAccountBinding", inner}};
  };
  json::Object const good{{"alg", "HS256"}, {"kid", eab.kid}, {"url", new_account}};
  auto const set = [&](char const* member, json::Value value) {
    auto object = good;
    return object.set(member, std::move(value));
  };
  auto const single = server.add_eab(wide_scope(), acme::EabUse::single);
  Client first(server);
  ASSERT_EQ(first.new_account(&single).status, 201);
  auto const reused =
      json::Object{{"externalAccountBinding",
                    acme::make_eab(single.kid, single.mac_key, acme::MacAlgorithm::hs256, new_account, own)}};
  expect_refusals(
      {
          {"J-49 an unknown key", request({{"onlyReturnExisting", true}}), "accountDoesNotExist"},
          {"no binding", request({}), "externalAccountRequired", 403},
          {"J-50 another url", request(binding(eab.kid, url, own)), "unauthorized", 403},
          {"J-51 an unknown kid", request(binding("nobody", new_account, own)), "unauthorized", 403},
          {"J-52 another key", request(binding(eab.kid, new_account, client.key.public_key())), "unauthorized", 403},
          {"J-53 ES256", request(with_header(set("alg", "ES256")))},
          {"J-53 none", request(with_header(set("alg", "none")))},
          {"J-53 a wrong MAC", request(with_header(good)), "unauthorized", 403},
          {"J-54 a second time", request(reused), "unauthorized", 403},
          {"J-55 nonce", request(with_header(set("nonce", server.nonce())))},
          {"J-55 jwk", request(with_header(set("jwk", to_jwk(own))))},
      },
      new_account);
}

// J-56 J-57 J-58 J-59 J-60, K-22
TEST_F(HostileJws, KeyChanges) {
  auto const key_change = on_wire.urls().key_change();
  auto const new_key = PrivateKey::generate(KeyType::ec_p256);
  auto const other = on_wire.client();
  // The inner JWS by hand: `by` signs it.
  auto const inner = [&](PrivateKey const& by, json::Object const& more, std::string const& account,
                         x509::PublicKey const& old_key, std::string const& at) {
    json::Object head{{"alg", "ES256"}, {"jwk", to_jwk(by.public_key())}, {"url", at}};
    for (auto const& member : more.members()) head.set(member.first, member.second);
    auto const text = b64(json::write(head));
    auto const payload = b64(json::write(json::Object{{"account", account}, {"oldKey", to_jwk(old_key)}}));
    auto const body = jws_of(text, payload, to_base64url(raw_signature(by, text + "." + payload)));
    return client.sign(key_change, body, server.nonce());
  };
  auto const own = client.key.public_key();
  expect_refusals(
      {
          {"J-56 another url inside", inner(new_key, {}, client.kid, own, url)},
          {"J-57 a nonce inside", inner(new_key, {{"nonce", server.nonce()}}, client.kid, own, key_change)},
          {"J-58 the same key", inner(client.key, {}, client.kid, own, key_change), "malformed", 409},
          {"J-60 another account", inner(new_key, {}, other.kid, own, key_change)},
          {"J-60 another old key", inner(new_key, {}, client.kid, other.key.public_key(), key_change)},
          {"J-60 no JWS inside", client.sign(key_change, "{}", server.nonce())},
      },
      key_change);
  auto const taken = wire.post(key_change, inner(other.key, {}, client.kid, own, key_change));
  EXPECT_EQ(taken.status, 409) << taken.body;  // J-59
  EXPECT_EQ(taken.header("Location"), other.kid);
  EXPECT_TRUE(wire.is_open());
  EXPECT_EQ(wire.post(client, client.kid, "").status, 200) << "the key is what it was";
  EXPECT_EQ(wire.post(key_change, inner(new_key, {}, client.kid, own, key_change)).status, 200) << "a good one works";
}

}  // namespace
}  // namespace lenscap::hostile
