// Several issuers behind one front door and one signer: each certificate is of the issuer that its names, its profile
// and the time ask for, and the signer lets no issuer do what is another's.
#include "tests/ca/several_issuers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/crl.h"
#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

GeneratedCa const& root_ca() {
  static GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  return ca;
}

// The default, a plant, and what takes the default's place in a week.
std::vector<Further> site() {
  return {{.name = "plant4", .permit_dns = {"p4.cams.example"}, .permit_ip = {"10.20.4.0/24"}},
          {.name = "default-2", .note = {.active_from = kNow + 7 * kDay, .replaces = "default"}}};
}

struct SeveralAuthority : ::testing::Test {
  std::unique_ptr<store::Store> const store = store::open("memory:", "").value();
  SeveralIssuers made = several_issuers(root_ca(), site(), kNow);
  std::vector<x509::Certificate> const issuing = made.certificates;
  Authority const authority{std::move(made.issuing), *store};

  std::string by(std::vector<std::string> const& dns, Time now) const {
    auto const leaf = authority.issue(request(names(dns)), "order", now);
    if (!leaf) return leaf.error().detail();
    auto const* issuer = authority.issuer_of(*leaf);
    EXPECT_TRUE(x509::verify_chain(*leaf, {issuer->issuer->certificate()}, {root_ca().root}, now));
    EXPECT_EQ(authority.chain_of(*leaf).pem(*leaf, ChainEnd::below_root),
              leaf->pem() + issuer->issuer->certificate().pem());
    store->read([&](store::ReadTxn& txn) { EXPECT_EQ(find_by_serial(txn, leaf->serial_hex())->issuer, issuer->id()); });
    return issuer->rule.name;
  }
};

TEST_F(SeveralAuthority, TheIssuerFollowsFromNamesAndTime) {
  EXPECT_EQ(by({"a.cams.example"}, kNow), "default");
  EXPECT_EQ(by({"a.p4.cams.example"}, kNow), "plant4");
  EXPECT_EQ(by({"a.p4.cams.example", "b.cams.example"}, kNow), "default");
  EXPECT_EQ(by({"a.cams.example"}, kNow + 7 * kDay), "default-2");
  EXPECT_EQ(by({"a.p4.cams.example"}, kNow + 7 * kDay), "plant4");
}

TEST_F(SeveralAuthority, WhatNobodyMayIssueIsRefusedAsByOneIssuer) {
  auto const refused = authority.prepare(request(names({"a.cams.example", "www.bank.example"})), kNow).error();
  EXPECT_EQ(refused.code(), Errc::rejected_identifier);
  ASSERT_EQ(refused.sub.size(), 1U);
  EXPECT_EQ(refused.sub[0].identifier_value, "www.bank.example");
  auto unknown = request(names({"a.cams.example"}));
  unknown.profile = "nothing";
  EXPECT_EQ(authority.prepare(unknown, kNow).error().code(), Errc::invalid_profile);
}

TEST_F(SeveralAuthority, NoIssuerMakesACertificateOfAnothersKey) {
  auto own = request(names({"a.cams.example"}));
  for (auto const& each : issuing) {
    own.key = each.key();
    auto const refused = authority.prepare(own, kNow);
    ASSERT_FALSE(refused) << each.subject();
    EXPECT_EQ(refused.error().code(), Errc::bad_public_key);
  }
}

// A draft that was made just before the other issuer's time is signed by the one that it names.
TEST_F(SeveralAuthority, ADraftIsSignedByItsOwnIssuer) {
  auto draft = authority.prepare(request(names({"a.cams.example"})), kNow + 7 * kDay - Seconds(1)).value();
  store->write([&](store::WriteTxn& txn) { return record_intent(txn, draft, "order").ok(); });
  auto const leaf = authority.sign(std::move(draft)).value();
  EXPECT_TRUE(leaf.is_signed_by(issuing[0].key()));
}

struct SeveralSigner : ::testing::Test {
  fakes::TempDir dir;
  std::string const ledger = dir.path("ledger");
  SeveralIssuers made = several_issuers(root_ca(), site(), kNow, {"camera-https", "server"}, kCrlParts);
  std::vector<x509::Certificate> const issuing = made.certificates;
  SigningCaps caps;
  std::unique_ptr<IssuerProcess> signer;

  // What a front end puts on record, by the issuer of this place.
  SeveralIssuers front = std::move(made);
  void start(Time now = kNow) {
    signer.reset();
    signer = IssuerProcess::make(once_more(front), front.signers, ledger, caps, false, now).value();
  }
  CertificateWanted wanted(std::size_t by, std::vector<std::string> const& dns, Time now) const {
    return wanted(by, request(names(dns)), now);
  }
  CertificateWanted wanted(std::size_t by, IssueRequest const& asked, Time now) const {
    auto const draft = front.issuing.issuers[by].issuer->prepare(profile("camera-https"), asked, now).value();
    return {.id = 7,
            .issuer = draft.issuer_key_id(),
            .request = draft.request(),
            .profile_hash = draft.profile_hash(),
            .serial = draft.what().serial,
            .prepared_at = now,
            .tbs_hash = sha256(draft.tbs())};
  }
  std::string refused(CertificateWanted const& want, Time now) { return refusal(answer(*signer, encode(want), now)); }
  Bytes crl(std::size_t by, std::uint64_t number, Time now) const {
    CrlBuilder builder(issuing[by], {.number = number, .this_update = now, .next_update = now + 7 * kDay}, 1);
    return encode_crl_wanted(9, issuing[by].subject_key_id(), std::move(builder).finish().tbs());
  }
};

