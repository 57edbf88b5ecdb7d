#include "acme/flow/order_rules.h"

#include <gtest/gtest.h>

#include "acme/wire/key_authorization.h"
#include "acme/wire/problem.h"
#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Result<NewOrder> try_order(std::initializer_list<std::string_view> hosts, OrderContext const& context = {},
                           Scope const& s = scope(), Policy const& p = policy()) {
  return new_order(account(), s, request(hosts), context, p, kNow);
}

// --- new_order ---

TEST(NewOrder, GrantedNamesMakeAReadyOrder) {
  auto const made = order_of({"cam1.cams.example", "10.20.0.7"});
  EXPECT_EQ(made.order.status, OrderStatus::ready);
  EXPECT_EQ(made.order.account_id, "account-1");
  EXPECT_EQ(made.order.profile, "camera-https");
  EXPECT_EQ(made.order.identifiers, request({"cam1.cams.example", "10.20.0.7"}).identifiers);
  EXPECT_EQ(made.order.expires, kNow + kHour);  // as long as what it rests on
  ASSERT_EQ(made.created.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    auto const& authorization = made.created[i];
    EXPECT_EQ(authorization.id, made.order.authorizations[i]);
    EXPECT_EQ(authorization.identifier, made.order.identifiers[i]);
    EXPECT_EQ(authorization.status, AuthorizationStatus::valid);
    EXPECT_EQ(authorization.expires, kNow + kHour);
    EXPECT_EQ(authorization.granted, "granted by external account key agent-7");
    // Stock clients want to see the challenge that was fulfilled.
    ASSERT_EQ(authorization.challenges.size(), 1U);
    EXPECT_EQ(authorization.challenges[0].type, "http-01");
    EXPECT_EQ(authorization.challenges[0].status, ChallengeStatus::valid);
    EXPECT_EQ(authorization.challenges[0].validated, kNow);
    EXPECT_TRUE(is_token(authorization.challenges[0].token));
  }
}

TEST(NewOrder, NamesToProveMakeAPendingOrder) {
  auto p = policy();
  p.offers = {{.type = "http-01", .dns = true, .ip = true}, {.type = "dns-01", .dns = true, .wildcard = true}};
  auto const made = try_order({"cam1.lab.example", "10.30.0.7"}, {}, scope(), p).value();
  EXPECT_EQ(made.order.status, OrderStatus::pending);
  EXPECT_EQ(made.order.expires, kNow + kDay);
  ASSERT_EQ(made.created.size(), 2U);
  EXPECT_EQ(made.created[0].status, AuthorizationStatus::pending);
  EXPECT_TRUE(made.created[0].granted.empty());
  ASSERT_EQ(made.created[0].challenges.size(), 2U);
  EXPECT_EQ(made.created[0].challenges[0].type, "http-01");
  EXPECT_EQ(made.created[0].challenges[1].type, "dns-01");
  EXPECT_NE(made.created[0].challenges[0].token, made.created[0].challenges[1].token);
  EXPECT_NE(made.created[0].challenges[0].id, made.created[0].challenges[1].id);
  ASSERT_EQ(made.created[1].challenges.size(), 1U);  // 8738-7-1
  EXPECT_EQ(made.created[1].challenges[0].type, "http-01");
  for (auto const& challenge : made.created[0].challenges) {
    EXPECT_TRUE(is_token(challenge.token));
    EXPECT_EQ(challenge.status, ChallengeStatus::pending);
  }
  // 8555-11.3-1: nothing of it can be foreseen.
  auto const again = try_order({"cam1.lab.example", "10.30.0.7"}, {}, scope(), p).value();
  EXPECT_NE(again.created[0].challenges[0].token, made.created[0].challenges[0].token);
  EXPECT_NE(again.order.id, made.order.id);
}

TEST(NewOrder, GrantedAndToProveTogether) {
  auto const made = order_of({"cam1.cams.example", "cam1.lab.example"});
  EXPECT_EQ(made.order.status, OrderStatus::pending);
  EXPECT_EQ(made.created[0].status, AuthorizationStatus::valid);
  EXPECT_EQ(made.created[1].status, AuthorizationStatus::pending);
  EXPECT_EQ(made.order.expires, kNow + kHour);
}

