// Every rule of the linter for leaves against octets in which one thing is wrong.
#include "ca/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"
#include "tests/ca/wrong_tbs.h"

namespace lenscap::ca::test {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Lint : public ::testing::Test {
 protected:
  Lint() {
    wanted.common_name = "a.cams.example";
    good = draft(wanted).tbs();
  }
  Draft draft(IssueRequest const& for_what) {
    auto made = ca.issuer->prepare(profile_used, for_what, kNow).value();
    serial = made.what().serial;
    return made;
  }
  std::vector<std::string> findings(Bytes const& tbs) const {
    return lint_findings(tbs, {profile_used, wanted, ca.ca.issuing, above, ca.issuer->ca_issuers_url(),
                               ca.issuer->crl_places(), serial, kNow, ca.issuer->ocsp_url()});
  }
  Bytes changed(Change const& change) const { return test::changed(good, ca.ca.issuing.key(), change); }
  Bytes rebuilt(std::function<void(std::vector<Bytes>&)> const& change) const { return test::rebuilt(good, change); }

  TestCa ca{ceremony_settings(), kNow, 16, true};
  std::vector<x509::Certificate> above{ca.ca.root};
  Profile profile_used = profile("camera-https");
  IssueRequest wanted = request(names({"a.cams.example"}, {"10.20.0.1"}));
  Bytes serial;
  Bytes good;
};

TEST_F(Lint, GoodOnes) {
  EXPECT_THAT(findings(good), IsEmpty());
  for (auto type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::rsa}) {
    for (auto const& each :
         {names({"a.cams.example"}), names({}, {"10.20.0.1"}), names({"b.cams.example"}, {"10.20.0.1"})}) {
      wanted = request(each, "camera-https", type);
      EXPECT_THAT(findings(to_bytes(draft(wanted).tbs())), IsEmpty());
    }
  }
}