TEST_F(SeveralSigner, JudgesByTheIssuerThatIsToSign) {
  start();
  auto want = wanted(1, {"a.p4.cams.example"}, kNow);
  auto other = want;
  other.issuer = issuing[0].subject_key_id();
  EXPECT_THAT(refused(other, kNow), HasSubstr("another certificate than the one on record"));
  auto const given = answer(*signer, encode(want), kNow);
  ASSERT_TRUE(std::holds_alternative<Signature>(given)) << refusal(given);
  EXPECT_EQ(entries_of(ledger).at(0).issuer, to_hex(issuing[1].subject_key_id()));

  want = wanted(0, {"b.cams.example"}, kNow);
  want.issuer = issuing[1].subject_key_id();
  EXPECT_THAT(refused(want, kNow), HasSubstr("b.cams.example")) << "outside what the plant may name";
  want.issuer = root_ca().root.subject_key_id();
  EXPECT_THAT(refused(want, kNow), HasSubstr("has no issuer"));
  EXPECT_EQ(entries_of(ledger).size(), 1U);
}

TEST_F(SeveralSigner, NoIssuerSignsACertificateOfAnothersKey) {
  start();
  for (std::size_t const of : {1U, 2U}) {
    auto own = request(names({"a.cams.example"}));
    own.key = issuing[of].key();
    EXPECT_THAT(refused(wanted(0, own, kNow), kNow), HasSubstr("the CA's own key")) << issuing[of].subject();
  }
}

TEST_F(SeveralSigner, KeepsToTheDates) {
  start();
  auto const then = kNow + 7 * kDay;
  EXPECT_THAT(refused(wanted(2, {"a.cams.example"}, kNow), kNow), HasSubstr("signs only from"));
  EXPECT_EQ(refused(wanted(0, {"a.cams.example"}, kNow), kNow), "");
  EXPECT_EQ(refused(wanted(0, {"b.cams.example"}, then - Seconds(1)), then + kMinute), "") << "it was on its way";
  EXPECT_THAT(refused(wanted(0, {"c.cams.example"}, then), then + kMinute), HasSubstr("is retired since"));
  EXPECT_EQ(refused(wanted(2, {"c.cams.example"}, then), then + kMinute), "");
  // The lists of all of them go on.
  for (std::size_t by : {0U, 1U, 2U})
    EXPECT_EQ(refusal(answer(*signer, crl(by, 1, then + kMinute), then + kMinute)), "") << by;
}

TEST_F(SeveralSigner, NumbersOfListsAreEachIssuersOwn) {
  start();
  EXPECT_EQ(refusal(answer(*signer, crl(0, 5, kNow), kNow)), "");
  EXPECT_EQ(refusal(answer(*signer, crl(1, 3, kNow), kNow)), "");
  start();
  EXPECT_THAT(refusal(answer(*signer, crl(0, 5, kNow), kNow)), HasSubstr("comes too late"));
  EXPECT_THAT(refusal(answer(*signer, crl(1, 3, kNow), kNow)), HasSubstr("comes too late"));
  EXPECT_EQ(refusal(answer(*signer, crl(1, 4, kNow), kNow)), "");
  // One issuer's list under another's name.
  CrlBuilder builder(issuing[0], {.number = 9, .this_update = kNow, .next_update = kNow + 7 * kDay}, 1);
  auto const swapped = encode_crl_wanted(9, issuing[1].subject_key_id(), std::move(builder).finish().tbs());
  EXPECT_THAT(refusal(answer(*signer, swapped, kNow)), HasSubstr("are not those of this issuer's lists"));
}

TEST_F(SeveralSigner, CapsAreOfAllTogether) {
  caps = {.per_minute = 2, .per_day = 0};
  start();
  EXPECT_EQ(refused(wanted(0, {"a.cams.example"}, kNow), kNow), "");
  EXPECT_EQ(refused(wanted(1, {"a.p4.cams.example"}, kNow), kNow), "");
  EXPECT_THAT(refused(wanted(1, {"b.p4.cams.example"}, kNow), kNow), HasSubstr("cap is reached"));
}

// --- below a parent ---

// An unconstrained issuing certificate, and a constrained issuer below it: an authority and a signer with both.
struct BothBelowAParent : ::testing::Test {
  fakes::TempDir dir;
  BelowAParent const ca = below_a_parent(kNow);
  x509::PrivateKey const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::Certificate const issuing = certify_below(ca, "plant4", key.public_key(), {"p4.cams.example"}, kNow);
  std::vector<x509::Certificate> const above{ca.chain.issuing, ca.chain.root()};
  std::vector<std::shared_ptr<KeySigner>> keys;
  std::unique_ptr<store::Store> const store = store::open("memory:", "").value();