// 8555-7.4-4, 8555-6.7.1-1
TEST(NewOrder, NamesEveryRefusedIdentifier) {
  auto const one = try_order({"cam1.cams.example", "www.example.org"}).error();
  EXPECT_EQ(one.code(), Errc::rejected_identifier);
  ASSERT_EQ(one.sub.size(), 1U);
  EXPECT_EQ(one.sub[0].identifier_value, "www.example.org");
  auto const two = try_order({"www.example.org", "cam1.cams.example", "192.0.2.1"}).error();
  EXPECT_EQ(two.code(), Errc::compound);
  ASSERT_EQ(two.sub.size(), 2U);
  EXPECT_EQ(two.sub[1].identifier_type, "ip");
  EXPECT_EQ(two.sub[1].code, Errc::rejected_identifier);
  EXPECT_EQ(http_status(two), 403);
}

TEST(NewOrder, NothingOutsideTheIssuersConstraints) {
  auto p = policy();
  p.issuer.constraints = {x509::NameConstraints::permit_only({dns("cams.example")}, {block("10.20.0.0/24")})};
  EXPECT_TRUE(try_order({"cam1.cams.example", "10.20.0.7"}, {}, scope(), p).ok());
  auto const refused = try_order({"cam1.cams.example", "10.20.1.7", "cam1.lab.example"}, {}, scope(), p).error();
  ASSERT_EQ(refused.sub.size(), 2U);
  EXPECT_EQ(refused.sub[0].code, Errc::rejected_identifier);
  EXPECT_EQ(refused.sub[0].identifier_value, "10.20.1.7");
}

// What the default can counts for nobody whose scope names another.
TEST(NewOrder, InsideWhatTheScopesIssuerCan) {
  auto p = policy();
  p.issuer = {.constraints = {x509::NameConstraints::permit_only({dns("lab.example")}, {})}, .ends = kNow + kMinute};
  auto s = scope();
  s.issuer = "plant4";
  OrderContext context;
  context.issuer = {.only = "plant4",
                    .constraints = {x509::NameConstraints::permit_only({dns("p4.cams.example")}, {})},
                    .begins = kNow - kDay,
                    .ends = kNow + kDay};
  EXPECT_TRUE(try_order({"cam1.p4.cams.example"}, context, s, p).ok());
  auto const refused = try_order({"cam1.p4.cams.example", "cam1.lab.example"}, context, s, p).error();
  EXPECT_EQ(refused.code(), Errc::rejected_identifier);
  ASSERT_EQ(refused.sub.size(), 1U);
  EXPECT_EQ(refused.sub[0].identifier_value, "cam1.lab.example");
  EXPECT_NE(refused.sub[0].detail.find("only the issuer plant4 may sign this"), std::string::npos);

  auto asked = request({"cam1.p4.cams.example"});
  asked.not_after = kNow + kDay;
  EXPECT_TRUE(new_order(account(), s, asked, context, p, kNow).ok());
  asked.not_after = kNow + kDay + Seconds(1);
  EXPECT_EQ(new_order(account(), s, asked, context, p, kNow).error().code(), Errc::malformed);
}

TEST(NewOrder, NothingThatCannotBeProved) {
  auto p = policy();
  p.offers = {{.type = "dns-01", .dns = true}};
  EXPECT_TRUE(try_order({"cam1.lab.example"}, {}, scope(), p).ok());
  EXPECT_EQ(try_order({"10.30.0.7"}, {}, scope(), p).error().code(), Errc::rejected_identifier);
}

TEST(NewOrder, Wildcards) {
  EXPECT_EQ(try_order({"*.cams.example"}).error().code(), Errc::rejected_identifier);
  auto p = policy();
  p.allow_wildcards = true;
  auto const granted = try_order({"*.cams.example"}, {}, scope(), p).value();
  EXPECT_EQ(granted.order.identifiers[0].value(), "*.cams.example");
  // 8555-7.1.3-2, 8555-7.1.4-3
  EXPECT_EQ(granted.created[0].identifier.value(), "cams.example");
  EXPECT_TRUE(granted.created[0].wildcard);
  EXPECT_EQ(granted.created[0].challenges[0].type, "dns-01");
  EXPECT_EQ(try_order({"*.lab.example"}, {}, scope(), p).error().code(), Errc::rejected_identifier);
  p.offers.push_back({.type = "dns-01", .dns = true, .wildcard = true});
  auto const proved = try_order({"*.lab.example"}, {}, scope(), p).value();
  ASSERT_EQ(proved.created[0].challenges.size(), 1U);
  EXPECT_EQ(proved.created[0].challenges[0].type, "dns-01");
}

