#include "acme/wire/problem.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "acme/wire/identifier.h"
#include "acme/wire/names.h"
#include "tests/acme/wire/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

struct Row {
  Errc code;
  char const* type;
  int status;
};

// The table of the design, once more and apart from the code's. Every Errc stands here: a new one without a row in
// problem.cc would stop the process, and EveryErrcHasARow notices one that is missing here.
constexpr Row kRows[] = {
    {Errc::account_does_not_exist, "accountDoesNotExist", 400},
    {Errc::already_replaced, "alreadyReplaced", 409},
    {Errc::already_revoked, "alreadyRevoked", 400},
    {Errc::bad_csr, "badCSR", 400},
    {Errc::bad_nonce, "badNonce", 400},
    {Errc::bad_public_key, "badPublicKey", 400},
    {Errc::bad_revocation_reason, "badRevocationReason", 400},
    {Errc::bad_signature_algorithm, "badSignatureAlgorithm", 400},
    {Errc::caa, "caa", 403},
    {Errc::compound, "compound", 400},
    {Errc::connection, "connection", 400},
    {Errc::dns, "dns", 400},
    {Errc::external_account_required, "externalAccountRequired", 403},
    {Errc::incorrect_response, "incorrectResponse", 400},
    {Errc::invalid_contact, "invalidContact", 400},
    {Errc::invalid_profile, "invalidProfile", 400},
    {Errc::malformed, "malformed", 400},
    {Errc::not_found, "malformed", 404},
    {Errc::method_not_allowed, "malformed", 405},
    {Errc::payload_too_large, "malformed", 413},
    {Errc::unsupported_media_type, "malformed", 415},
    {Errc::order_not_ready, "orderNotReady", 403},
    {Errc::rate_limited, "rateLimited", 429},
    {Errc::rejected_identifier, "rejectedIdentifier", 403},
    {Errc::internal, "serverInternal", 500},
    {Errc::tls, "tls", 400},
    {Errc::account_deactivated, "unauthorized", 401},
    {Errc::unauthorized, "unauthorized", 403},
    {Errc::unsupported_contact, "unsupportedContact", 400},
    {Errc::unsupported_identifier, "unsupportedIdentifier", 403},
    {Errc::user_action_required, "userActionRequired", 403},
    {Errc::key_in_use, "malformed", 409},
    {Errc::unavailable, "serverInternal", 503},
    {Errc::no_issuer, "serverInternal", 503},
};
constexpr Errc kLocal[] = {Errc::usage,       Errc::settings,           Errc::file,    Errc::wrong_passphrase,
                           Errc::unreachable, Errc::needs_confirmation, Errc::conflict};

TEST(Problem, EveryErrcHasARow) {
  // Errc counts up from zero and ends with `conflict`.
  EXPECT_EQ(std::size(kRows) + std::size(kLocal), static_cast<std::size_t>(Errc::conflict) + 1);
  for (int i = 0; i <= static_cast<int>(Errc::conflict); ++i) {
    EXPECT_GE(http_status(Error(static_cast<Errc>(i), "x")), 400) << to_string(static_cast<Errc>(i));
  }
}

TEST(Problem, TypeAndStatus) {
  for (auto const& row : kRows) {
    EXPECT_EQ(problem_type(row.code), std::string(names::kErrorUrn) + row.type) << to_string(row.code);
    EXPECT_EQ(http_status(Error(row.code, "x")), row.status) << to_string(row.code);
  }
}

// 8555-6.7-2: types under the URN are registered; `invalidProfile` is of a draft and the one that is not.
TEST(Problem, TypesAreRegistered) {
  std::set<std::string> registered{"invalidProfile"};
  std::istringstream lines(read_data("iana/acme-error-types.txt"));
  for (std::string line; std::getline(lines, line);) registered.insert(line);
  for (auto const& row : kRows) EXPECT_TRUE(registered.contains(row.type)) << row.type;
}

// But for the one that looks like another from outside: type and status are all that a client has.
TEST(Problem, IsReadBackToTheSameCode) {
  for (auto const& row : kRows) {
    auto const code = row.code == Errc::no_issuer ? Errc::unavailable : row.code;
    Error const error(row.code, "what, why and what to do");
    auto const text = json::write(to_problem(error));
    auto const back = read_problem(text, http_status(error));
    EXPECT_EQ(back.code(), code) << text;
    if (row.status != 500) {
      EXPECT_EQ(back.detail(), error.detail()) << text;
    }
    EXPECT_EQ(read_problem(to_problem(error)).code(), code) << "as kept in an object: " << text;
  }
}

TEST(Problem, NeverTellsWhatIsInternal) {
  std::vector<Errc> codes(std::begin(kLocal), std::end(kLocal));
  codes.push_back(Errc::internal);
  for (auto code : codes) {
    Error error(code, "password is hunter2");
    error.sub.push_back({code, "password is hunter2", "dns", "a.example"});
    auto const text = json::write(to_problem(error));
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_EQ(http_status(error), 500);
    EXPECT_EQ(problem_type(code), "urn:ietf:params:acme:error:serverInternal");
  }
}

// 8555-6.2-12: with the list, and each of it works (SignJws.IsReadAndVerifiedForEveryAlgorithm).
TEST(ToProblem, BadSignatureAlgorithmListsWhatIsSupported) {
  auto const document = to_problem(Error(Errc::bad_signature_algorithm, "x"));
  auto const algorithms = json::need_strings(document, "algorithms").value();
  EXPECT_EQ(algorithms, (std::vector<std::string>{"ES256", "ES384", "ES512", "EdDSA", "RS256"}));
  EXPECT_EQ(to_problem(Error(Errc::malformed, "x")).find("algorithms"), nullptr);
}

