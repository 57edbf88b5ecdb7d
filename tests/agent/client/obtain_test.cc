// From names and a CSR to a chain: every state in which an order may be found, and servers that lie or never end.
#include "agent/client/obtain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/wire/key_authorization.h"
#include "base/net/io_threads.h"
#include "tests/fakes/fake_acme.h"
#include "tests/fakes/fake_clock.h"

namespace lenscap::agent {
namespace {

using fakes::FakeAcme;
using ::testing::HasSubstr;

x509::NameSet names_of(std::string_view dns, std::string_view ip) {
  x509::NameSet names;
  names.dns.insert(x509::DnsName::parse(dns).value());
  names.ip.insert(x509::IpAddress::parse(ip).value());
  return names;
}

struct ObtainTest : ::testing::Test {
  ObtainTest() { acme.accounts.emplace("https://ca.example/account/1", account_key.public_key()); }

  Result<std::string> place() { return net::run(threads.next(), place_order(client, names, "camera-https", replaces)); }
  Result<std::vector<x509::Certificate>> complete(std::string url) {
    CompleteOrder request{.order_url = std::move(url), .names = names, .csr = csr};
    auto chain = net::run(threads.next(), complete_order(client, std::move(request), solvers, clock.sleep(), clock));
    if (chain.ok()) CHECK_OK(check_issued(*chain, csr, names, acme.authority.roots(), clock.now()));
    return chain;
  }
  Result<std::vector<x509::Certificate>> obtain() {
    auto url = place();
    if (!url.ok()) return url.error();
    return complete(*url);
  }
  FakeAcme::Order& order() { return acme.orders.begin()->second; }
  // What is shown of the order from now on, whatever is asked of it.
  void show(std::function<void(acme::OrderObject&)> change) {
    acme.instead = [this, change = std::move(change)](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
      bool const about_it = seen.url.ends_with("/order/1") || seen.url.ends_with("/finalize");
      if (!about_it) return std::nullopt;
      auto object = order().object;
      change(object);
      return FakeAcme::Answer(acme.respond(200, acme::to_json(object)));
    };
  }

  std::string replaces;
  SolverTools solvers;
  fakes::FakeClock clock{x509::testing::kNow};
  FakeAcme acme{clock};
  x509::PrivateKey account_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey camera_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::NameSet names = names_of("cam1.example", "10.20.4.119");
  x509::Csr csr = x509::parse_csr(x509::make_csr(camera_key, names)).value();
  AcmeClient client{acme.fetch(), {acme.directory_url(), {}}, account_key, "https://ca.example/account/1"};
  net::IoThreads threads{1};
};

// RFC 9773 5: told where it is understood, and never a reason to have no order.
TEST_F(ObtainTest, ReplacesIsSentAndNeverRequired) {
  replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  EXPECT_TRUE(place().ok());
  EXPECT_EQ(order().object.replaces, "") << "a server without renewal information does not hear of it";

  acme.renewal_info = acme::RenewalInfoObject{clock.now(), clock.now() + kDay};
  AcmeClient with{acme.fetch(), {acme.directory_url(), {}}, account_key, "https://ca.example/account/1"};
  auto const again = [&] { return net::run(threads.next(), place_order(with, names, "", replaces)); };
  EXPECT_EQ(acme.orders.at(again().value()).object.replaces, replaces);
  EXPECT_EQ(acme.orders.at(again().value()).object.replaces, "") << "our own lost order replaces it already";

  struct Case {
    Errc refusal;
    int requests;
  };
  Case const cases[] = {{Errc::already_replaced, 2}, {Errc::malformed, 2},           {Errc::unauthorized, 2},
                        {Errc::not_found, 2},        {Errc::rejected_identifier, 1}, {Errc::rate_limited, 1},
                        {Errc::internal, 1}};
  for (auto const& c : cases) {
    int asked = 0;
    acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
      if (!seen.url.ends_with("/new-order")) return std::nullopt;
      ++asked;
      return FakeAcme::Answer(acme.problem(Error(c.refusal, "no")));
    };
    auto const refused = again();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.refusal);
    EXPECT_EQ(asked, c.requests) << to_string(c.refusal);
  }
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());
}

