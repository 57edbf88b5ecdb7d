#include "acme/wire/authorization.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

TEST(ParseAuthorization, ExampleOfTheRfc) {  // RFC 8555 7.1.4
  auto const authorization = parse_authorization(R"({
    "status": "valid",
    "expires": "2015-03-01T14:09:07.99Z",
    "identifier": {"type": "dns", "value": "www.example.org"},
    "challenges": [{"url": "https://example.com/acme/chall/prV_B7yEyA4", "type": "http-01", "status": "valid",
                    "token": "DGyRejmCefe7v4NfDGDKfA", "validated": "2014-12-01T12:05:58.16Z"}],
    "wildcard": false
  })")
                                 .value();
  EXPECT_EQ(authorization.status, AuthorizationStatus::valid);
  EXPECT_EQ(authorization.identifier.value(), "www.example.org");
  ASSERT_EQ(authorization.challenges.size(), 1U);
  EXPECT_EQ(authorization.challenges[0].token, "DGyRejmCefe7v4NfDGDKfA");
  EXPECT_EQ(to_rfc3339(authorization.challenges[0].validated.value()), "2014-12-01T12:05:58Z");
  auto const text = json::write(to_json(authorization));
  EXPECT_EQ(text.find("wildcard"), std::string::npos);  // 8555-7.1.4-1
  EXPECT_EQ(json::write(to_json(parse_authorization(text).value())), text);
}

// 8555-7.1.3-2
TEST(ToJson, Wildcard) {
  AuthorizationObject const authorization{.identifier = Identifier::parse("dns", "example.org").value(),
                                          .wildcard = true};
  auto const text = json::write(to_json(authorization));
  EXPECT_EQ(
      text,
      R"({"identifier":{"type":"dns","value":"example.org"},"status":"pending","challenges":[],"wildcard":true})");
  EXPECT_TRUE(parse_authorization(text).value().wildcard);
}

TEST(ParseAuthorization, Refuses) {
  for (auto body :
       {"", "{}", R"({"identifier":{"type":"dns","value":"*.example.org"},"status":"pending","challenges":[]})",
        R"({"identifier":{"type":"dns","value":"a"},"status":"ready","challenges":[]})",
        R"({"identifier":{"type":"dns","value":"a"},"status":"pending"})",
        R"({"identifier":{"type":"dns","value":"a"},"status":"pending","challenges":["x"]})",
        R"({"identifier":{"type":"dns","value":"a"},"status":"pending","challenges":[{"type":"http-01"}]})"}) {
    EXPECT_FALSE(parse_authorization(body).ok()) << body;
  }
}

// A client must survive challenge types that it does not know.
TEST(ParseAuthorization, KeepsUnknownChallengeTypes) {
  auto const authorization = parse_authorization(
      R"({"identifier":{"type":"dns","value":"a"},"status":"pending","challenges":[)"
      R"({"type":"device-attest-01","url":"u","status":"pending","token":"t"},{"type":"new-02","url":"u","status":"pending"}]})");
  EXPECT_EQ(authorization.value().challenges[1].type, "new-02");
}

TEST(ParseNewAuthz, BothWays) {  // RFC 8555 7.4.1
  auto const identifier = Identifier::from_host("cam1.example").value();
  EXPECT_EQ(parse_new_authz(json::write(new_authz_to_json(identifier))).value(), identifier);
  EXPECT_TRUE(parse_new_authz(R"({"identifier":{"type":"ip","value":"10.0.0.1"},"status":"valid"})").ok());
  struct Case {
    char const* payload;
    Errc code;
  };
  Case const cases[] = {
      {"", Errc::malformed},
      {"{}", Errc::malformed},
      {R"({"identifier":[]})", Errc::malformed},
      {R"({"identifier":{"type":"dns"}})", Errc::malformed},
      {R"({"identifier":{"type":"dns","value":"a b"}})", Errc::malformed},
      {R"({"identifier":{"type":"email","value":"a@b"}})", Errc::unsupported_identifier},
  };
  for (auto const& c : cases) {
    auto const parsed = parse_new_authz(c.payload);
    ASSERT_FALSE(parsed.ok()) << c.payload;
    EXPECT_EQ(parsed.error().code(), c.code) << c.payload;
  }
}

TEST(ParseDeactivation, OnlyThat) {
  EXPECT_TRUE(parse_deactivation(json::write(deactivation_to_json())).ok());
  for (auto payload : {"", "{}", R"({"status":"valid"})", R"({"status":1})", "[]"}) {
    EXPECT_FALSE(parse_deactivation(payload).ok()) << payload;
  }
}

TEST(Challenge, BothWays) {
  ChallengeObject challenge{.type = "http-01", .url = "https://ca/chall/1/1", .token = "DGyRejmCefe7v4NfDGDKfA"};
  EXPECT_EQ(json::write(to_json(challenge)),  // 8555-8-2
            R"({"type":"http-01","url":"https://ca/chall/1/1","status":"pending","token":"DGyRejmCefe7v4NfDGDKfA"})");
  challenge.status = ChallengeStatus::processing;
  challenge.error = Error(Errc::incorrect_response, "got 404");  // 8555-8.2-1
  auto const back = parse_challenge(json::write(to_json(challenge))).value();
  EXPECT_EQ(back.error, challenge.error);
  EXPECT_EQ(back.status, ChallengeStatus::processing);
}

// 8555-7.5.1-1, 8555-7.5.1-2
TEST(ParseChallengeResponse, AnyObjectAndNothingElse) {
  for (auto payload : {"{}", R"({"keyAuthorization":"x.y"})", R"({"type":5,"x":[{}]})"}) {
    EXPECT_TRUE(parse_challenge_response(payload).ok()) << payload;
  }
  for (auto payload : {"", "[]", "null", "\"\"", "{", R"({"a":1,"a":2})"}) {
    EXPECT_FALSE(parse_challenge_response(payload).ok()) << payload;
  }
}

}  // namespace
}  // namespace lenscap::acme