// profiles-4-1, profiles-4-3
TEST(NewOrder, Profiles) {
  auto const with = [](std::optional<std::string> profile, Scope const& s = scope()) {
    auto r = request({"cam1.cams.example"});
    r.profile = std::move(profile);
    return new_order(account(), s, r, {}, policy(), kNow);
  };
  EXPECT_EQ(with({}).value().order.profile, "camera-https");  // the first is the default
  EXPECT_EQ(with("camera-soap").value().order.profile, "camera-soap");
  EXPECT_EQ(with("other").error().code(), Errc::invalid_profile);  // known, but not for this account
  EXPECT_EQ(with("nothing").error().code(), Errc::invalid_profile);
  EXPECT_EQ(with("").error().code(), Errc::invalid_profile);
  auto s = scope();
  s.profiles = {"gone", "camera-https"};  // the settings know it no more
  EXPECT_EQ(with({}, s).error().code(), Errc::invalid_profile);
  EXPECT_EQ(with("gone", s).error().code(), Errc::invalid_profile);
  s.profiles.clear();
  EXPECT_EQ(with({}, s).value().order.profile, "camera-https");
  EXPECT_EQ(with("camera-soap", s).error().code(), Errc::invalid_profile);
}

TEST(NewOrder, IssueUntil) {
  auto s = scope();
  s.issue_until = kNow + Seconds(1);
  EXPECT_TRUE(try_order({"cam1.cams.example"}, {}, s).ok());
  s.issue_until = kNow;
  EXPECT_EQ(try_order({"cam1.cams.example"}, {}, s).error().code(), Errc::unauthorized);
}

TEST(NewOrder, LiveNames) {
  auto s = scope();
  s.live_names_max = 10;
  OrderContext context;
  context.live_names = 9;
  EXPECT_TRUE(try_order({"new.cams.example"}, context, s).ok());
  EXPECT_EQ(try_order({"new.cams.example", "10.20.0.7"}, context, s).error().code(), Errc::rate_limited);
  // Renewal of what is live needs no room, even when the limit was narrowed since.
  context.live_names = 12;
  context.already_live.dns = {dns("old.cams.example")};
  EXPECT_TRUE(try_order({"old.cams.example"}, context, s).ok());
  auto const refused = try_order({"old.cams.example", "new.cams.example"}, context, s).error();
  EXPECT_EQ(refused.code(), Errc::rate_limited);
  EXPECT_TRUE(refused.retry_after.has_value());  // 8555-6.6-2
}

// 8555-10.3-1
TEST(NewOrder, TooManyOpenOrders) {
  OrderContext context;
  context.pending_orders = policy().pending_orders_max - 1;
  EXPECT_TRUE(try_order({"cam1.cams.example"}, context).ok());
  ++context.pending_orders;
  auto const refused = try_order({"cam1.cams.example"}, context).error();
  EXPECT_EQ(refused.code(), Errc::rate_limited);  // 8555-6.6-1
  EXPECT_LE(refused.retry_after.value(), Seconds(600));
}

// 8555-7.4-2
TEST(NewOrder, KeepsTheValidityThatWasAskedFor) {
  auto r = request({"cam1.cams.example"});
  r.not_after = kNow + kDay;
  EXPECT_EQ(new_order(account(), scope(), r, {}, policy(), kNow).value().order.validity,
            (AskedValidity{{}, kNow + kDay}));
  r.not_after = kNow + 1000 * kDay;
  EXPECT_EQ(new_order(account(), scope(), r, {}, policy(), kNow).error().code(), Errc::malformed);
  r.not_after.reset();
  r.not_before = kNow - kDay;
  EXPECT_EQ(new_order(account(), scope(), r, {}, policy(), kNow).error().code(), Errc::malformed);
}