TEST_F(Lint, EveryRuleCatchesItsError) {
  struct Case {
    char const* name;
    char const* rule;
    Bytes tbs;
  };
  auto with_outer_length = [&](std::initializer_list<std::uint8_t> length) {
    Bytes tbs{0x30};
    tbs.insert(tbs.end(), length);
    tbs.insert(tbs.end(), good.begin() + 4, good.end());
    return tbs;
  };
  ASSERT_EQ(good[1], 0x82);
  Bytes trailing = good;
  trailing.push_back(0);
  Bytes const other_key = request({}).key.spki();
  auto insert_field = [&](Bytes const& field) {
    return rebuilt([&](std::vector<Bytes>& fields) { fields.insert(fields.end() - 1, field); });
  };
  std::string const url = "caIssuers;URI:" + ca.issuer->ca_issuers_url();
  std::string const responder = "OCSP;URI:" + ca.issuer->ocsp_url();
  auto const& places = ca.issuer->crl_places();
  std::string const list_url = places.url_for(serial);
  unsigned const other_part = (crl_part_of(serial, 16) + 1) % 16;
  auto generalized = [](X509* certificate) {
    ossl::Asn1TimePtr const time(ASN1_GENERALIZEDTIME_set(nullptr, to_unix(kNow - kHour)));
    X509_set1_notBefore(certificate, time.get());
  };
  // Explicit `critical FALSE` on every extension that is not critical: valid BER, not DER.
  Bytes const explicit_false = rebuilt([](std::vector<Bytes>& fields) {
    namespace der = x509::der;
    auto list =
        der::Reader(fields.back(), Errc::malformed, "").enter(0xa3, "").value().enter(der::kSequence, "").value();
    Bytes all;
    while (!list.at_end()) {
      auto extension = list.enter(der::kSequence, "").value();
      auto const oid = extension.next().value().whole;
      Bytes const no{der::kBoolean, 1, 0};
      auto const critical = extension.next_is(der::kBoolean) ? extension.next().value().whole : ByteView(no);
      Bytes const one = der::element(der::kSequence, {oid, critical, extension.next().value().whole});
      all.insert(all.end(), one.begin(), one.end());
    }
    fields.back() = der::element(0xa3, ByteView(der::element(der::kSequence, ByteView(all))));
  });

  Case const cases[] = {
      {"length in too many octets", "5280-4.1-der", with_outer_length({0x83, 0x00, good[2], good[3]})},
      {"octets behind", "5280-4.1-der", trailing},
      {"cut short", "5280-4.1-der", Bytes(good.begin(), good.end() - 1)},
      {"nothing", "5280-4.1-der", {}},
      {"explicit FALSE", "5280-4.1-der", explicit_false},
      {"version 2", "5280-4.1.2.1-version", changed([](X509* c) { X509_set_version(c, 1); })},
      {"another serial", "5280-4.1.2.2-serial", changed(with_serial("00112233445566778899aabbccddeeff00112233"))},
      {"negative serial", "5280-4.1.2.2-serial", changed(with_serial("33445566778899aabbccddeeff001122", true))},
      {"small serial", "5280-4.1.2.2-serial", changed(with_serial("2a"))},
      {"serial of 21 octets", "5280-4.1.2.2-serial", changed(with_serial("ff" + std::string(38, '1')))},
      {"a hash of another strength", "5280-4.1.2.3-signature",
       changed(with_algorithm(NID_ecdsa_with_SHA384, V_ASN1_UNDEF))},
      {"SHA-1", "5280-4.1.2.3-signature", changed(with_algorithm(NID_ecdsa_with_SHA1, V_ASN1_UNDEF))},
      {"algorithm of RSA", "5280-4.1.2.3-signature", changed(with_algorithm(NID_sha256WithRSAEncryption, V_ASN1_NULL))},
      {"ECDSA with NULL", "5280-4.1.2.3-signature", changed(with_algorithm(NID_ecdsa_with_SHA256, V_ASN1_NULL))},
      {"no signature algorithm", "5280-4.1.2.3-signature", changed(with_algorithm(NID_sha256, V_ASN1_UNDEF))},
      {"the root as issuer", "5280-4.1.2.4-issuer",
       changed([&](X509* c) { X509_set_issuer_name(c, X509_get_subject_name(ca.ca.root.native())); })},
      {"GeneralizedTime too early", "5280-4.1.2.5-time-form", changed(generalized)},
      {"ends before it begins", "5280-4.1.2.5-validity", changed(with_times(kNow - kHour, kNow - kHour))},
      {"begins later", "5280-4.1.2.5-validity", changed(with_times(kNow + Seconds(1), kNow + kDay))},
      {"back-dated by two hours", "5280-4.1.2.5-validity", changed(with_times(kNow - 2 * kHour, kNow + kDay))},
      {"a second longer than the profile says", "5280-4.1.2.5-validity",
       changed(with_times(kNow - kHour, kNow - kHour + 90 * kDay))},
      {"a second shorter", "5280-4.1.2.5-validity",
       changed(with_times(kNow - kHour, kNow - kHour + 90 * kDay - Seconds(2)))},
      {"ends after its issuer", "5280-4.1.2.5-validity", changed(with_times(kNow, kNow + 30 * 365 * kDay))},
      {"has ended", "5280-4.1.2.5-validity", changed(with_times(kNow - kHour, kNow))},
      {"common name of another", "5280-4.1.2.6-subject", changed(with_subject({{"CN", "b.cams.example"}}))},
      {"common name of the address", "5280-4.1.2.6-subject", changed(with_subject({{"CN", "10.20.0.1"}}))},
      {"organization", "5280-4.1.2.6-subject", changed(with_subject({{"O", "a.cams.example"}}))},
      {"two common names", "5280-4.1.2.6-subject",
       changed(with_subject({{"CN", "a.cams.example"}, {"CN", "a.cams.example"}}))},
      {"another key", "5280-4.1.2.7-key", rebuilt([&](std::vector<Bytes>& fields) { fields[6] = other_key; })},
      {"unique identifier", "5280-4.1.2.8-unique-ids", insert_field({0x81, 2, 0, 1})},
      {"extension that does not belong", "5280-4.2-extensions",
       changed([](X509* c) { add_extension(c, NID_netscape_comment, "hello"); })},
      {"name constraints in a leaf", "5280-4.2-extensions",
       changed([](X509* c) { add_extension(c, NID_name_constraints, "critical,permitted;DNS:cams.example"); })},
      {"extension twice", "5280-4.2-extensions",
       changed([](X509* c) { add_extension(c, NID_ext_key_usage, "serverAuth"); })},
      {"no authority key id", "5280-4.2.1.1-authority-key-id", changed(removed(NID_authority_key_identifier))},
      {"authority key id of another", "5280-4.2.1.1-authority-key-id", changed([&](X509* c) {
         remove_extension(c, NID_authority_key_identifier);
         X509V3_CTX context;
         X509V3_set_ctx(&context, ca.ca.root.native(), c, nullptr, nullptr, 0);
         ossl::X509ExtensionPtr const e(X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid"));
         X509_add_ext(c, e.get(), -1);
       })},
      {"critical authority key id", "5280-4.2.1.1-authority-key-id",
       changed(made_critical(NID_authority_key_identifier, 1))},
      {"no subject key id", "5280-4.2.1.2-subject-key-id", changed(removed(NID_subject_key_identifier))},
      {"subject key id by another method", "5280-4.2.1.2-subject-key-id",
       changed(replaced(NID_subject_key_identifier, "hash"))},
      {"critical subject key id", "5280-4.2.1.2-subject-key-id", changed(made_critical(NID_subject_key_identifier, 1))},
      {"no key usage", "5280-4.2.1.3-key-usage", changed(removed(NID_key_usage))},
      {"keyCertSign", "5280-4.2.1.3-key-usage",
       changed(replaced(NID_key_usage, "critical,digitalSignature,keyCertSign"))},
      {"keyEncipherment with an EC key", "5280-4.2.1.3-key-usage",
       changed(replaced(NID_key_usage, "critical,digitalSignature,keyEncipherment"))},
      {"key usage not critical", "5280-4.2.1.3-key-usage", changed(made_critical(NID_key_usage, 0))},
      {"no names", "5280-4.2.1.6-names", changed(removed(NID_subject_alt_name))},
      {"a name too many", "5280-4.2.1.6-names",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,IP:10.20.0.1,DNS:b.cams.example"))},
      {"a name too few", "5280-4.2.1.6-names", changed(replaced(NID_subject_alt_name, "DNS:a.cams.example"))},
      {"a name twice", "5280-4.2.1.6-names",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,IP:10.20.0.1,IP:10.20.0.1"))},
      {"the address as DNS name", "5280-4.2.1.6-names",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,DNS:10.20.0.1"))},
      {"a mail address", "5280-4.2.1.6-names",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,IP:10.20.0.1,email:a@cams.example"))},
      {"critical names beside a subject", "5280-4.2.1.6-names", changed(made_critical(NID_subject_alt_name, 1))},
      {"names not critical without a subject", "5280-4.2.1.6-names", changed(with_subject({}))},
      {"a CA", "5280-4.2.1.9-basic-constraints", changed(replaced(NID_basic_constraints, "critical,CA:TRUE"))},
      {"a path length", "5280-4.2.1.9-basic-constraints",
       changed(replaced(NID_basic_constraints, "critical,CA:FALSE,pathlen:0"))},
      {"no basic constraints", "5280-4.2.1.9-basic-constraints", changed(removed(NID_basic_constraints))},
      {"a name that the CA may not give", "5280-4.2.1.10-name-constraints",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,IP:10.20.0.1,DNS:bank.example"))},
      {"an address that the CA may not give", "5280-4.2.1.10-name-constraints",
       changed(replaced(NID_subject_alt_name, "DNS:a.cams.example,IP:8.8.8.8"))},
      {"no extended key usage", "5280-4.2.1.12-extended-key-usage", changed(removed(NID_ext_key_usage))},
      {"a usage too many", "5280-4.2.1.12-extended-key-usage",
       changed(replaced(NID_ext_key_usage, "serverAuth,codeSigning"))},
      {"any usage", "5280-4.2.1.12-extended-key-usage", changed(replaced(NID_ext_key_usage, "anyExtendedKeyUsage"))},
      {"a usage twice", "5280-4.2.1.12-extended-key-usage",
       changed(replaced(NID_ext_key_usage, "serverAuth,serverAuth"))},
      {"critical extended key usage", "5280-4.2.1.12-extended-key-usage", changed(made_critical(NID_ext_key_usage, 1))},
      {"no revocation list", "5280-4.2.1.13-crl-distribution-points", changed(removed(NID_crl_distribution_points))},
      {"the list of another part", "5280-4.2.1.13-crl-distribution-points",
       changed(replaced(NID_crl_distribution_points, "URI:" + places.url(crl_scope(16, other_part))))},
      {"the whole list", "5280-4.2.1.13-crl-distribution-points",
       changed(replaced(NID_crl_distribution_points, "URI:" + places.url("")))},
      {"two lists", "5280-4.2.1.13-crl-distribution-points",
       changed(replaced(NID_crl_distribution_points, "URI:" + list_url + ",URI:http://pki2.cams.example/x.crl"))},
      {"a host instead of a URL", "5280-4.2.1.13-crl-distribution-points",
       changed(replaced(NID_crl_distribution_points, "DNS:pki.cams.example"))},
      {"critical distribution points", "5280-4.2.1.13-crl-distribution-points",
       changed(made_critical(NID_crl_distribution_points, 1))},
      {"no issuer's URL", "5280-4.2.2.1-authority-info-access", changed(removed(NID_info_access))},
      {"another URL", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, responder + ",caIssuers;URI:http://evil.example/x.cer"))},
      {"another responder", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + ",OCSP;URI:http://ocsp.cams.example"))},
      {"a responder inside TLS", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + ",OCSP;URI:https://pki.cams.example/ocsp"))},
      {"a second responder", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + "," + responder + ",OCSP;URI:http://ocsp.cams.example"))},
      {"the responder twice", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + "," + responder + "," + responder))},
      {"the responder by its host", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + ",OCSP;DNS:pki.cams.example"))},
      {"no responder", "5280-4.2.2.1-authority-info-access", changed(replaced(NID_info_access, url))},
      {"the responder alone", "5280-4.2.2.1-authority-info-access", changed(replaced(NID_info_access, responder))},
      {"another kind of access", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access, url + "," + responder + ",caRepository;URI:http://pki.cams.example/"))},
      {"the one in the place of the other", "5280-4.2.2.1-authority-info-access",
       changed(replaced(NID_info_access,
                        "OCSP;URI:" + ca.issuer->ca_issuers_url() + ",caIssuers;URI:" + ca.issuer->ocsp_url()))},
      {"no questions about revocation", "6960-4.2.2.2.1-nocheck",
       changed([](X509* c) { add_extension(c, NID_id_pkix_OCSP_noCheck, "yes"); })},
  };
  std::set<std::string> caught;
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const found = findings(c.tbs);
    EXPECT_THAT(found, Contains(StartsWith(std::string(c.rule) + ":")));
    caught.insert(c.rule);
  }
  for (std::string_view rule : lint_rules())
    EXPECT_TRUE(caught.contains(std::string(rule))) << rule << " has no fixture";
}

