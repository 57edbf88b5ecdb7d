#include "acme/flow/account_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

constexpr char const* kUrl = "https://ca.cams.example/acme/new-account";

x509::PublicKey key() { return account_private_key().public_key(); }

// An EAB key with its MAC key, as the store has it, and the request that uses it.
struct Binding {
  SecretBytes mac_key{Bytes(32, 0x11)};
  FoundEabKey found{.key = {.kid = "agent-7", .scope = scope(), .created = kNow}, .mac_key = nullptr};
  NewAccountRequest request;

  Binding() {
    found.mac_key = &mac_key;
    request.external_account_binding = make_eab("agent-7", mac_key, MacAlgorithm::hs256, kUrl, key());
  }
  Result<NewAccount> run(Policy const& p = policy(), Time now = kNow) const {
    return new_account({}, request, key(), kUrl, &found, p, now);
  }
};

Policy open_policy() {
  auto p = policy();
  p.eab_required = false;
  p.open_scope = scope();
  return p;
}

// 8555-7.3-1, 8555-7.3.4-5
TEST(NewAccount, WithAnExternalAccount) {
  Binding const binding;
  auto const made = binding.run().value();
  EXPECT_TRUE(made.created);
  EXPECT_EQ(made.account.key, key());
  EXPECT_EQ(made.account.status, AccountStatus::valid);
  EXPECT_EQ(made.account.eab_kid, "agent-7");
  EXPECT_EQ(made.account.external_account_binding, binding.request.external_account_binding);
  EXPECT_EQ(made.account.created, kNow);
  ASSERT_TRUE(made.bound.has_value());
  EXPECT_EQ(made.bound->accounts, 1U);
  EXPECT_NE(made.account.id, binding.run().value().account.id);
}

TEST(NewAccount, WithoutOneWhenNoneIsRequired) {
  auto const made =
      new_account({}, {.contact = {"mailto:a@b.example"}}, key(), kUrl, nullptr, open_policy(), kNow).value();
  EXPECT_TRUE(made.created);
  EXPECT_TRUE(made.account.eab_kid.empty());
  EXPECT_FALSE(made.account.external_account_binding.has_value());
  EXPECT_FALSE(made.bound.has_value());
  EXPECT_EQ(made.account.contact, std::vector<std::string>{"mailto:a@b.example"});
}

// A binding that was not asked for is checked all the same: nothing unverified is reflected (8555-7.3.4-5).
TEST(NewAccount, ChecksABindingThatIsNotRequired) {
  Binding const binding;
  EXPECT_EQ(new_account({}, binding.request, key(), kUrl, nullptr, open_policy(), kNow).error().code(),
            Errc::unauthorized);
  EXPECT_EQ(binding.run(open_policy()).value().account.eab_kid, "agent-7");
}

// 8555-7.3.4-3
TEST(NewAccount, AsksForAnExternalAccount) {
  EXPECT_EQ(new_account({}, {}, key(), kUrl, nullptr, policy(), kNow).error().code(), Errc::external_account_required);
}

// 8555-7.3.1-1
TEST(NewAccount, KnownKeyGivesTheAccountAsItIs) {
  NewAccountRequest const other{.contact = {"fax:nonsense"}, .external_account_binding = json::Object{{"x", 1}}};
  auto const found = new_account(account(), other, key(), kUrl, nullptr, policy(), kNow).value();
  EXPECT_FALSE(found.created);
  EXPECT_EQ(found.account, account());
  EXPECT_FALSE(found.bound.has_value());
  NewAccountRequest const only{.only_return_existing = true};
  EXPECT_EQ(new_account(account(), only, key(), kUrl, nullptr, policy(), kNow).value().account, account());
}

// 8555-7.3.6-2
TEST(NewAccount, DeactivatedAccountIsRefused) {
  auto dead = account();
  dead.status = AccountStatus::deactivated;
  EXPECT_EQ(new_account(dead, {}, key(), kUrl, nullptr, policy(), kNow).error().code(), Errc::account_deactivated);
}

