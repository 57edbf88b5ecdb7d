// Every rule of the linter for certificates of CAs against octets in which one thing is wrong, for each way in which
// such a certificate is made; and that nothing is signed past it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "ca/next_root.h"
#include "tests/ca/several_issuers.h"
#include "tests/ca/wrong_tbs.h"

namespace lenscap::ca::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using x509::KeyType;

constexpr char const* kName = "Example Cameras";

// A certificate as it is made today, and what it is supposed to be, written down here once more.
struct Kind {
  char const* name;
  x509::Certificate made;
  CaLintContext wanted;
  std::string constraints;  // in the words of openssl's configuration: what is inside, then a name that is not

  Bytes good() const { return made.tbs(); }
  std::vector<std::string> findings(Bytes const& tbs) const { return lint_findings(tbs, wanted); }
  Bytes changed(Change const& change) const { return test::changed(good(), wanted.signing_key(), change); }
};

x509::NameConstraints permitted(std::string const& suffix) {
  auto settings = ceremony_settings();
  settings.permit_dns = {suffix};
  return constraints_of(settings).value();
}

// An own root, its next one, and what stands below; and a site below a parent that limits path length and usages.
struct Cas {
  GeneratedCa own = [] {
    auto settings = ceremony_settings();
    settings.lists_url = kHttpUrl;
    return generate_ca(settings, kNow).value();
  }();
  x509::PrivateKey site_key = x509::PrivateKey::generate(KeyType::ec_p256);
  FurtherIssuer site{.organization = kName,
                     .common_name = "Example Cameras plant4 Issuing CA",
                     .key = site_key.public_key(),
                     .constraints = constraints_below(own.root, {"p4.cams.example"}, {"10.20.4.0/24"}).value(),
                     .usages = {ExtendedKeyUsage::server_auth},
                     .ca_issuers_url = "http://pki.cams.example/root.cer",
                     .crl_base = kHttpUrl + crl_path(own.root)};
  x509::Certificate below_root = certify_issuer(own.root, own.root_key, site, kNow).value();
  x509::PrivateKey parent_key = x509::PrivateKey::generate(KeyType::rsa);
  x509::Certificate parent = [this] {
    auto says = issuer_template("Corporation", parent_key.public_key(), own.root, kNow - kDay, 365 * kDay,
                                permitted("cams.example"), {ExtendedKeyUsage::server_auth});
    says.path_length = 1;
    return forge(says, own.root_key);
  }();
  x509::Certificate below_parent = [this] {
    MemoryKey holder(parent_key);
    return certify_issuer({parent, {own.root}, true}, holder, site, kNow).value();
  }();
  // A year later: so one of the two roots begins, and the other one ends.
  Time later = kNow + 365 * kDay;
  NextRoot next = make_next_root(kName, own.root, own.root_key, later, kHttpUrl).value();

  CaLintContext root_wanted() const {
    return {.key = own.root_key.public_key(),
            .organization = kName,
            .common_name = "Example Cameras Root CA",
            .constraints = permitted("cams.example"),
            .lifetime = limits::kRootLifetime,
            .now = kNow};
  }
  CaLintContext issuing_wanted() const {
    return {.key = own.issuing_key.public_key(),
            .organization = kName,
            .common_name = "Example Cameras Issuing CA",
            .above = {own.root},
            .constraints = permitted("cams.example"),
            .usages = ceremony_settings().extended_key_usage,
            .path_length = 0,
            .lifetime = kIssuerLifetime,
            .crl_base = kHttpUrl + crl_path(own.root),
            .now = kNow};
  }
  CaLintContext site_wanted(std::vector<x509::Certificate> above) const {
    return {.key = site_key.public_key(),
            .organization = kName,
            .common_name = "Example Cameras plant4 Issuing CA",
            .above = std::move(above),
            .constraints = site.constraints,
            .usages = {ExtendedKeyUsage::server_auth},
            .path_length = 0,
            .lifetime = kIssuerLifetime,
            .ca_issuers_url = "http://pki.cams.example/root.cer",
            .crl_base = kHttpUrl + crl_path(own.root),
            .now = kNow};
  }
  CaLintContext next_root_wanted() const {
    auto wanted = root_wanted();
    wanted.key = next.key.public_key();
    wanted.common_name += " 2";
    wanted.now = later;
    return wanted;
  }
  CaLintContext voucher_wanted(x509::Certificate const& subject, x509::Certificate const& signer) const {
    return {.key = subject.key(),
            .organization = {},
            .common_name = {},
            .above = {signer},
            .constraints = permitted("cams.example"),
            .lifetime = limits::kRootLifetime,
            .vouches_for = subject,
            .crl_base = kHttpUrl + crl_path(signer),
            .now = later};
  }
};