// What our own builder could get wrong without the names differing from the request.
TEST_F(Lint, CommonNameWithAddressesAlone) {
  wanted = request(names({}, {"10.20.0.1"}));
  auto const made = draft(wanted);
  Template what = made.what();
  what.subject_name = encode_name({}, "10.20.0.1");
  auto const found = findings(encode_tbs(what, signature_algorithm(ca.ca.issuing.key())));
  EXPECT_THAT(found, Contains(StartsWith("5280-4.1.2.6-subject")));
}

// 802.1X servers look for a device by its common name: it must be there when it can, and be the one that was asked for.
TEST_F(Lint, TheCommonNameThatWasAskedFor) {
  auto const judged = [this](IssueRequest const& asked, std::string const& common_name) {
    wanted = asked;
    auto what = draft(wanted).what();
    what.subject_name = encode_name({}, common_name);
    what.common_name = common_name;
    return findings(encode_tbs(what, signature_algorithm(ca.ca.issuing.key())));
  };
  auto both = request(names({"a.cams.example", "b.cams.example"}));
  both.common_name = "b.cams.example";
  EXPECT_THAT(judged(both, "b.cams.example"), IsEmpty());
  EXPECT_THAT(judged(both, "a.cams.example"), Contains(StartsWith("5280-4.1.2.6-subject")));
  EXPECT_THAT(judged(both, ""), Contains(StartsWith("5280-4.1.2.6-subject")));
  both.common_name = "other.example";  // which it cannot have
  EXPECT_THAT(judged(both, "a.cams.example"), IsEmpty());
  EXPECT_THAT(judged(both, ""), Contains(StartsWith("5280-4.1.2.6-subject")));
  EXPECT_THAT(judged(request(names({"*.cams.example"})), ""), IsEmpty()) << "a wildcard is no common name";
  EXPECT_THAT(judged(request(names({}, {"10.20.0.1"})), ""), IsEmpty());
}