TEST(NewOrder, KeepsWhatItReplaces) {  // 9773-5-1; the rule itself is in renewal_rules_test.cc
  auto r = request({"cam1.cams.example"});
  r.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  auto const ignored = new_order(account(), scope(), r, {}, policy(), kNow).value();
  EXPECT_EQ(ignored.order.replaces, "");
  EXPECT_FALSE(ignored.replaces_ignored.empty());
  OrderContext context;
  context.predecessor = Predecessor{.account_id = "account-1", .identifiers = r.identifiers, .replaced_by = {}};
  auto const kept = new_order(account(), scope(), r, context, policy(), kNow).value();
  EXPECT_EQ(kept.order.replaces, *r.replaces);
  EXPECT_EQ(kept.replaces_ignored, "");
  context.pending_orders = policy().pending_orders_max;  // 9773-5-5
  EXPECT_TRUE(new_order(account(), scope(), r, context, policy(), kNow).ok());
  context.predecessor->account_id = "account-2";
  EXPECT_EQ(new_order(account(), scope(), r, context, policy(), kNow).error().code(), Errc::rate_limited);
  context.predecessor->account_id = "account-1";
  context.predecessor->replaced_by = "order-1";
  EXPECT_EQ(new_order(account(), scope(), r, context, policy(), kNow).error().code(), Errc::already_replaced);
}

TEST(NewOrder, NeedsAValidAccountAndNames) {
  auto dead = account();
  dead.status = AccountStatus::deactivated;
  EXPECT_EQ(new_order(dead, scope(), request({"cam1.cams.example"}), {}, policy(), kNow).error().code(),
            Errc::account_deactivated);
  EXPECT_EQ(try_order({}).error().code(), Errc::malformed);
  auto p = policy();
  p.identifiers_max = 1;
  EXPECT_EQ(try_order({"a.cams.example", "b.cams.example"}, {}, scope(), p).error().code(), Errc::malformed);
}

TEST(NewOrder, ReusesWhatWasProved) {
  auto proved = authorization(AuthorizationStatus::valid);
  proved.expires = kNow + 2 * kHour;
  OrderContext context;
  context.reusable = {proved};
  auto const made = order_of({"cam1.lab.example"}, context);
  EXPECT_EQ(made.order.status, OrderStatus::ready);                           // born ready
  EXPECT_EQ(made.order.authorizations, std::vector<std::string>{"authz-1"});  // 8555-7.1.3-4
  EXPECT_TRUE(made.created.empty());
  EXPECT_EQ(made.order.expires, proved.expires);

  struct Case {
    char const* name;
    std::function<void(Authorization&)> spoil;
  };
  Case const cases[] = {
      {"another account's", [](Authorization& a) { a.account_id = "account-2"; }},
      {"pending", [](Authorization& a) { a.status = AuthorizationStatus::pending; }},
      {"deactivated (8555-7.5.2-1)", [](Authorization& a) { a.status = AuthorizationStatus::deactivated; }},
      {"revoked", [](Authorization& a) { a.status = AuthorizationStatus::revoked; }},
      {"nearly expired", [](Authorization& a) { a.expires = kNow + Seconds(1); }},
      {"expired", [](Authorization& a) { a.expires = kNow - Seconds(1); }},
      {"for a wildcard", [](Authorization& a) { a.wildcard = true; }},
      {"for another name", [](Authorization& a) { a.identifier = id_of("cam2.lab.example"); }},
      {"granted", [](Authorization& a) { a.granted = "granted by external account key agent-6"; }},
  };
  for (auto const& c : cases) {
    context.reusable = {proved};
    c.spoil(context.reusable[0]);
    auto const other = order_of({"cam1.lab.example"}, context);
    EXPECT_EQ(other.order.status, OrderStatus::pending) << c.name;
    EXPECT_EQ(other.created.size(), 1U) << c.name;
  }
}

TEST(NewOrder, ReuseDoesNotWidenTheScope) {
  auto proved = authorization(AuthorizationStatus::valid);
  proved.expires = kNow + 2 * kHour;
  OrderContext context;
  context.reusable = {proved};
  auto s = scope();
  s.prove_dns.clear();
  EXPECT_EQ(try_order({"cam1.lab.example"}, context, s).error().code(), Errc::rejected_identifier);
}

// --- update_readiness ---