Cas const& cas() {
  static Cas const all;
  return all;
}

std::string const kWide = "permitted;DNS:cams.example,permitted;IP:10.20.0.0/255.254.0.0";
std::string const kNarrow = "permitted;DNS:p4.cams.example,permitted;IP:10.20.4.0/255.255.255.0";

std::vector<Kind> kinds() {
  auto const& all = cas();
  return {
      {"root", all.own.root, all.root_wanted(), kWide},
      {"issuing CA", all.own.issuing, all.issuing_wanted(), kWide},
      {"site below an own root", all.below_root, all.site_wanted({all.own.root}), kNarrow},
      {"site below a parent", all.below_parent, all.site_wanted({all.parent, all.own.root}), kNarrow},
      {"next root", all.next.root, all.next_root_wanted(), kWide},
      {"next root, by the former", all.next.by_former, all.voucher_wanted(all.next.root, all.own.root), kWide},
      {"former root, by the next", all.next.former_by_this, all.voucher_wanted(all.own.root, all.next.root), kWide},
  };
}

TEST(CaLint, GoodOnes) {
  for (auto const& kind : kinds()) EXPECT_THAT(kind.findings(kind.good()), IsEmpty()) << kind.name;
}

struct Wrong {
  char const* rule;
  char const* name;
  Bytes tbs;
};