// A chain that says which subjects there may be gets certificates without.
TEST_F(Lint, AnEmptySubjectWhereSubjectsAreLimited) {
  auto what = draft(wanted).what();
  what.subject_name = encode_name({}, "");
  what.common_name.clear();
  auto const tbs = encode_tbs(what, signature_algorithm(ca.ca.issuing.key()));
  LintContext context{
      profile_used, wanted, ca.ca.issuing,        above, ca.issuer->ca_issuers_url(), ca.issuer->crl_places(),
      serial,       kNow,   ca.issuer->ocsp_url()};
  EXPECT_THAT(lint_findings(tbs, context), Contains(StartsWith("5280-4.1.2.6-subject")));
  context.subjects_are_limited = true;
  EXPECT_THAT(lint_findings(tbs, context), IsEmpty());
}

// Where no list is served, none is named.
TEST_F(Lint, RevocationListThatNobodyServes) {
  CrlPlaces const none;
  EXPECT_THAT(lint_findings(good, {profile_used, wanted, ca.ca.issuing, above, ca.issuer->ca_issuers_url(), none,
                                   serial, kNow, ca.issuer->ocsp_url()}),
              Contains(StartsWith("5280-4.2.1.13")));
}

// Nor is a responder.
TEST_F(Lint, ResponderThatNobodyServes) {
  EXPECT_THAT(lint_findings(good, {profile_used, wanted, ca.ca.issuing, above, ca.issuer->ca_issuers_url(),
                                   ca.issuer->crl_places(), serial, kNow}),
              Contains(StartsWith("5280-4.2.2.1")));
}