TEST_F(ObtainTest, FromNamesToChain) {
  auto chain = obtain();
  ASSERT_TRUE(chain.ok()) << chain.error().detail();
  ASSERT_EQ(chain->size(), 2U);
  EXPECT_EQ(chain->front().key(), camera_key.public_key());
  EXPECT_EQ(chain->front().names(), names);
  EXPECT_EQ(order().object.profile, "camera-https");
  EXPECT_EQ(acme.count("/finalize"), 1);
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());
}

TEST_F(ObtainTest, AnEmptyProfileIsNotAskedFor) {
  ASSERT_TRUE(net::run(threads.next(), place_order(client, names, "", "")).ok());
  EXPECT_EQ(order().object.profile, "");
}

TEST_F(ObtainTest, WaitsWhileTheServerWorks) {
  acme.looks_until_valid = 5;
  auto chain = obtain();
  ASSERT_TRUE(chain.ok()) << chain.error().detail();
  EXPECT_GT(clock.now(), x509::testing::kNow);
  EXPECT_EQ(acme.count("/finalize"), 1);
}

// A crash may have happened anywhere: the order is taken up in whatever state it is.
TEST_F(ObtainTest, ResumesFromEveryStatus) {
  auto const url = place().value();
  auto const chain = complete(url);
  ASSERT_TRUE(chain.ok());

  acme.requests.clear();
  auto const again = complete(url);  // valid
  ASSERT_TRUE(again.ok()) << again.error().detail();
  EXPECT_EQ(again->front(), chain->front()) << "the certificate that was issued, not another";
  EXPECT_EQ(acme.count("/finalize"), 0);

  order().object.status = acme::OrderStatus::processing;
  order().looks = 0;
  acme.looks_until_valid = 2;
  auto const waited = complete(url);
  ASSERT_TRUE(waited.ok()) << waited.error().detail();
  EXPECT_EQ(acme.count("/finalize"), 0);

  order().object.status = acme::OrderStatus::ready;
  EXPECT_TRUE(complete(url).ok());
  EXPECT_EQ(acme.count("/finalize"), 1);

  order().object.status = acme::OrderStatus::invalid;
  auto const ended = complete(url);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), Errc::not_found) << "without a reason a new one may do better";
}

TEST_F(ObtainTest, AnOrderThatTheServerForgot) {
  auto const url = place().value();
  acme.orders.clear();
  EXPECT_EQ(complete(url).error().code(), Errc::not_found);
}

TEST_F(ObtainTest, AnInvalidOrderTellsItsReason) {
  auto const url = place().value();
  order().object.status = acme::OrderStatus::invalid;
  order().object.error = Error(Errc::rejected_identifier, "cam1.example is outside of the account's scope");
  auto ended = complete(url);
  EXPECT_EQ(ended.error().code(), Errc::rejected_identifier);
  EXPECT_THAT(ended.error().detail(), HasSubstr("outside of the account's scope"));
}

// What a crash and a long pause make of an order: it is gone, and a new one is to be placed.
TEST_F(ObtainTest, AnOrderThatExpired) {
  auto const url = place().value();
  order().object.status = acme::OrderStatus::invalid;
  order().object.error = Error(Errc::order_not_ready, "the order expired at 2027-01-15T08:00:00Z");
  auto const expired = complete(url);
  EXPECT_EQ(expired.error().code(), Errc::not_found);
  EXPECT_THAT(expired.error().detail(), HasSubstr("expired at"));

  order().object = {.status = acme::OrderStatus::pending,
                    .identifiers = order().object.identifiers,
                    .authorizations = order().object.authorizations,
                    .finalize = order().object.finalize};
  for (auto const status : {acme::AuthorizationStatus::expired, acme::AuthorizationStatus::invalid,
                            acme::AuthorizationStatus::deactivated, acme::AuthorizationStatus::revoked}) {
    acme.authorizations = status;
    EXPECT_EQ(complete(url).error().code(), Errc::not_found) << acme::to_string(status);
  }
}