TEST(UpdateReadiness, SaysWhyAnOrderDied) {
  auto o = order(OrderStatus::pending);
  o.identifiers = {id_of("cam1.lab.example"), id_of("cam2.lab.example")};
  o.authorizations = {"authz-1", "authz-2"};
  Authorization const both[] = {authorization(AuthorizationStatus::invalid),
                                authorization(AuthorizationStatus::deactivated, "cam2.lab.example", "authz-2")};
  auto const dead = update_readiness(o, both, kNow);
  EXPECT_EQ(dead.status, OrderStatus::invalid);
  ASSERT_EQ(dead.error->sub.size(), 2U);
  EXPECT_EQ(dead.error->sub[0].code, Errc::connection);
  EXPECT_EQ(dead.error->sub[0].detail, "http-01: nobody answered");
  EXPECT_EQ(dead.error->sub[1].code, Errc::unauthorized);

  Authorization const one[] = {authorization(AuthorizationStatus::valid),
                               authorization(AuthorizationStatus::invalid, "cam2.lab.example", "authz-2")};
  EXPECT_EQ(update_readiness(o, one, kNow).error->code(), Errc::connection);
  Authorization const waiting[] = {authorization(AuthorizationStatus::valid),
                                   authorization(AuthorizationStatus::pending, "cam2.lab.example", "authz-2")};
  EXPECT_EQ(update_readiness(o, waiting, kNow), o);
}

TEST(UpdateReadiness, TimeRunsOutForAuthorizationsToo) {
  for (auto status : {AuthorizationStatus::pending, AuthorizationStatus::valid}) {
    Authorization const a[] = {authorization(status)};
    EXPECT_EQ(update_readiness(order(OrderStatus::pending), a, kNow + kHour).status, OrderStatus::invalid);
  }
}

// --- check_finalize ---

// A ready order of granted names, and a CSR as a device makes it.
struct Finalize {
  Account owner = account();
  Scope s = scope();
  Policy p = policy();
  NewOrder made;
  bool is_account_key = false;
  bool is_compromised_key = false;
  bool is_blocked_key = false;
  bool is_key_of_another_device = false;
  Time now = kNow;

  explicit Finalize(std::initializer_list<std::string_view> hosts = {"cam1.cams.example", "10.20.0.7"})
      : made(order_of(hosts)) {}
  Result<CheckedOrder> run(x509::Csr const& csr) const {
    FinalizeContext const context{.authorizations = made.created,
                                  .is_account_key = is_account_key,
                                  .is_compromised_key = is_compromised_key,
                                  .is_blocked_key = is_blocked_key,
                                  .is_key_of_another_device = is_key_of_another_device};
    return check_finalize(made.order, owner, s, csr, context, p, now);
  }
};

x509::Csr csr_of(std::initializer_list<std::string_view> hosts, std::string_view common_name = {},
                 x509::PrivateKey const& key = device_private_key()) {
  std::vector<Identifier> identifiers;
  for (auto host : hosts) identifiers.push_back(id_of(host));
  return x509::parse_csr(x509::make_csr(key, to_name_set(identifiers), common_name)).value();
}

TEST(CheckFinalize, GivesKeyAndNames) {
  Finalize const f;
  auto const csr = csr_of({"10.20.0.7", "CAM1.cams.example"});  // 8555-7.4-5: as a set
  auto const checked = f.run(csr).value();
  EXPECT_EQ(checked.order_id, f.made.order.id);
  EXPECT_EQ(checked.account_id, "account-1");
  EXPECT_EQ(checked.key, device_private_key().public_key());
  EXPECT_EQ(checked.names.text(), "cam1.cams.example, 10.20.0.7");
  EXPECT_EQ(checked.profile, "camera-https");
  EXPECT_EQ(checked.validity, AskedValidity{});
}