// What signs OCSP answers is judged by rules of its own: no names, no lists, no responder, and nothing else to do.
TEST_F(Lint, OcspSigner) {
  profile_used = ocsp_signer_profile();
  wanted = request({}, std::string(kOcspSignerProfile));
  good = draft(wanted).tbs();
  ASSERT_THAT(findings(good), IsEmpty());
  auto added = [this](int nid, std::string const& value) {
    return changed([&](X509* c) { add_extension(c, nid, value.c_str()); });
  };
  struct Case {
    char const* name;
    char const* rule;
    Bytes tbs;
  };
  Case const cases[] = {
      {"a name", "5280-4.2.1.6-names", added(NID_subject_alt_name, "DNS:a.cams.example")},
      {"a list", "5280-4.2.1.13-crl-distribution-points",
       added(NID_crl_distribution_points, "URI:" + ca.issuer->crl_places().url_for(serial))},
      {"a responder", "5280-4.2.2.1-authority-info-access",
       added(NID_info_access, "OCSP;URI:" + ca.issuer->ocsp_url())},
      {"an extension of others", "5280-4.2-extensions", added(NID_info_access, "OCSP;URI:" + ca.issuer->ocsp_url())},
      {"no subject", "5280-4.1.2.6-subject", changed(with_subject({}))},
      {"the name of a server", "5280-4.1.2.6-subject", changed(with_subject({{"CN", "a.cams.example"}}))},
      {"a second usage", "5280-4.2.1.12-extended-key-usage",
       changed(replaced(NID_ext_key_usage, "OCSPSigning,serverAuth"))},
      {"the usage of a server", "5280-4.2.1.12-extended-key-usage", changed(replaced(NID_ext_key_usage, "serverAuth"))},
      {"questions about revocation", "6960-4.2.2.2.1-nocheck", changed(removed(NID_id_pkix_OCSP_noCheck))},
      {"none, and critically so", "6960-4.2.2.2.1-nocheck", changed(made_critical(NID_id_pkix_OCSP_noCheck, 1))},
      {"something else than NULL", "6960-4.2.2.2.1-nocheck", changed([](X509* c) {
         static constexpr unsigned char kTrue[] = {1, 1, 0xff};
         ossl::Asn1OctetStringPtr const value(ASN1_OCTET_STRING_new());
         ASN1_OCTET_STRING_set(value.get(), kTrue, sizeof kTrue);
         X509_EXTENSION_set_data(X509_get_ext(c, X509_get_ext_by_NID(c, NID_id_pkix_OCSP_noCheck, -1)), value.get());
       })},
      {"more than a week", "5280-4.1.2.5-validity",
       changed(with_times(kNow - kHour, kNow - kHour + 8 * kDay - Seconds(1)))},
  };
  for (Case const& c : cases) EXPECT_THAT(findings(c.tbs), Contains(StartsWith(std::string(c.rule) + ":"))) << c.name;
  profile_used.extended_key_usage.push_back(ExtendedKeyUsage::server_auth);
  EXPECT_THAT(findings(changed(replaced(NID_ext_key_usage, "OCSPSigning,serverAuth"))),
              Contains(StartsWith("5280-4.2.1.12")))
      << "whatever the profile says";
}