TEST_F(ObtainTest, APendingAuthorizationIsExplained) {
  acme.authorizations = acme::AuthorizationStatus::pending;
  auto refused = obtain();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::order_not_ready);
  EXPECT_THAT(refused.error().detail(), HasSubstr("wants proof of cam1.example"));
  EXPECT_THAT(refused.error().detail(), HasSubstr("--grant-dns"));
  EXPECT_EQ(clock.now(), x509::testing::kNow) << "waiting would not help";
}

TEST_F(ObtainTest, PendingThoughAllIsGrantedIsWaitedForWithoutAskingAgainWhy) {
  auto const url = place().value();
  show([](acme::OrderObject& object) { object.status = acme::OrderStatus::pending; });
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("/authorization/"), 2);
}

// --- names that have to be proved

// A solver that writes down what it is asked for; solvers are functions, so what they write on is the file's.
struct Notes {
  std::vector<std::string> lines;
  std::map<std::string, std::string> shown;  // by token
  std::optional<Error> refuses;
};
Notes notes;
constexpr Solver kNoting[] = {
    {"http-01", [](SolverTools const&, acme::Identifier const& identifier) { return identifier.value() != "10.0.0.1"; },
     false,
     [](SolverTools const&, Proof proof) -> net::Awaitable<Result<>> {
       notes.lines.push_back("present " + proof.identifier.value());
       if (notes.refuses) co_return *notes.refuses;
       notes.shown[proof.token] = proof.key_authorization;
       co_return Result<>();
     },
     [](SolverTools const&, Proof proof) -> net::Awaitable<Result<>> {
       notes.lines.push_back("wait " + proof.identifier.value());
       co_return Result<>();
     },
     [](SolverTools const&, Proof const& proof) {
       notes.lines.push_back("clean up " + proof.identifier.value());
       notes.shown.erase(proof.token);
     }}};

struct ProveTest : ObtainTest {
  ProveTest() {
    notes = {};
    solvers.solvers = kNoting;
    acme.wants_http_01 = true;
    acme.sees = [this](std::string const& token) {
      auto const shown = notes.shown.find(token);
      return shown != notes.shown.end() && shown->second == acme::key_authorization(token, account_key.public_key());
    };
  }
};

TEST_F(ProveTest, EachNameIsPresentedAndCleanedUp) {
  acme.looks_until_proven = 3;
  auto const chain = obtain();
  ASSERT_TRUE(chain.ok()) << chain.error().detail();
  EXPECT_THAT(notes.lines, ::testing::ElementsAre("present cam1.example", "wait cam1.example", "clean up cam1.example",
                                                  "present 10.20.4.119", "wait 10.20.4.119", "clean up 10.20.4.119"));
  EXPECT_EQ(acme.count("/http-01"), 2);
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());
}

TEST_F(ProveTest, AProofThatFailsIsToldAndCleanedUp) {
  acme.sees = [](std::string const&) { return false; };
  auto const refused = obtain();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::connection) << "the next order would fare no better";
  EXPECT_THAT(refused.error().detail(), HasSubstr("cam1.example is invalid"));
  EXPECT_THAT(refused.error().detail(), HasSubstr("nobody answers there"));
  EXPECT_THAT(notes.shown, ::testing::IsEmpty());
  EXPECT_EQ(acme.count("/finalize"), 0);
}

// As the server tells it, where that is what servers say of proofs; anything else could stop the agent for good.
TEST_F(ProveTest, AProofThatFailsHasTheServersReason) {
  acme.sees = [](std::string const&) { return false; };
  for (auto const code : {Errc::connection, Errc::dns, Errc::tls, Errc::incorrect_response, Errc::unauthorized,
                          Errc::caa, Errc::bad_csr, Errc::settings}) {
    acme.spoil = [&](FakeAcme::Seen const& seen, net::ClientResponse& response) {
      auto authorization = acme::parse_authorization(response.body);
      if (seen.url.find("/authorization/") == std::string::npos || !authorization.ok()) return;
      for (auto& challenge : authorization->challenges)
        if (challenge.error) challenge.error = Error(code, "no");
      response.body = json::write(acme::to_json(*authorization));
    };
    bool const is_of_a_proof = code != Errc::bad_csr && code != Errc::settings;
    EXPECT_EQ(obtain().error().code(), is_of_a_proof ? code : Errc::unauthorized) << to_string(code);
  }
}