// What may be wrong in a certificate of any kind.
std::vector<Wrong> wrong_ones(Kind const& kind) {
  auto const changed = [&](Change const& change) { return kind.changed(change); };
  Bytes const good = kind.good();
  auto const insert_field = [&](Bytes const& field) {
    return rebuilt(good, [&](auto& fields) { fields.insert(fields.end() - 1, field); });
  };
  static Bytes const other_key = x509::PrivateKey::generate(KeyType::ec_p384).public_key().spki();
  static auto const stranger = generate_ca(ceremony_settings(), kNow).value();
  Bytes trailing = good;
  trailing.push_back(0);
  Time const begin = kind.made.not_before();
  Time const end = kind.made.not_after();
  bool const is_rsa = kind.wanted.signing_key().type() == KeyType::rsa;
  bool const signs_384 = kind.wanted.signing_key().type() == KeyType::ec_p384;
  int const own_algorithm = is_rsa      ? NID_sha256WithRSAEncryption
                            : signs_384 ? NID_ecdsa_with_SHA384
                                        : NID_ecdsa_with_SHA256;
  int const other_hash = is_rsa      ? NID_sha384WithRSAEncryption
                         : signs_384 ? NID_ecdsa_with_SHA256
                                     : NID_ecdsa_with_SHA384;
  auto const with_constraints = [&](std::string const& value) {
    return changed(replaced(NID_name_constraints, value));
  };
  auto const early_form = [](X509* certificate) {
    ossl::Asn1TimePtr const time(
        ASN1_GENERALIZEDTIME_set(nullptr, to_unix(x509::Certificate::from_native(certificate)->not_before())));
    X509_set1_notBefore(certificate, time.get());
  };
  return {
      {"4.1-der", "octets behind", trailing},
      {"4.1-der", "cut short", Bytes(good.begin(), good.end() - 1)},
      {"4.1.2.1-version", "version 2", changed([](X509* c) { X509_set_version(c, 1); })},
      {"4.1.2.2-serial", "zero", changed(with_serial("00"))},
      {"4.1.2.2-serial", "negative", changed(with_serial("33445566778899aabbccddeeff001122", true))},
      {"4.1.2.2-serial", "of 21 octets", changed(with_serial("ff" + std::string(38, '1')))},
      {"4.1.2.3-signature", "another hash", changed(with_algorithm(other_hash, is_rsa ? V_ASN1_NULL : V_ASN1_UNDEF))},
      {"4.1.2.3-signature", "other parameters",
       changed(with_algorithm(own_algorithm, is_rsa ? V_ASN1_UNDEF : V_ASN1_NULL))},
      {"4.1.2.3-signature", "another kind of key",
       changed(with_algorithm(is_rsa ? NID_ecdsa_with_SHA256 : NID_sha256WithRSAEncryption,
                              is_rsa ? V_ASN1_UNDEF : V_ASN1_NULL))},
      {"4.1.2.4-issuer", "a stranger's name",
       changed([&](X509* c) { X509_set_issuer_name(c, X509_get_subject_name(stranger.issuing.native())); })},
      {"4.1.2.5-time-form", "GeneralizedTime too early", changed(early_form)},
      {"4.1.2.5-validity", "ends before it begins", changed(with_times(begin, begin - Seconds(1)))},
      {"4.1.2.5-validity", "begins later", changed(with_times(kind.wanted.now + Seconds(1), end))},
      {"4.1.2.5-validity", "a second earlier", changed(with_times(begin - Seconds(1), end - Seconds(1)))},
      {"4.1.2.5-validity", "a second longer", changed(with_times(begin, end + Seconds(1)))},
      {"4.1.2.5-validity", "a second shorter", changed(with_times(begin, end - Seconds(1)))},
      {"4.1.2.5-validity", "has ended", changed(with_times(begin, kind.wanted.now))},
      {"4.1.2.6-subject", "none", changed(with_subject({}))},
      {"4.1.2.6-subject", "another", changed(with_subject({{"O", kName}, {"CN", "Other CA"}}))},
      {"4.1.2.6-subject", "one attribute more",
       changed(with_subject({{"O", kName}, {"CN", kind.made.common_name()}, {"OU", "Cameras"}}))},
      {"4.1.2.6-subject", "65 characters", changed(with_subject({{"O", kName}, {"OU", std::string(65, 'x')}}))},
      {"4.1.2.7-key", "another", rebuilt(good, [&](auto& fields) { fields[6] = other_key; })},
      {"4.1.2.8-unique-ids", "a unique identifier", insert_field({0x81, 2, 0, 1})},
      {"4.2-extensions", "one that nobody knows",
       changed([](X509* c) { add_extension(c, NID_netscape_comment, "hello"); })},
      {"4.2-extensions", "a name of a host",
       changed([](X509* c) { add_extension(c, NID_subject_alt_name, "DNS:a.p4.cams.example"); })},
      {"4.2-extensions", "key usage twice",
       changed([](X509* c) { add_extension(c, NID_key_usage, "critical,keyCertSign,cRLSign"); })},
      {"4.2.1.1-authority-key-id", "none", changed(removed(NID_authority_key_identifier))},
      {"4.2.1.1-authority-key-id", "critical", changed(made_critical(NID_authority_key_identifier, 1))},
      {"4.2.1.1-authority-key-id", "a stranger's", changed([](X509* c) {
         remove_extension(c, NID_authority_key_identifier);
         X509V3_CTX context;
         X509V3_set_ctx(&context, stranger.root.native(), c, nullptr, nullptr, 0);
         ossl::X509ExtensionPtr const e(X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid"));
         X509_add_ext(c, e.get(), -1);
       })},
      {"4.2.1.2-subject-key-id", "none", changed(removed(NID_subject_key_identifier))},
      {"4.2.1.2-subject-key-id", "by another method", changed(replaced(NID_subject_key_identifier, "hash"))},
      {"4.2.1.3-key-usage", "none", changed(removed(NID_key_usage))},
      {"4.2.1.3-key-usage", "not critical", changed(made_critical(NID_key_usage, 0))},
      {"4.2.1.3-key-usage", "no lists", changed(replaced(NID_key_usage, "critical,keyCertSign"))},
      {"4.2.1.3-key-usage", "no certificates", changed(replaced(NID_key_usage, "critical,cRLSign"))},
      {"4.2.1.3-key-usage", "signatures as well",
       changed(replaced(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"))},
      {"4.2.1.9-basic-constraints", "none", changed(removed(NID_basic_constraints))},
      {"4.2.1.9-basic-constraints", "not critical", changed(made_critical(NID_basic_constraints, 0))},
      {"4.2.1.9-basic-constraints", "no CA", changed(replaced(NID_basic_constraints, "critical,CA:FALSE"))},
      {"4.2.1.9-basic-constraints", "more room",
       changed(replaced(NID_basic_constraints, "critical,CA:TRUE,pathlen:1"))},
      {"4.2.1.10-name-constraints", "none", changed(removed(NID_name_constraints))},
      {"4.2.1.10-name-constraints", "not critical", changed(made_critical(NID_name_constraints, 0))},
      {"4.2.1.10-name-constraints", "one name more",
       with_constraints("critical," + kind.constraints + ",permitted;DNS:bank.example")},
      {"4.2.1.10-name-constraints", "other addresses without limits", with_constraints("critical," + kind.constraints)},
      {"4.2.1.12-extended-key-usage", "one more", changed([](X509* c) {
         if (X509_get_ext_by_NID(c, NID_ext_key_usage, -1) >= 0) remove_extension(c, NID_ext_key_usage);
         add_extension(c, NID_ext_key_usage, "serverAuth,clientAuth,codeSigning");
       })},
      {"4.2.1.13-crl-distribution-points", "another", changed([](X509* c) {
         if (X509_get_ext_by_NID(c, NID_crl_distribution_points, -1) >= 0)
           remove_extension(c, NID_crl_distribution_points);
         add_extension(c, NID_crl_distribution_points, "URI:http://pki.cams.example/crl/other.crl");
       })},
      {"4.2.2.1-authority-info-access", "another", changed([](X509* c) {
         if (X509_get_ext_by_NID(c, NID_info_access, -1) >= 0) remove_extension(c, NID_info_access);
         add_extension(c, NID_info_access, "caIssuers;URI:http://pki.cams.example/other.cer");
       })},
      {"4.2.2.1-authority-info-access", "a responder", changed([](X509* c) {
         if (X509_get_ext_by_NID(c, NID_info_access, -1) >= 0) remove_extension(c, NID_info_access);
         add_extension(c, NID_info_access, "OCSP;URI:http://pki.cams.example/ocsp");
       })},
  };
}

TEST(CaLint, EveryFieldOfEveryKind) {
  std::set<std::string> caught;
  for (auto const& kind : kinds()) {
    for (auto const& wrong : wrong_ones(kind)) {
      SCOPED_TRACE(std::string(kind.name) + ": " + wrong.rule + ", " + wrong.name);
      std::string const rule = std::string("5280-") + wrong.rule;
      EXPECT_THAT(kind.findings(wrong.tbs), Contains(StartsWith(rule + ":")));
      caught.insert(rule);
    }
  }
  for (std::string_view rule : ca_lint_rules())
    EXPECT_TRUE(caught.contains(std::string(rule))) << rule << " has no fixture";
}

// One error, one finding: what is said is what is wrong.
TEST(CaLint, OneErrorIsOneFinding) {
  auto const site = kinds()[3];
  for (auto const& [rule, change] : std::vector<std::pair<std::string, Change>>{
           {"5280-4.1.2.1-version", [](X509* c) { X509_set_version(c, 1); }},
           {"5280-4.1.2.2-serial", with_serial("2a")},
           {"5280-4.1.2.3-signature", with_algorithm(NID_sha384WithRSAEncryption, V_ASN1_NULL)},
           {"5280-4.1.2.5-validity", with_times(site.made.not_before(), site.made.not_after() - Seconds(1))},
           {"5280-4.1.2.6-subject", with_subject({{"O", kName}, {"CN", "Other CA"}})},
           {"5280-4.2-extensions", [](X509* c) { add_extension(c, NID_netscape_comment, "hello"); }},
           {"5280-4.2.1.1-authority-key-id", removed(NID_authority_key_identifier)},
           {"5280-4.2.1.2-subject-key-id", removed(NID_subject_key_identifier)},
           {"5280-4.2.1.3-key-usage", removed(NID_key_usage)},
           {"5280-4.2.1.9-basic-constraints", removed(NID_basic_constraints)},
           {"5280-4.2.1.10-name-constraints", removed(NID_name_constraints)},
           {"5280-4.2.1.12-extended-key-usage", removed(NID_ext_key_usage)},
           {"5280-4.2.1.13-crl-distribution-points", removed(NID_crl_distribution_points)},
           {"5280-4.2.2.1-authority-info-access", removed(NID_info_access)}})
    EXPECT_THAT(site.findings(site.changed(change)), ElementsAre(StartsWith(rule + ":"))) << rule;
}

// Whoever asks for more than the certificates above have does not get it either.
TEST(CaLint, NothingIsWiderThanWhatStandsAbove) {
  auto const& all = cas();
  auto const algorithm = signature_algorithm(all.parent.key());
  auto const good = all.site_wanted({all.parent, all.own.root});
  struct Asked {
    char const* name;
    char const* finding;
    std::function<void(CaLintContext&, Template&)> change;
  };
  for (Asked const &c : std::vector<Asked>{
           {"as much", "", [](auto&, auto&) {}},
           {"names", "5280-4.2.1.10-name-constraints: permits more than CN=Corporation",
            [](auto&wanted, auto&says) { wanted.constraints = says.name_constraints = permitted("example"); }},
           {"all names", "5280-4.2.1.10-name-constraints: permits more than CN=Corporation",
            [](auto&wanted, auto&says) {
              wanted.constraints.reset();
              says.name_constraints.reset();
            }},
           {"usages", "5280-4.2.1.12-extended-key-usage: has an extended key usage that CN=Corporation",
            [](auto&wanted, auto&says) {
              wanted.usages = says.extended_key_usage = {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
            }},
           {"all usages", "5280-4.2.1.12-extended-key-usage: has no extended key usage",
            [](auto&wanted, auto&says) {
              wanted.usages.clear();
              says.extended_key_usage.clear();
            }},
           {"a CA below it", "5280-4.2.1.9-basic-constraints: leaves more room",
            [](auto&wanted, auto&says) {
              wanted.path_length = 1;
              says.path_length = 1;
            }},
           {"any number of CAs below it", "5280-4.2.1.9-basic-constraints: leaves more room",
            [](auto&wanted, auto&says) {
              wanted.path_length.reset();
              says.path_length.reset();
            }},
           {"a longer life", "5280-4.1.2.5-validity: ends after its issuer",
            [&](auto&, auto&says) { says.not_after = all.parent.not_after() + Seconds(1); }}}) {
    auto wanted = good;
    auto says = issuer_template(kName, all.site_key.public_key(), all.parent, kNow - kDay, kIssuerLifetime,
                                all.site.constraints, {ExtendedKeyUsage::server_auth});
    says.common_name = wanted.common_name;
    says.subject_name = encode_name(kName, wanted.common_name);
    says.not_after = all.parent.not_after();
    says.ca_issuers_url = wanted.ca_issuers_url;
    says.crl_url = wanted.crl_base + ".crl";
    c.change(wanted, says);
    auto const found = lint_findings(encode_tbs(says, algorithm), wanted);
    if (*c.finding == 0)
      EXPECT_THAT(found, IsEmpty()) << c.name;
    else
      EXPECT_THAT(found, ElementsAre(StartsWith(c.finding))) << c.name;
  }
}

TEST(CaLint, NoRoomBelowTheParent) {
  auto const& all = cas();
  auto wanted = all.site_wanted({all.own.issuing, all.own.root});
  EXPECT_THAT(lint_findings(all.below_root.tbs(), wanted),
              Contains(HasSubstr("5280-4.2.1.9-basic-constraints: the path length of CN=Example Cameras Issuing CA")));
}

// RFC 5280 6.1.3: a CA obeys those above it by its own subject.
TEST(CaLint, ASubjectThatTheParentDoesNotPermit) {
  auto const& all = cas();
  auto limits = permitted("cams.example");
  limits.permitted_directory = {x509::DirectoryName::parse("O=Another").value()};
  auto says = root_template("Another", all.own.root_key.public_key(), kNow - kDay, limits::kRootLifetime, limits);
  auto wanted = all.site_wanted({forge(says, all.own.root_key)});
  EXPECT_THAT(lint_findings(all.below_root.tbs(), wanted),
              Contains(StartsWith("5280-4.2.1.10-name-constraints: permits more")));
  wanted.constraints->permitted_directory = limits.permitted_directory;
  auto site = all.site;
  site.constraints = *wanted.constraints;
  auto const tbs = kinds()[2].changed([&](X509* c) {
    remove_extension(c, NID_name_constraints);
    Bytes const value = site.constraints.to_der();
    ossl::Asn1OctetStringPtr const octets(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(octets.get(), value.data(), static_cast<int>(value.size()));
    ossl::X509ExtensionPtr const extension(
        X509_EXTENSION_create_by_NID(nullptr, NID_name_constraints, 1, octets.get()));
    X509_add_ext(c, extension.get(), -1);
  });
  EXPECT_THAT(lint_findings(tbs, wanted),
              Contains(StartsWith("5280-4.2.1.10-name-constraints: name constraints: permitted subtree violation")));
}

TEST(CaLint, AKeyThatIsNotGoodEnough) {
  auto const& all = cas();
  auto const weak = x509::PrivateKey::generate(KeyType::rsa, 1024);
  auto wanted = all.root_wanted();
  wanted.key = weak.public_key();
  auto const says = root_template(kName, wanted.key, kNow - kDay, limits::kRootLifetime, permitted("cams.example"));
  EXPECT_THAT(lint_findings(encode_tbs(says, signature_algorithm(wanted.key)), wanted),
              ElementsAre(StartsWith("5280-4.1.2.7-key: public key is not good enough")));
}

// Nothing in them is free to vary but the serial number.
TEST(CaLint, EverySingleOctetChangeIsSeen) {
  for (auto const& kind : kinds()) {
    Bytes const good = kind.good();
    Bytes const serial = kind.made.serial();
    auto const at = std::ranges::search(good, serial).begin() - good.begin();
    for (std::size_t i = 0; i < good.size(); ++i) {
      auto const place = static_cast<std::ptrdiff_t>(i);
      if (place >= at && place < at + static_cast<std::ptrdiff_t>(serial.size())) continue;
      Bytes bad = good;
      bad[i] ^= 0x01;
      EXPECT_THAT(kind.findings(bad), ::testing::Not(IsEmpty())) << kind.name << ", octet " << i;
    }
  }
}

// --- signing ---

TEST(SignCaCertificate, NothingIsSignedThatBreaksARule) {
  auto const& all = cas();
  auto says = root_template(kName, all.own.root_key.public_key(), kNow - kDay, limits::kRootLifetime,
                            permitted("cams.example"));
  MemoryKey key(all.own.root_key);
  ASSERT_TRUE(sign_ca_certificate(says, all.root_wanted(), key));
  ASSERT_TRUE(sign_ca_certificate(says, all.root_wanted(), all.own.root_key));
  key.signatures = 0;
  says.path_length = 3;
  says.name_constraints.reset();
  auto const refused = sign_ca_certificate(says, all.root_wanted(), key);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::internal);
  EXPECT_THAT(refused.error().detail(), HasSubstr("was not signed"));
  EXPECT_THAT(refused.error().detail(), HasSubstr("[5280-4.2.1.9-basic-constraints: "));
  EXPECT_THAT(refused.error().detail(), HasSubstr("[5280-4.2.1.10-name-constraints: "));
  EXPECT_EQ(key.signatures, 0);
  EXPECT_FALSE(sign_ca_certificate(says, all.root_wanted(), all.own.root_key).ok());
}

}  // namespace
}  // namespace lenscap::ca::test