TEST_F(Lint, KeyTypeThatTheProfileDoesNotTake) {
  profile_used.key_types = {x509::KeyType::rsa};
  EXPECT_THAT(findings(good), Contains(StartsWith("5280-4.1.2.7-key")));
}

TEST_F(Lint, RefusalNamesEveryFinding) {
  auto const bad = changed([](X509* c) {
    X509_set_version(c, 1);
    remove_extension(c, NID_key_usage);
  });
  auto const refused = lint(bad, {profile_used, wanted, ca.ca.issuing, above, ca.issuer->ca_issuers_url(),
                                  ca.issuer->crl_places(), serial, kNow, ca.issuer->ocsp_url()});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::internal);
  EXPECT_THAT(refused.error().detail(), ::testing::HasSubstr("4.1.2.1"));
  EXPECT_THAT(refused.error().detail(), ::testing::HasSubstr("4.2.1.3"));
}

struct WrongAlgorithm {
  int nid, parameters;
};

// Another hash, other parameters, and another kind of key.
std::vector<WrongAlgorithm> wrong_algorithms(x509::KeyType issuer) {
  switch (issuer) {
    case x509::KeyType::ec_p384:
      return {{NID_ecdsa_with_SHA256, V_ASN1_UNDEF},
              {NID_ecdsa_with_SHA384, V_ASN1_NULL},
              {NID_sha384WithRSAEncryption, V_ASN1_NULL}};
    case x509::KeyType::rsa:
      return {{NID_sha384WithRSAEncryption, V_ASN1_NULL},
              {NID_sha256WithRSAEncryption, V_ASN1_UNDEF},
              {NID_sha1WithRSAEncryption, V_ASN1_NULL},
              {NID_ecdsa_with_SHA256, V_ASN1_UNDEF}};
    default:
      return {{NID_ecdsa_with_SHA384, V_ASN1_UNDEF},
              {NID_ecdsa_with_SHA256, V_ASN1_NULL},
              {NID_sha256WithRSAEncryption, V_ASN1_NULL}};
  }
}