// An order that was failed by what this call did is not like one that was found failed: see AnOrderThatExpired.
TEST_F(ProveTest, AnOrderThatEndsUnderOurHands) {
  acme.spoil = [](FakeAcme::Seen const& seen, net::ClientResponse& response) {
    auto order = acme::parse_order(response.body);
    if (!seen.url.ends_with("/finalize") || !order.ok()) return;
    order->status = acme::OrderStatus::invalid;
    order->error = Error(Errc::caa, "a CAA record forbids cam1.example");
    response.body = json::write(acme::to_json(*order));
  };
  auto const url = place().value();
  EXPECT_EQ(complete(url).error().code(), Errc::caa);
  acme.spoil = nullptr;
  order().object.status = acme::OrderStatus::invalid;
  order().object.error = Error(Errc::caa, "a CAA record forbids cam1.example");
  EXPECT_EQ(complete(url).error().code(), Errc::not_found) << "of an earlier call: a new one may do better";
}

TEST_F(ProveTest, WhatCannotBePresentedIsNotAskedFor) {
  notes.refuses = Error(Errc::unavailable, "no room");
  EXPECT_EQ(obtain().error().code(), Errc::unavailable);
  EXPECT_EQ(acme.count("/http-01"), 0);
  EXPECT_THAT(notes.lines, ::testing::ElementsAre("present cam1.example")) << "nothing to clean up";
}

TEST_F(ProveTest, AnAuthorizationThatStaysPendingIsCleanedUp) {
  acme.looks_until_proven = 1'000;
  EXPECT_EQ(obtain().error().code(), Errc::incorrect_response);
  EXPECT_THAT(notes.shown, ::testing::IsEmpty());
  EXPECT_EQ(acme.count("/authorization/0"), kLooksPerState + 1) << "and the challenge";
  EXPECT_LE(clock.now() - x509::testing::kNow, kOrderDeadline);
}

TEST_F(ProveTest, ANameThatNoSolverTakes) {
  names = names_of("cam1.example", "10.0.0.1");
  csr = x509::parse_csr(x509::make_csr(camera_key, names)).value();
  auto const refused = obtain();
  EXPECT_EQ(refused.error().code(), Errc::order_not_ready);
  EXPECT_THAT(refused.error().detail(), HasSubstr("wants proof of 10.0.0.1"));
}

// lego CVE-2026-40611 and others: what is no token is used for nothing.
TEST_F(ProveTest, ATokenThatIsNone) {
  for (std::string const token :
       {"", "../../etc/passwd", "short", "a token with spaces in it....", "$(reboot)xxxxxxxxxxxxxxxx",
        "AAAAAAAAAAAAAAAAAAAAA\nX-Header: 1", "AAAAAAAAAAAAAAAAAAAAA="}) {
    SCOPED_TRACE(token);
    auto const url = place().value();
    acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
      if (seen.url.find("/authorization/0") == std::string::npos) return std::nullopt;
      acme::AuthorizationObject object{.identifier = acme.orders.at(url).object.identifiers[0]};
      object.challenges = {{.type = "http-01", .url = "https://ca.example/challenge", .token = token}};
      return FakeAcme::Answer(acme.respond(200, acme::to_json(object)));
    };
    auto const refused = complete(url);
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
    EXPECT_THAT(refused.error().detail(), HasSubstr("token"));
    EXPECT_THAT(notes.lines, ::testing::IsEmpty());
    EXPECT_EQ(acme.count("/challenge"), 0);
    acme.instead = nullptr;
  }
}