  Issuing issuing_of_both() {
    NameLimit const settings{"ca.toml", constraints_of(ceremony_settings()).value()};
    std::vector<InstalledIssuer> const installed{{kDefaultIssuer, ca.chain, "", {}},
                                                 {"plant4", {issuing, above, true}, "", {}}};
    auto rules = rules_of(installed, {settings});
    Issuing both;
    keys = {std::make_shared<KeySigner>(std::make_unique<MemoryKey>(ca.issuing_key)),
            std::make_shared<KeySigner>(std::make_unique<MemoryKey>(key))};
    for (std::size_t i = 0; i < installed.size(); ++i) {
      auto const& chain = installed[i].chain;
      CrlPlaces places{.base = kHttpUrl + crl_path(chain.issuing)};
      both.issuers.push_back({Issuer::make(chain.issuing, chain.above, std::shared_ptr<Signer>(keys[i]),
                                           kHttpUrl + aia_path(chain.issuing), std::move(places), {settings})
                                  .value(),
                              std::move(rules[i])});
    }
    both.profiles.push_back(profile("camera-https"));
    return both;
  }
};

TEST_F(BothBelowAParent, EachLeafComesWithTheChainOfItsIssuer) {
  Authority const authority{issuing_of_both(), *store};
  auto const leaf = authority.issue(request(names({"a.p4.cams.example"})), "order", kNow).value();
  EXPECT_EQ(authority.issuer_of(leaf)->rule.name, "plant4");
  EXPECT_EQ(authority.chain_of(leaf).pem(leaf, ChainEnd::below_root),
            leaf.pem() + issuing.pem() + ca.chain.issuing.pem());
  EXPECT_EQ(authority.chains_of(leaf).size(), 1U);
  EXPECT_TRUE(x509::verify_chain(leaf, {issuing, ca.chain.issuing}, {ca.chain.root()}, kNow).ok());
  auto const other = authority.issue(request(names({"b.cams.example"})), "order", kNow).value();
  EXPECT_EQ(authority.issuer_of(other)->rule.name, "default");
  EXPECT_EQ(authority.chain_of(other).pem(other, ChainEnd::below_root), other.pem() + ca.chain.issuing.pem());
  EXPECT_EQ(authority.prepare(request(names({"www.bank.example"})), kNow).error().code(), Errc::rejected_identifier)
      << "the settings limit both";
}

TEST_F(BothBelowAParent, TheSignerJudgesByTheOneThatIsToSign) {
  auto const front = issuing_of_both();
  auto signer = IssuerProcess::make(issuing_of_both(), keys, dir.path("ledger"), {}, false, kNow).value();
  auto const wanted = [&](std::size_t by, std::vector<std::string> const& dns) {
    auto const draft = front.issuers[by].issuer->prepare(profile("camera-https"), request(names(dns)), kNow).value();
    return CertificateWanted{.id = 7,
                             .issuer = draft.issuer_key_id(),
                             .request = draft.request(),
                             .profile_hash = draft.profile_hash(),
                             .serial = draft.what().serial,
                             .prepared_at = kNow,
                             .tbs_hash = sha256(draft.tbs())};
  };
  auto const refused = [&](CertificateWanted const& want) { return refusal(answer(*signer, encode(want), kNow)); };
  EXPECT_EQ(refused(wanted(1, {"a.p4.cams.example"})), "");
  EXPECT_EQ(refused(wanted(0, {"b.cams.example"})), "");
  auto outside = wanted(0, {"c.cams.example"});
  outside.issuer = issuing.subject_key_id();
  EXPECT_THAT(refused(outside), HasSubstr("c.cams.example"));
  outside.issuer = ca.chain.root().subject_key_id();
  EXPECT_THAT(refused(outside), HasSubstr("has no issuer"));
  for (auto want : {wanted(0, {"d.p4.cams.example"}), wanted(1, {"d.p4.cams.example"})}) {
    want.request.names = names({"www.bank.example"});
    EXPECT_THAT(refused(want), HasSubstr("www.bank.example"));
  }
  // Each one's lists are its own, too.
  auto const list = [&](x509::Certificate const& of, x509::Certificate const& under) {
    CrlBuilder builder(of, {.number = 1, .this_update = kNow, .next_update = kNow + 7 * kDay}, 1);
    auto const message = encode_crl_wanted(9, under.subject_key_id(), std::move(builder).finish().tbs());
    return refusal(answer(*signer, message, kNow));
  };
  EXPECT_EQ(list(issuing, issuing), "");
  EXPECT_EQ(list(ca.chain.issuing, ca.chain.issuing), "");
  EXPECT_THAT(list(issuing, ca.chain.issuing), HasSubstr("are not those of this issuer's lists"));
}

}  // namespace
}  // namespace lenscap::ca::test