// 8555-6.7.1-1, in the form of RFC 8555 6.7.1.
TEST(ToProblem, Subproblems) {  // B-02
  Error const error = refuse_identifiers(
      {{Errc::malformed, "Invalid underscore in DNS name \"_example.org\"", "dns", "_example.org"},
       {Errc::rejected_identifier, "This CA will not issue for \"example.net\"", "dns", "example.net"}});
  EXPECT_EQ(
      json::write(to_problem(error)),
      R"({"type":"urn:ietf:params:acme:error:compound",)"
      R"("detail":"2 identifiers are refused; see each subproblem","status":403,"subproblems":[)"
      R"({"type":"urn:ietf:params:acme:error:malformed","detail":"Invalid underscore in DNS name \"_example.org\"",)"
      R"("identifier":{"type":"dns","value":"_example.org"}},)"
      R"({"type":"urn:ietf:params:acme:error:rejectedIdentifier",)"
      R"("detail":"This CA will not issue for \"example.net\"",)"
      R"("identifier":{"type":"dns","value":"example.net"}}]})");
  EXPECT_EQ(read_problem(json::write(to_problem(error)), 403), error);
  EXPECT_EQ(to_problem(Error(Errc::malformed, "x")).find("subproblems"), nullptr);  // never null
}

TEST(HttpStatus, CompoundIsAsGraveAsItsGravestPart) {
  Error error(Errc::compound, "x");
  EXPECT_EQ(http_status(error), 400);
  error.sub = {{Errc::malformed, "", "dns", "a"}, {Errc::rejected_identifier, "", "dns", "b"}};
  EXPECT_EQ(http_status(error), 403);
  error.sub.push_back({Errc::internal, "", "dns", "c"});
  EXPECT_EQ(http_status(error), 500);
}

TEST(ReadProblem, HundredSubproblems) {
  std::vector<SubError> refused;
  for (int i = 0; i < 100; ++i) refused.push_back({Errc::rejected_identifier, "no", "dns", "c" + std::to_string(i)});
  auto const error = refuse_identifiers(refused);
  EXPECT_EQ(read_problem(json::write(to_problem(error)), 403), error);
}

TEST(ToProblem, InstanceForAHuman) {
  Error error(Errc::user_action_required, "new terms");
  error.url = "https://ca.example/terms";
  EXPECT_EQ(text_of(to_problem(error), "instance"), error.url);  // 8555-7.3.3-1
  EXPECT_EQ(read_problem(to_problem(error)).url, error.url);
  Error in_use(Errc::key_in_use, "x");
  in_use.url = "https://ca.example/account/2";  // a Location, not an instance
  EXPECT_EQ(to_problem(in_use).find("instance"), nullptr);
}

TEST(ReadProblem, WhatOthersSend) {
  struct Case {
    char const* name;
    char const* body;
    int status;
    Errc code;
    char const* detail;
  };
  Case const cases[] = {
      {"RFC 8555 6.7", R"({"type":"urn:ietf:params:acme:error:malformed","detail":"Some of the identifiers"})", 403,
       Errc::malformed, "Some of the identifiers"},
      {"status of another row", R"({"type":"urn:ietf:params:acme:error:unauthorized","detail":"d"})", 401,
       Errc::account_deactivated, "d"},
      {"status of no row", R"({"type":"urn:ietf:params:acme:error:unauthorized","detail":"d"})", 400,
       Errc::unauthorized, "d"},
      {"rejected with 400, as Boulder", R"({"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"d"})", 400,
       Errc::rejected_identifier, "d"},
      {"status of the answer counts", R"({"type":"urn:ietf:params:acme:error:malformed","detail":"d","status":400})",
       404, Errc::not_found, "d"},
      {"type of the registry that we do not use",
       R"({"type":"urn:ietf:params:acme:error:onionCAARequired","detail":"d"})", 403, Errc::unauthorized,
       "urn:ietf:params:acme:error:onionCAARequired: d"},
      {"about:blank", R"({"type":"about:blank","title":"Slow down"})", 429, Errc::rate_limited,
       "about:blank: Slow down"},
      {"no type", R"({"detail":"d"})", 404, Errc::not_found, "d"},
      {"types of wrong kind", R"({"type":5,"detail":[],"status":"x","subproblems":null})", 503, Errc::unavailable,
       "no detail was given (HTTP 503)"},
      {"HTML", "<html>502</html>", 502, Errc::unavailable, "the server answered 502 without a problem document"},
      {"empty", "", 500, Errc::internal, "the server answered 500 without a problem document"},
      {"no ACME at all", "[]", 418, Errc::malformed, "the server answered 418 without a problem document"},
  };
  for (auto const& c : cases) {
    auto const error = read_problem(c.body, c.status);
    EXPECT_EQ(error.code(), c.code) << c.name;
    EXPECT_EQ(error.detail(), c.detail) << c.name;
  }
}

TEST(ReadProblem, TamesTexts) {
  json::Object document{{"type", "urn:ietf:params:acme:error:malformed"},
                        {"detail", std::string("a\x1b[2Jb\nc\xC2\x9B") + "d\x7f\xC3\xA4"}};
  EXPECT_EQ(read_problem(document).detail(), "a [2Jb c d \xC3\xA4");
  std::string huge(1020, 'x');
  for (int i = 0; i < 100; ++i) huge += "\xC3\xA4";
  document.set("detail", huge);
  auto const detail = read_problem(document).detail();
  EXPECT_EQ(detail, std::string(1020, 'x') + "...");  // not cut inside a character
}

}  // namespace
}  // namespace lenscap::acme