class LintUnder : public Lint, public ::testing::WithParamInterface<x509::KeyType> {
 protected:
  LintUnder() {
    ca = TestCa(generate_ca_with(GetParam()), 16, true);
    above = {ca.ca.root};
  }
};
INSTANTIATE_TEST_SUITE_P(
    EachIssuingKey, LintUnder, ::testing::Values(x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::rsa),
    [](auto const& of) {
      return std::string(of.param == x509::KeyType::rsa ? "Rsa" : of.param == x509::KeyType::ec_p384 ? "P384" : "P256");
    });

// Each field of a certificate of each profile, with an error in it: the field's own rule sees it, whatever the profile
// and the issuer's key.
TEST_P(LintUnder, EveryFieldOfEveryProfile) {
  std::string const dns = "DNS:a.cams.example,IP:10.20.0.1";
  for (auto const& name : profile_names()) {
    profile_used = profile(name);
    for (x509::KeyType const type : profile_used.key_types) {
      SCOPED_TRACE(name + ", " + std::string(to_string(type)));
      wanted = request(names({"a.cams.example"}, {"10.20.0.1"}), name, type);
      good = to_bytes(draft(wanted).tbs());
      ASSERT_THAT(findings(good), IsEmpty());
      Time const begin = kNow - profile_used.backdate;
      Time const end = begin + profile_used.lifetime - Seconds(1);
      bool const is_client = profile_used.extended_key_usage == std::vector{ExtendedKeyUsage::client_auth};
      bool const is_both = profile_used.extended_key_usage.size() == 2;
      char const* other_usage = is_client ? "serverAuth" : "clientAuth";
      bool const decrypts = type == x509::KeyType::rsa && !is_client;
      Bytes const other_key = request({}, name, type).key.spki();
      struct Case {
        char const* rule;
        Bytes tbs;
      };
      Case const cases[] = {
          {"4.1.2.1-version", changed([](X509* c) { X509_set_version(c, 0); })},
          {"4.1.2.2-serial", changed(with_serial("00112233445566778899aabbccddeeff00112233"))},
          {"4.1.2.4-issuer",
           changed([&](X509* c) { X509_set_issuer_name(c, X509_get_subject_name(ca.ca.root.native())); })},
          {"4.1.2.5-validity", changed(with_times(begin - Seconds(1), end - Seconds(1)))},
          {"4.1.2.5-validity", changed(with_times(begin + Seconds(1), end))},
          {"4.1.2.5-validity", changed(with_times(begin, end + Seconds(1)))},
          {"4.1.2.5-validity", changed(with_times(begin, end - Seconds(1)))},
          {"4.1.2.5-validity", changed(with_times(begin, ca.ca.issuing.not_after() + Seconds(1)))},
          {"4.1.2.6-subject", changed(with_subject({{"CN", "b.cams.example"}}))},
          {"4.1.2.6-subject", changed(with_subject({{"CN", "a.cams.example"}, {"O", "a"}}))},
          {"4.1.2.7-key", rebuilt([&](std::vector<Bytes>& fields) { fields[6] = other_key; })},
          {"4.2-extensions", changed([](X509* c) { add_extension(c, NID_netscape_comment, "hello"); })},
          {"4.2.1.1-authority-key-id", changed(removed(NID_authority_key_identifier))},
          {"4.2.1.2-subject-key-id", changed(replaced(NID_subject_key_identifier, "hash"))},
          {"4.2.1.3-key-usage", changed(removed(NID_key_usage))},
          {"4.2.1.3-key-usage",
           changed(replaced(NID_key_usage,
                            decrypts ? "critical,digitalSignature" : "critical,digitalSignature,keyEncipherment"))},
          {"4.2.1.6-names", changed(replaced(NID_subject_alt_name, dns + ",DNS:b.cams.example"))},
          {"4.2.1.6-names", changed(replaced(NID_subject_alt_name, dns + ",URI:https://a.cams.example"))},
          {"4.2.1.6-names", changed(removed(NID_subject_alt_name))},
          {"4.2.1.9-basic-constraints", changed(replaced(NID_basic_constraints, "critical,CA:TRUE"))},
          {"4.2.1.10-name-constraints", changed(replaced(NID_subject_alt_name, dns + ",DNS:bank.example"))},
          {"4.2.1.10-name-constraints", changed(replaced(NID_subject_alt_name, dns + ",email:a@cams.example"))},
          {"4.2.1.12-extended-key-usage", changed(removed(NID_ext_key_usage))},
          {"4.2.1.12-extended-key-usage", changed(replaced(NID_ext_key_usage, other_usage))},
          {"4.2.1.12-extended-key-usage",
           changed(
               replaced(NID_ext_key_usage, is_both ? "serverAuth,clientAuth,codeSigning" : "serverAuth,clientAuth"))},
          {"4.2.1.13-crl-distribution-points", changed(removed(NID_crl_distribution_points))},
          {"4.2.2.1-authority-info-access",
           changed(replaced(NID_info_access, "caIssuers;URI:http://pki.cams.example/other.cer"))},
      };
      for (Case const& c : cases)
        EXPECT_THAT(findings(c.tbs), Contains(StartsWith(std::string("5280-") + c.rule))) << &c - cases;
      for (auto const& [nid, parameters] : wrong_algorithms(GetParam()))
        EXPECT_THAT(findings(changed(with_algorithm(nid, parameters))), Contains(StartsWith("5280-4.1.2.3-signature")))
            << OBJ_nid2sn(nid);
    }
  }
}