// 8555-7.4-5, 8555-7.4-6
TEST(CheckFinalize, Names) {
  struct Case {
    char const* name;
    std::initializer_list<std::string_view> ordered;
    x509::Csr csr;
    char const* profile;
    bool fine;
  };
  Case const cases[] = {
      {"the same", {"cam1.cams.example"}, csr_of({"cam1.cams.example"}), "camera-https", true},
      {"with a common name of them",
       {"a.cams.example", "b.cams.example"},
       csr_of({"a.cams.example", "b.cams.example"}, "b.cams.example"),
       "camera-https",
       true},
      {"common name an ordered address",
       {"a.cams.example", "10.20.0.7"},
       csr_of({"a.cams.example", "10.20.0.7"}, "10.20.0.7"),
       "camera-https",
       true},
      {"common name alone", {"cam1.cams.example"}, csr_of({}, "cam1.cams.example"), "camera-https", true},
      {"one more", {"cam1.cams.example"}, csr_of({"cam1.cams.example", "cam2.cams.example"}), "camera-https", false},
      {"one less", {"cam1.cams.example", "10.20.0.7"}, csr_of({"cam1.cams.example"}), "camera-https", false},
      {"another", {"cam1.cams.example"}, csr_of({"cam2.cams.example"}), "camera-https", false},
      {"another common name",
       {"cam1.cams.example"},
       csr_of({"cam1.cams.example"}, "cam2.cams.example"),
       "camera-https",
       false},
      {"a common name that is no name",
       {"cam1.cams.example"},
       csr_of({"cam1.cams.example"}, "Front door"),
       "camera-https",
       false},
      {"nothing", {"cam1.cams.example"}, csr_of({}), "camera-https", false},
      {"common name alone, two ordered",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({}, "cam1.cams.example"),
       "camera-https",
       false},
      {"common name an address alone", {"10.20.0.7"}, csr_of({}, "10.20.0.7"), "camera-https", false},
      // A profile that takes names from the order.
      {"soap: common name alone, two ordered",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({}, "cam1.cams.example"),
       "camera-soap",
       true},
      {"soap: common name an address",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({}, "10.20.0.7"),
       "camera-soap",
       true},
      {"soap: nothing", {"cam1.cams.example", "10.20.0.7"}, csr_of({}), "camera-soap", true},
      {"soap: common name of another",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({}, "cam2.cams.example"),
       "camera-soap",
       false},
      {"soap: common name that is no name", {"cam1.cams.example"}, csr_of({}, "Front door"), "camera-soap", false},
      {"soap: alternative names one less",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({"cam1.cams.example"}),
       "camera-soap",
       true},
      {"soap: the address alone", {"cam1.cams.example", "10.20.0.7"}, csr_of({"10.20.0.7"}), "camera-soap", true},
      {"soap: one of them and another",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({"cam1.cams.example", "cam2.cams.example"}),
       "camera-soap",
       false},
      {"soap: one less, with the common name of another",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({"cam1.cams.example"}, "cam2.cams.example"),
       "camera-soap",
       false},
      {"soap: alternative names equal",
       {"cam1.cams.example", "10.20.0.7"},
       csr_of({"cam1.cams.example", "10.20.0.7"}),
       "camera-soap",
       true},
  };
  for (auto const& c : cases) {
    Finalize f(c.ordered);
    f.made.order.profile = c.profile;
    auto const checked = f.run(c.csr);
    EXPECT_EQ(checked.ok(), c.fine) << c.name << ": " << (checked.ok() ? "" : checked.error().detail());
    if (checked.ok()) {
      EXPECT_EQ(checked->names, to_name_set(f.made.order.identifiers)) << c.name;
    } else {
      EXPECT_EQ(checked.error().code(), Errc::bad_csr) << c.name;
    }
  }
}