// After a crash between the challenge and its outcome the answer is shown again, and nothing is asked for twice.
TEST_F(ProveTest, AChallengeThatWasAcceptedBefore) {
  auto const url = place().value();
  int looks = 0;
  acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (!seen.url.ends_with("/authorization/0")) return std::nullopt;
    acme::AuthorizationObject object{.identifier = acme.orders.at(url).object.identifiers[0]};
    object.challenges = {{.type = "http-01", .url = seen.url + "/http-01", .token = std::string(22, 't')}};
    object.challenges[0].status = acme::ChallengeStatus::processing;
    if (++looks == 3) object.status = acme::AuthorizationStatus::valid;
    return FakeAcme::Answer(acme.respond(200, acme::to_json(object)));
  };
  (void)complete(url);
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(acme.count("/authorization/0/http-01"), 0);
  EXPECT_THAT(notes.lines, ::testing::Contains("present cam1.example"));
}

TEST_F(ProveTest, AnAuthorizationOfAnotherName) {
  auto const url = place().value();
  acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
    if (!seen.url.ends_with("/authorization/0")) return std::nullopt;
    acme::AuthorizationObject object{.identifier = acme::Identifier::parse("dns", "bank.example").value()};
    object.challenges = {{.type = "http-01", .url = seen.url + "/http-01", .token = std::string(22, 't')}};
    return FakeAcme::Answer(acme.respond(200, acme::to_json(object)));
  };
  auto const refused = complete(url);
  EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  EXPECT_THAT(refused.error().detail(), HasSubstr("bank.example, which was not ordered"));
  EXPECT_THAT(notes.lines, ::testing::IsEmpty()) << "nothing is answered for a name that is not ours";
}

// --- bounds

TEST(PauseBeforeNext, GrowsAndIsBounded) {
  struct Case {
    int looks;
    std::optional<Seconds> retry_after;
    Seconds pause;
  };
  Case const cases[] = {
      {1, std::nullopt, Seconds(1)}, {2, std::nullopt, Seconds(2)},    {5, std::nullopt, Seconds(16)},
      {9, std::nullopt, kMinute},    {1'000'000, Seconds(0), kMinute}, {1, Seconds(0), Seconds(1)},
      {1, Seconds(7), Seconds(7)},   {6, Seconds(7), Seconds(32)},     {1, kDay, kPauseMax},
  };
  for (auto const& c : cases) EXPECT_EQ(pause_before_next(c.looks, c.retry_after), c.pause) << c.looks;
}

TEST_F(ObtainTest, AnOrderForOtherNames) {
  auto const url = place().value();
  show([](acme::OrderObject& object) { object.identifiers.pop_back(); });
  auto const refused = complete(url);
  EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("/finalize"), 0);
}

TEST_F(ObtainTest, APendingOrderWithoutAuthorizations) {
  auto const url = place().value();
  show([](acme::OrderObject& object) {
    object.status = acme::OrderStatus::pending;
    object.authorizations.clear();
  });
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
}

TEST_F(ObtainTest, MoreAuthorizationsThanNames) {
  auto const url = place().value();
  show([](acme::OrderObject& object) {
    object.status = acme::OrderStatus::pending;
    for (int i = 0; i < 500; ++i) object.authorizations.push_back("https://ca.example/order/1/authorization/0");
  });
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("/authorization/"), 0);
}