// Whatever octets come, an answer comes back; each single-octet change of a good certificate that OpenSSL still reads
// is seen by some rule, since nothing in it is free to vary.
TEST_F(Lint, EverySingleOctetChangeIsSeen) {
  int unseen = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    if (findings(bad).empty()) ++unseen, ADD_FAILURE() << "octet " << i;
  }
  EXPECT_EQ(unseen, 0);
}

TEST_F(Lint, EverySingleOctetChangeOfAnOcspSignerIsSeen) {
  profile_used = ocsp_signer_profile();
  wanted = request({}, std::string(kOcspSignerProfile));
  good = draft(wanted).tbs();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    EXPECT_THAT(findings(bad), ::testing::Not(IsEmpty())) << "octet " << i;
  }
}

// A validity that was asked for is that of the certificate, to the second.
TEST_F(Lint, AskedValidity) {
  struct Case {
    char const* name;
    std::optional<Time> not_before, not_after;  // asked for
    Time begin, end;                            // what stands there
    bool fine;
  };
  Time const usual = kNow - kHour;
  Time const usual_end = usual + 90 * kDay - Seconds(1);
  Case const cases[] = {
      {"as asked", kNow, kNow + kDay, kNow, kNow + kDay, true},
      {"an end alone", {}, kNow + kDay, usual, kNow + kDay, true},
      {"a beginning to come", kNow + kDay, {}, kNow + kDay, usual_end, true},
      {"ordered five hours ago", kNow - 5 * kHour, kNow + kDay, kNow - 5 * kHour, kNow + kDay, true},
      {"another beginning", kNow, kNow + kDay, kNow - Seconds(1), kNow + kDay, false},
      {"another end", kNow, kNow + kDay, kNow, kNow + kDay + Seconds(1), false},
      {"another beginning beside an end", {}, kNow + kDay, kNow, kNow + kDay, false},
      {"another end beside a beginning", kNow + kDay, {}, kNow + kDay, usual_end - Seconds(1), false},
      {"longer than the profile", usual, usual_end + Seconds(1), usual, usual_end + Seconds(1), false},
      {"over", kNow - kHour, kNow, kNow - kHour, kNow, false},
  };
  for (Case const& c : cases) {
    wanted.not_before = c.not_before;
    wanted.not_after = c.not_after;
    EXPECT_EQ(findings(changed(with_times(c.begin, c.end))).empty(), c.fine) << c.name;
  }
  wanted.not_before = kNow - 26 * kHour;
  wanted.not_after = kNow + kDay;
  EXPECT_THAT(findings(changed(with_times(kNow - 26 * kHour, kNow + kDay))),
              Contains(::testing::HasSubstr("back-dated")));
}

}  // namespace
}  // namespace lenscap::ca::test
