// The web server of http-01 over real connections: what is presented is served, to the octet, and nothing else is.
#include "agent/solvers/http_responder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/solver.h"
#include "base/net/http_client.h"

namespace lenscap::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string const kToken = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
std::string const kAnswer = kToken + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";

struct ResponderTest : ::testing::Test {
  ResponderTest() { EXPECT_TRUE(responder.listen(threads, "127.0.0.1", 0, Log::nowhere()).ok()); }
  ~ResponderTest() override { responder.stop(); }

  net::ClientResponse get(std::string const& path, net::Method method = net::Method::get) {
    net::ClientRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(responder.port()) + path;
    auto answer = net::run(threads.next(), client.fetch(std::move(request)));
    if (!answer.ok()) {
      ADD_FAILURE() << answer.error().detail();
      return {};
    }
    return *std::move(answer);
  }
  std::string path() const { return "/.well-known/acme-challenge/" + kToken; }

  HttpResponder responder;
  net::IoThreads threads{1};
  net::HttpClient client{threads.next()};
};

// 8555-8.3-1
TEST_F(ResponderTest, ServesWhatIsPresentedAndNoLonger) {
  EXPECT_EQ(get(path()).status, 404);
  ASSERT_TRUE(responder.present(kToken, kAnswer).ok());
  auto const shown = get(path());
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body, kAnswer) << "no octet more";
  EXPECT_EQ(*shown.headers.find("Content-Type"), "application/octet-stream");
  EXPECT_EQ(get(path(), net::Method::head).status, 200);
  responder.withdraw(kToken);
  EXPECT_EQ(get(path()).status, 404);
}

TEST_F(ResponderTest, ATokenOfTwoIsShownUntilBothAreDone) {
  ASSERT_TRUE(responder.present(kToken, kAnswer).ok());
  ASSERT_TRUE(responder.present(kToken, kAnswer).ok());
  responder.withdraw(kToken);
  EXPECT_EQ(get(path()).status, 200);
  responder.withdraw(kToken);
  EXPECT_EQ(get(path()).status, 404);
  responder.withdraw(kToken);  // once too often does no harm
}

// No file is behind any path, and nothing of a request comes back.
TEST_F(ResponderTest, NothingElseIsServed) {
  ASSERT_TRUE(responder.present(kToken, kAnswer).ok());
  for (std::string const other :
       {"/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/../../etc/passwd",
        "/.well-known/acme-challenge/%2e%2e%2fetc%2fpasswd", "/.well-known/acme-challenge//etc/passwd", "/etc/passwd",
        "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ", "/.well-known/acme-challenge/<script>",
        "/.well-known/security.txt"}) {
    auto const answer = get(other);
    EXPECT_TRUE(answer.status == 404 || answer.status == 400) << other << " " << answer.status;
    EXPECT_THAT(answer.body, Not(HasSubstr("passwd")));
    EXPECT_THAT(answer.body, Not(HasSubstr("script")));
    EXPECT_THAT(answer.body, Not(HasSubstr("root:")));
  }
  EXPECT_EQ(get(path(), net::Method::del).status, 405);
}

TEST_F(ResponderTest, WhatIsNoTokenIsRefused) {
  for (std::string const bad : {"", "short", "../../../../../../etc/passwd", "evaGxfADs6pSRb2LAv9IZf17 Dt3juxGJ"}) {
    auto const refused = responder.present(bad, kAnswer);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  }
}

TEST_F(ResponderTest, HowManyAreShownIsBounded) {
  Result<> last;
  int shown = 0;
  while (shown < 10'000 && last.ok()) last = responder.present(kToken + std::to_string(++shown), kAnswer);
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::unavailable);
  EXPECT_LE(shown, 257);
  EXPECT_TRUE(responder.present(kToken + "1", kAnswer).ok()) << "one that is shown already";
}

TEST_F(ResponderTest, AnAddressThatCannotBeHadIsTold) {
  HttpResponder second;
  auto const refused = second.listen(threads, "127.0.0.1", responder.port(), Log::nowhere());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::settings);
  EXPECT_EQ(second.port(), 0);
}

TEST(Solvers, EachIsWholeAndOfAnotherType) {
  std::string types;
  for (Solver const& solver : solvers()) {
    EXPECT_THAT(types, Not(HasSubstr(std::string(solver.type))));
    types += std::string(solver.type) + " ";
    EXPECT_TRUE(solver.can_solve != nullptr && solver.present != nullptr && solver.clean_up != nullptr) << solver.type;
  }
  EXPECT_THAT(types, HasSubstr("http-01"));
}

TEST(Solvers, Http01NeedsItsServerAndNoWildcard) {
  HttpResponder responder;
  auto const name = acme::Identifier::parse("dns", "cam1.example").value();
  auto const address = acme::Identifier::parse("ip", "10.20.4.119").value();
  auto const wildcard = acme::Identifier::parse("dns", "*.example").value();
  SolverTools tools;
  EXPECT_FALSE(can_solve_http_01(tools, name));
  tools.http = &responder;
  EXPECT_TRUE(can_solve_http_01(tools, name));
  EXPECT_TRUE(can_solve_http_01(tools, address)) << "RFC 8738";
  EXPECT_FALSE(can_solve_http_01(tools, wildcard));
}

// Whoever reads it learns what can be done, which depends on whether the agent answers http-01.
TEST(RefuseUngranted, SaysWhatToDo) {
  acme::AuthorizationObject const authorization{.identifier = acme::Identifier::parse("dns", "cam1.example").value()};
  SolverTools tools;
  auto const without = refuse_ungranted(tools, authorization);
  EXPECT_EQ(without.code(), Errc::order_not_ready);
  EXPECT_THAT(without.detail(), HasSubstr("proof of cam1.example"));
  EXPECT_THAT(without.detail(), HasSubstr("[http_01] listen"));
  HttpResponder responder;
  tools.http = &responder;
  EXPECT_THAT(refuse_ungranted(tools, authorization).detail(), HasSubstr("was not offered"));
}

}  // namespace
}  // namespace lenscap::agent