// Neither requests nor time without end, whatever the server says of both.
TEST_F(ObtainTest, AnOrderThatNeverEnds) {
  struct Case {
    std::string_view name;
    acme::OrderStatus status;
    std::string_view retry_after;
  };
  constexpr Case kCases[] = {
      {"processing", acme::OrderStatus::processing, ""}, {"no pause", acme::OrderStatus::processing, "0"},
      {"negative", acme::OrderStatus::processing, "-1"}, {"a year", acme::OrderStatus::processing, "31536000"},
      {"ready for ever", acme::OrderStatus::ready, "1"},
  };
  for (auto const& c : kCases) {
    SCOPED_TRACE(c.name);
    acme.instead = nullptr;
    acme.orders.clear();
    acme.requests.clear();
    auto const url = place().value();
    Time const begun = clock.now();
    acme.instead = [&](FakeAcme::Seen const& seen) -> std::optional<FakeAcme::Answer> {
      if (seen.url.find("/order/1") == std::string::npos) return std::nullopt;
      auto object = order().object;
      object.status = c.status;
      auto response = acme.respond(200, acme::to_json(object));
      if (!c.retry_after.empty()) response.headers.add("Retry-After", std::string(c.retry_after));
      return FakeAcme::Answer(response);
    };
    auto refused = complete(url);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
    EXPECT_LE(acme.count("/order/1"), kLooksPerState + 2);
    EXPECT_LE(clock.now() - begun, kOrderDeadline);
    EXPECT_LE(acme.count("/finalize"), 1);
  }
  EXPECT_LE(clock.longest_sleep, kPauseMax);
}

TEST_F(ObtainTest, AnOrderThatFlipsItsState) {
  auto const url = place().value();
  int looks = 0;
  show([&](acme::OrderObject& object) {
    constexpr acme::OrderStatus kFlips[] = {acme::OrderStatus::ready, acme::OrderStatus::processing,
                                            acme::OrderStatus::pending};
    object.status = kFlips[looks++ % 3];
  });
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
  EXPECT_LE(acme.count("/finalize"), kFinalizesMax);
  EXPECT_LE(looks, 3 * kLooksPerState);
}

// As where the signer was away or had reached its cap: the order waits for whoever wants it to be finalized again.
TEST_F(ObtainTest, AnOrderThatComesBackFromProcessingIsFinalizedAgain) {
  acme.looks_until_valid = 1;
  for (int times = 1; times <= kFinalizesMax; ++times) {
    SCOPED_TRACE(times);
    acme.orders.clear();
    acme.requests.clear();
    auto const url = place().value();
    acme.spoil = [&](FakeAcme::Seen const& seen, net::ClientResponse&) {
      bool const was_finalized = seen.url.ends_with("/finalize");
      if (was_finalized && acme.count("/finalize") < times) order().object.status = acme::OrderStatus::ready;
    };
    auto const chain = complete(url);
    EXPECT_EQ(acme.count("/finalize"), times);
    EXPECT_TRUE(chain.ok()) << chain.error().detail();
  }
  acme.spoil = nullptr;
  EXPECT_THAT(acme.violations, ::testing::IsEmpty());
}

TEST_F(ObtainTest, AnOrderThatAlwaysComesBackIsLeftAlone) {
  auto const url = place().value();
  acme.looks_until_valid = 1;
  acme.spoil = [&](FakeAcme::Seen const& seen, net::ClientResponse&) {
    if (seen.url.ends_with("/finalize")) order().object.status = acme::OrderStatus::ready;
  };
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("/finalize"), kFinalizesMax);
  EXPECT_LE(acme.count("/order/1"), 3 * kLooksPerState);
  EXPECT_LE(clock.now() - x509::testing::kNow, kOrderDeadline);
}

TEST_F(ObtainTest, ValidWithoutACertificate) {
  auto const url = place().value();
  show([](acme::OrderObject& object) {
    object.status = acme::OrderStatus::valid;
    object.certificate.clear();
  });
  auto refused = complete(url);
  EXPECT_EQ(refused.error().code(), Errc::incorrect_response);
  EXPECT_THAT(refused.error().detail(), HasSubstr("no URL for its certificate"));
}

TEST_F(ObtainTest, ACertificateElsewhereIsNotFetched) {
  auto const url = place().value();
  show([](acme::OrderObject& object) {
    object.status = acme::OrderStatus::valid;
    object.certificate = "https://evil.example/certificate";
  });
  EXPECT_EQ(complete(url).error().code(), Errc::incorrect_response);
  EXPECT_EQ(acme.count("evil"), 0);
}