TEST(CheckFinalize, Refuses) {
  struct Case {
    char const* name;
    std::function<void(Finalize&)> spoil;
    Errc code;
  };
  Case const cases[] = {
      {"another account's order (8555-6.3-5)", [](Finalize& f) { f.owner = account("account-2"); }, Errc::not_found},
      {"deactivated account", [](Finalize& f) { f.owner.status = AccountStatus::deactivated; },
       Errc::account_deactivated},
      {"pending (8555-7.4-7)", [](Finalize& f) { f.made.order.status = OrderStatus::pending; }, Errc::order_not_ready},
      {"processing (8555-7.4-8)", [](Finalize& f) { f.made.order.status = OrderStatus::processing; },
       Errc::order_not_ready},
      {"valid", [](Finalize& f) { f.made.order.status = OrderStatus::valid; }, Errc::order_not_ready},
      {"invalid", [](Finalize& f) { f.made.order.status = OrderStatus::invalid; }, Errc::order_not_ready},
      {"expired", [](Finalize& f) { f.now = f.made.order.expires; }, Errc::order_not_ready},
      {"an authorization was deactivated (8555-7.5.2-1)",
       [](Finalize& f) { f.made.created[0].status = AuthorizationStatus::deactivated; }, Errc::order_not_ready},
      {"an authorization has expired", [](Finalize& f) { f.made.created[1].expires = f.now; }, Errc::order_not_ready},
      {"an authorization is gone", [](Finalize& f) { f.made.created.pop_back(); }, Errc::order_not_ready},
      {"issue-until passed since", [](Finalize& f) { f.s.issue_until = kNow; }, Errc::unauthorized},
      {"a name is granted no more", [](Finalize& f) { f.s.grant_ip.clear(); }, Errc::rejected_identifier},
      {"a granted name must be proved now",
       [](Finalize& f) {
         f.s.grant_ip.clear();
         f.s.prove_ip = {block("10.20.0.0/16")};
       },
       Errc::rejected_identifier},
      {"the profile was withdrawn (profiles-4-4)", [](Finalize& f) { f.p.profiles.erase(f.p.profiles.begin()); },
       Errc::invalid_profile},
      {"the profile is not the account's", [](Finalize& f) { f.s.profiles = {"camera-soap"}; }, Errc::invalid_profile},
      {"what was asked for is over (8555-7.4-2)",
       [](Finalize& f) {
         f.made.order.validity.not_after = kNow + kMinute;
         f.now = kNow + kMinute;
       },
       Errc::malformed},
      {"the key is an account's (8555-11.1-1)", [](Finalize& f) { f.is_account_key = true; }, Errc::bad_public_key},
      {"the key was lost", [](Finalize& f) { f.is_compromised_key = true; }, Errc::bad_public_key},
      {"the key is blocked", [](Finalize& f) { f.is_blocked_key = true; }, Errc::bad_public_key},
      {"the key is another device's", [](Finalize& f) { f.is_key_of_another_device = true; }, Errc::bad_public_key},
  };
  auto const csr = csr_of({"cam1.cams.example", "10.20.0.7"});
  for (auto const& c : cases) {
    Finalize f;
    c.spoil(f);
    auto const before = f.made.order;
    auto const checked = f.run(csr);
    ASSERT_FALSE(checked.ok()) << c.name;
    EXPECT_EQ(checked.error().code(), c.code) << c.name << ": " << checked.error().detail();
    EXPECT_EQ(f.made.order, before) << c.name;  // 8555-7.4-6
  }
}

// Nobody gets a profile that believes the order without having been given it by name.
TEST(NewOrder, TheDefaultTakesNoNamesFromTheOrder) {
  auto p = policy();
  std::swap(p.profiles[0], p.profiles[1]);
  ASSERT_TRUE(p.profiles.front().names_from_order);
  auto s = scope();
  s.profiles = {};
  auto const made = new_order(account(), s, request({"cam1.cams.example"}), {}, p, kNow);
  EXPECT_EQ(made.value().order.profile, "camera-https");
  auto asking = request({"cam1.cams.example"});
  asking.profile = "camera-soap";
  EXPECT_EQ(new_order(account(), s, asking, {}, p, kNow).error().code(), Errc::invalid_profile);
  p.profiles = {p.profiles.front()};
  EXPECT_EQ(new_order(account(), s, request({"cam1.cams.example"}), {}, p, kNow).error().code(), Errc::invalid_profile);
}

TEST(CheckFinalize, RefusesTheOwnAccountsKey) {  // 8555-11.1-1
  Finalize const f;
  auto const checked = f.run(csr_of({"cam1.cams.example", "10.20.0.7"}, {}, account_private_key()));
  EXPECT_EQ(checked.error().code(), Errc::bad_public_key);
}

TEST(CheckFinalize, ProvedNamesStayGoodWhenTheyAreGrantedLater) {
  Finalize f({"cam1.lab.example"});
  f.made.created[0].status = AuthorizationStatus::valid;
  f.made.order.status = OrderStatus::ready;
  f.s.grant_dns.push_back(dns("lab.example"));
  EXPECT_TRUE(f.run(csr_of({"cam1.lab.example"})).ok());
}

// 8555-7.4-8: of two requests at once the second finds `processing`.
TEST(BeginFinalize, OneClaimOnly) {
  auto const claimed = begin_finalize(order(OrderStatus::ready), kNow).value();
  EXPECT_EQ(claimed.status, OrderStatus::processing);
  EXPECT_EQ(begin_finalize(claimed, kNow).error().code(), Errc::order_not_ready);
}

}  // namespace
}  // namespace lenscap::acme