// 8555-7.3-2, 8555-7.3.1-2
TEST(NewAccount, OnlyReturnExistingNeverCreates) {
  auto p = policy();
  p.terms_of_service = "https://ca/terms";
  EXPECT_EQ(new_account({}, {.only_return_existing = true}, key(), kUrl, nullptr, p, kNow).error().code(),
            Errc::account_does_not_exist);
}

// 8555-7.3-5
TEST(NewAccount, TermsOfService) {
  auto p = open_policy();
  p.terms_of_service = "https://ca/terms";
  auto const refused = new_account({}, {}, key(), kUrl, nullptr, p, kNow).error();
  EXPECT_EQ(refused.code(), Errc::user_action_required);
  EXPECT_EQ(refused.url, "https://ca/terms");
  auto const agreed = new_account({}, {.terms_of_service_agreed = true}, key(), kUrl, nullptr, p, kNow);
  EXPECT_TRUE(agreed.value().account.terms_of_service_agreed);
}

// 8555-7.3.4-4, 8555-7.3.4-6
TEST(Bind, Refuses) {
  struct Case {
    char const* name;
    std::function<void(Binding&)> spoil;
    Errc code;
  };
  auto const other_key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  Case const cases[] = {
      {"no JWS",
       [](Binding& b) {
         b.request.external_account_binding = json::Object{{"kid", "agent-7"}};
       },
       Errc::malformed},
      {"a nonce in its header",
       [](Binding& b) {
         b.request.external_account_binding->set(
             "protected", to_base64url(as_bytes(R"({"alg":"HS256","kid":"agent-7","url":"x","nonce":"AA"})")));
       },
       Errc::malformed},
      {"unknown key id", [](Binding& b) { b.found.key.kid = "agent-8"; }, Errc::unauthorized},
      {"wrong MAC key", [](Binding& b) { b.mac_key = SecretBytes(Bytes(32, 0x12)); }, Errc::unauthorized},
      {"no MAC key", [](Binding& b) { b.found.mac_key = nullptr; }, Errc::unauthorized},
      {"other url",
       [](Binding& b) {
         b.request.external_account_binding =
             make_eab("agent-7", b.mac_key, MacAlgorithm::hs256, "https://ca.cams.example/acme/new-order", key());
       },
       Errc::unauthorized},
      {"other account key",
       [&](Binding& b) {
         b.request.external_account_binding = make_eab("agent-7", b.mac_key, MacAlgorithm::hs256, kUrl, other_key);
       },
       Errc::unauthorized},
      {"revoked", [](Binding& b) { b.found.key.revoked = true; }, Errc::unauthorized},
      {"too late", [](Binding& b) { b.found.key.bind_by = kNow; }, Errc::unauthorized},
      {"used already", [](Binding& b) { b.found.key.accounts = 1; }, Errc::unauthorized},
  };
  for (auto const& c : cases) {
    Binding binding;
    c.spoil(binding);
    auto const made = binding.run();
    ASSERT_FALSE(made.ok()) << c.name;
    EXPECT_EQ(made.error().code(), c.code) << c.name << ": " << made.error().detail();
  }
}

TEST(Bind, UnknownKeyReadsLikeAWrongMac) {
  Binding unknown;
  unknown.found.key.kid = "agent-8";
  Binding wrong;
  wrong.mac_key = SecretBytes(Bytes(32, 0x12));
  Binding wrong_and_revoked;
  wrong_and_revoked.mac_key = SecretBytes(Bytes(32, 0x12));
  wrong_and_revoked.found.key.revoked = true;
  EXPECT_EQ(unknown.run().error(), wrong.run().error());
  EXPECT_EQ(wrong_and_revoked.run().error(), wrong.run().error());
}