TEST_F(ObtainTest, WhatIsNotWhatWasOrderedIsRefused) {
  struct Case {
    std::string_view name;
    std::function<void(FakeAcme&)> misbehave;
    std::string_view text;
    bool passes = false;  // with time
  };
  Case const cases[] = {
      {"another key",
       [](FakeAcme& server) { server.issued_key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key(); },
       "another key"},
      {"another name", [](FakeAcme& server) { server.issued_names = names_of("cam2.example", "10.20.4.119"); },
       "cam2.example, 10.20.4.119 instead of cam1.example"},
      {"one name more",
       [](FakeAcme& server) {
         auto more = names_of("cam1.example", "10.20.4.119");
         more.dns.insert(x509::DnsName::parse("nvr.example").value());
         server.issued_names = more;
       },
       "nvr.example"},
      {"no names", [](FakeAcme& server) { server.issued_names = x509::NameSet(); }, "names"},
      {"expired", [](FakeAcme& server) { server.issued_from = -2 * kDay, server.issued_until = -kDay; }, "expired",
       true},
      {"tomorrow", [](FakeAcme& server) { server.issued_from = kDay; }, "clocks", true},
  };
  for (auto const& c : cases) {
    FakeAcme hostile{clock};
    hostile.accounts.emplace("https://ca.example/account/1", account_key.public_key());
    c.misbehave(hostile);
    AcmeClient with{hostile.fetch(), {hostile.directory_url(), {}}, account_key, "https://ca.example/account/1"};
    auto url = net::run(threads.next(), place_order(with, names, "", ""));
    ASSERT_TRUE(url.ok()) << c.name;
    CompleteOrder request{.order_url = *url, .names = names, .csr = csr};
    auto chain = net::run(threads.next(), complete_order(with, std::move(request), {}, clock.sleep(), clock));
    ASSERT_TRUE(chain.ok()) << c.name;
    auto refused = check_issued(*chain, csr, names, hostile.authority.roots(), clock.now());
    ASSERT_FALSE(refused.ok()) << c.name;
    EXPECT_EQ(refused.error().retry_after.has_value(), c.passes) << c.name;
    EXPECT_EQ(refused.error().code(), Errc::incorrect_response) << c.name;
    EXPECT_THAT(refused.error().detail(), HasSubstr(std::string(c.text))) << c.name;
  }
}

TEST_F(ObtainTest, CheckIssuedLooksAtTheChainToo) {
  auto const chain = obtain().value();
  auto const roots = acme.authority.roots();
  Time const now = clock.now();
  auto const is_good = [&](std::vector<x509::Certificate> const& sent, Time at) {
    return check_issued(sent, csr, names, roots, at).ok();
  };
  EXPECT_TRUE(is_good(chain, now));
  EXPECT_FALSE(is_good({chain[0]}, now)) << "nobody could build the way to the root";
  EXPECT_FALSE(is_good({}, now));
  EXPECT_FALSE(is_good({chain[1], chain[0]}, now));
  x509::testing::Authority const foreign;
  EXPECT_FALSE(is_good({chain[0], foreign.intermediates().front()}, now));
  EXPECT_FALSE(check_issued(chain, csr, names, foreign.roots(), now).ok());
  EXPECT_FALSE(check_issued(chain, csr, names, {}, now).ok());
  EXPECT_FALSE(is_good(chain, chain[0].not_after()));
  EXPECT_TRUE(is_good(chain, chain[0].not_before()));
}

// An authority's certificate for the camera's key would let whoever breaks the camera issue.
TEST_F(ObtainTest, CheckIssuedRefusesAnAuthority) {
  x509::testing::Spec spec{.common_name = "cam1", .ca = true};
  spec.extensions = {x509::testing::subject_alt_name({"cam1.example"}, {Bytes{10, 20, 4, 119}}, false)};
  auto const ca = x509::testing::build(spec, camera_key.native(), acme.authority.issuing_key.native(),
                                       acme.authority.issuing.get());
  auto const refused =
      check_issued({x509::testing::to_certificate(ca)}, csr, names, acme.authority.roots(), clock.now());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("authority"));
}

}  // namespace
}  // namespace lenscap::agent