TEST(Bind, WithinItsLimits) {
  Binding binding;
  binding.found.key.bind_by = kNow + Seconds(1);
  EXPECT_TRUE(binding.run().ok());
  binding.found.key.use = EabUse::many;
  binding.found.key.accounts = 100'000;
  EXPECT_EQ(binding.run().value().bound->accounts, 100'001U);
}

// The payload is compared as a key, whatever optional members its JWK has (RFC 7638).
TEST(Bind, PayloadWithOptionalMembers) {  // B-08
  Binding binding;
  auto jwk = to_jwk(key());
  jwk.set("kid", "mine");
  jwk.set("use", "sig");
  std::string const header =
      to_base64url(as_bytes(R"({"alg":"HS256","kid":"agent-7","url":")" + std::string(kUrl) + "\"}"));
  std::string const payload = to_base64url(as_bytes(json::write(jwk)));
  auto const mac = hmac(HashAlgorithm::sha256, binding.mac_key.view(), as_bytes(header + "." + payload));
  binding.request.external_account_binding =
      json::Object{{"protected", header}, {"payload", payload}, {"signature", to_base64url(mac)}};
  EXPECT_TRUE(binding.run().ok());
}

// 8555-7.3-4
TEST(CheckContacts, Cases) {
  for (std::string const& good : {std::string("mailto:video@example.org"), std::string("MAILTO:a.b+c@x.lan"),
                                  std::string("mailto:a@localhost"), "mailto:" + std::string(64, 'a') + "@b.example"}) {
    EXPECT_TRUE(check_contacts({good}).ok()) << good;
  }
  EXPECT_TRUE(check_contacts({}).ok());
  struct Case {
    std::string contact;
    Errc code;
  };
  Case const cases[] = {
      {"tel:+46-46-272-1800", Errc::unsupported_contact},
      {"https://example.org/", Errc::unsupported_contact},
      {"", Errc::invalid_contact},
      {"video@example.org", Errc::invalid_contact},
      {":video@example.org", Errc::invalid_contact},
      {"mailto:", Errc::invalid_contact},
      {"mailto:example.org", Errc::invalid_contact},
      {"mailto:@example.org", Errc::invalid_contact},
      {"mailto:a@", Errc::invalid_contact},
      {"mailto:a@b.example?subject=x", Errc::invalid_contact},
      {"mailto:a@b.example,c@d.example", Errc::invalid_contact},
      {"mailto:a@b.example%2Cc@d.example", Errc::invalid_contact},
      {"mailto:a%0Ab@b.example", Errc::invalid_contact},
      {"mailto:a b@c.example", Errc::invalid_contact},
      {"mailto:a@b@c.example", Errc::invalid_contact},
      {"mailto:a@*.example", Errc::invalid_contact},
      {"mailto:a@10.0.0.1", Errc::invalid_contact},
      {"mailto:\xC3\xA4@b.example", Errc::invalid_contact},
      {"mailto:" + std::string(65, 'a') + "@b.example", Errc::invalid_contact},
  };
  for (auto const& c : cases) {
    auto const outcome = check_contacts({"mailto:good@example.org", c.contact});
    ASSERT_FALSE(outcome.ok()) << c.contact;
    EXPECT_EQ(outcome.error().code(), c.code) << c.contact;
  }
  EXPECT_FALSE(check_contacts(std::vector<std::string>(11, "mailto:a@b.example")).ok());
  EXPECT_EQ(new_account({}, {.contact = {"tel:1"}}, key(), kUrl, nullptr, open_policy(), kNow).error().code(),
            Errc::unsupported_contact);
}

// 8555-7.3.2-1
TEST(UpdateAccount, Contacts) {
  EXPECT_EQ(update_account(account(), {}).value(), account());
  EXPECT_TRUE(update_account(account(), {.contact = std::vector<std::string>{}}).value().contact.empty());
  EXPECT_EQ(update_account(account(), {.contact = std::vector<std::string>{"mailto:new@example.org"}}).value().contact,
            std::vector<std::string>{"mailto:new@example.org"});
  EXPECT_EQ(update_account(account(), {.contact = std::vector<std::string>{"tel:1"}}).error().code(),
            Errc::unsupported_contact);
}

}  // namespace
}  // namespace lenscap::acme
