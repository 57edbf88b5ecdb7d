// Keys and certificates that a corporation hands over, made by openssl: each good one issues, each fault refused in
// plain words.
#include "ca/issuer_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"
#include "tests/ca/bundle_of.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/faulty_parents.h"
#include "tests/fakes/refusals_in.h"

namespace lenscap::ca::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using Options = fakes::Corporation::Options;

constexpr char const* kIssuerUse =
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";

Time today() { return SystemClock().now() + Seconds(60); }

std::string text_of(std::string const& path) { return file_exists(path) ? read_file(path).value() : ""; }

// A state directory after `init --intermediate`.
struct State {
  State() { EXPECT_TRUE(make_intermediate(settings(), passphrase).ok()); }
  CeremonySettings settings() const {
    auto settings = ceremony_settings();
    settings.state_dir = path();
    return settings;
  }
  std::string path() const { return dir.path("state"); }
  std::string key() const { return path() + "/keys/issuing.key"; }

  fakes::TempDir dir;
  SecretBytes const passphrase{std::string_view("correct horse battery")};
};

Result<> put(State const& state, IssuerImport const& made, std::string const& words = "correct horse battery") {
  auto const request = make_issuer_request(made.key, "Example Cameras", constraints_of(state.settings()).value());
  return install_import(state.path(), made, request, SecretBytes(std::string_view(words)));
}

// What `init --usage` said is what a parent is asked for, also by `root import`, which is its own parent's hand.
TEST(IssuerRequest, TellsTheUsagesThatItAsksFor) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const constraints = constraints_of(ceremony_settings()).value();
  using enum ExtendedKeyUsage;
  for (auto const& usages : std::vector<std::vector<ExtendedKeyUsage>>{{server_auth}, {server_auth, client_auth}, {}})
    EXPECT_EQ(requested_usages(make_issuer_request(key, "Example Cameras", constraints, usages)).value(), usages);
  EXPECT_EQ(requested_usages("none").error().code(), Errc::file);
}

TEST(IssuerImport, KeysOfEachKindIssueUnderTheCorporateRoot) {
  struct Case {
    char const* name;
    char const* key;
    Options corporation;
    char const* also = "-x509_strict";  // that openssl is told
  };
  std::string const ca = "basicConstraints=critical,CA:TRUE\n";
  Case const cases[] = {
      {"P-256", "EC -pkeyopt ec_paramgen_curve:P-256", {}},
      {"P-384 below a policy CA", "EC -pkeyopt ec_paramgen_curve:P-384", {.has_policy_ca = true}},
      {"RSA-2048 below RSA-4096",
       "RSA -pkeyopt rsa_keygen_bits:2048",
       {.root_key = "RSA -pkeyopt rsa_keygen_bits:4096"}},
      {"RSA-4096, as Microsoft's template makes it",
       "RSA -pkeyopt rsa_keygen_bits:4096",
       {.root_key = "RSA -pkeyopt rsa_keygen_bits:2048",
        .root_subject =
            "/DC=com/DC=example/DC=corp/OU=Public Key Services/CN=Example Corporation Enterprise Root CA 01",
        .issuer_use = std::string(kIssuerUse) + "1.3.6.1.4.1.311.21.1=DER:020100\n"
                                                "1.3.6.1.4.1.311.20.2=DER:1e0a00530075006200430041\n"
                                                "extendedKeyUsage=serverAuth,clientAuth\n",
        .issuer_subject = "/DC=com/DC=example/DC=corp/OU=Public Key Services/OU=Services/CN=Cameras Issuing CA 01"}},
      {"a root that may not sign lists",
       "EC -pkeyopt ec_paramgen_curve:P-256",
       {.root_use = ca + "keyUsage=critical,keyCertSign\n"}},
      // openssl has nothing then that it could point to.
      {"a root without a key identifier",
       "EC -pkeyopt ec_paramgen_curve:P-256",
       {.root_use = "subjectKeyIdentifier=none\n" + ca + "keyUsage=critical,keyCertSign,cRLSign\n",
        .issuer_use = "authorityKeyIdentifier=none\n" + std::string(kIssuerUse)},
       ""},
      {"a policy CA with neither",
       "EC -pkeyopt ec_paramgen_curve:P-256",
       {.has_policy_ca = true,
        .policy_use = "subjectKeyIdentifier=none\n" + ca + "keyUsage=critical,keyCertSign\n",
        .issuer_use = "authorityKeyIdentifier=none\n" + std::string(kIssuerUse)},
       ""},
      {"signed with RSASSA-PSS",
       "EC -pkeyopt ec_paramgen_curve:P-256",
       {.root_key = "RSA -pkeyopt rsa_keygen_bits:2048",
        .hash = "sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::Corporation corporation(c.corporation);
    corporation.issue_with_key(c.key);
    std::vector<std::string> files{"root.pem", "issuing.key", "issuing.pem"};
    if (c.corporation.has_policy_ca) files.emplace_back("policy.pem");
    auto const made = judge_import(bundle_of(corporation, files), today());
    ASSERT_TRUE(made.ok()) << made.error().detail();
    EXPECT_THAT(made->verdict.warnings, Contains(HasSubstr("no certificate of the chain has name constraints")));

    State const state;
    ASSERT_TRUE(put(state, *made).ok());
    EXPECT_THAT(text_of(state.key()), HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
    EXPECT_EQ(requested_key(text_of(request_file(state.path()))).value(), made->key.public_key());
    auto const store = store::open("memory:", "").value();
    AuthoritySettings const opening{
        .state_dir = state.path(),
        .key = "file:keys/issuing.key",
        .http_url = kHttpUrl,
        .profile_files = {std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/camera-https.toml"},
        .permit_dns = {"cams.example"},
        .permit_ip = {"10.20.0.0/15"}};
    auto const authority = Authority::open(opening, *store, state.passphrase);
    ASSERT_TRUE(authority.ok()) << authority.error().detail();
    // No certificate says so, and still nothing else is named.
    EXPECT_FALSE((*authority)->prepare(request(names({"a.offices.example"})), today()).ok());
    auto const leaf = (*authority)->issue(request(names({"a.cams.example"})), "1", today());
    ASSERT_TRUE(leaf.ok()) << leaf.error().detail();
    put_file(state.dir.path("chain.pem"), (*authority)->chain_of(*leaf).pem(*leaf, ChainEnd::below_root));
    auto const chain = state.dir.path("chain.pem");
    auto const openssl =
        run(std::string("openssl verify ") + c.also + " -purpose sslserver -attime " +
            std::to_string(to_unix(today())) + " -CAfile " + corporation.root() + " -untrusted " + chain + " " + chain);
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls = run("certtool --verify --load-ca-certificate " + corporation.root() + " --infile " + chain);
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  }
}

// Together the faults meet every refusal that there is for a chain, whether its key came with it or was made here. One
// is out of reach: a signature by an algorithm that is not known has not verified before.
TEST(IssuerImport, EachFaultIsRefusedInPlainWords) {
  std::string said;
  for (auto const& c : fakes::faulty_issuers()) {
    SCOPED_TRACE(c.says);
    fakes::Corporation corporation(c.corporation);
    corporation.issue_with_key(c.key);
    corporation.shell(c.change);
    auto const refused = judge_import(bundle_of(corporation, c.files), today());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
    said += refused.error().detail() + "\n";
    auto const given = bundle_of(corporation, c.files);
    if (given.keys.empty()) continue;
    auto const made_here = judge_parent_chain(given.certificates, given.keys.front().public_key(), today());
    if (!made_here.ok()) said += made_here.error().detail() + "\n";
  }
  std::size_t found = 0;
  for (auto const* file : {"ca/parent_rules.cc", "ca/name_limits.cc"})
    for (auto const& each : fakes::refusals_in(file, {"refusal(", "Error(Errc::settings,"})) {
      ++found;
      if (each == "is signed by an algorithm that this program does not know") continue;
      EXPECT_THAT(said, HasSubstr(each));
    }
  EXPECT_GT(found, 22U);
}

// As Windows exports it: the chain is in the same file.
TEST(IssuerImport, APfxWithThePolicyCaAndTheRootInside) {
  fakes::Corporation corporation({.has_policy_ca = true});
  corporation.issue_with_key();
  corporation.write("words", "words of another house\n");
  corporation.shell(
      "cat policy.pem root.pem >above.pem && openssl pkcs12 -export -inkey issuing.key -in issuing.pem -certfile "
      "above.pem -passout file:words -out all.pfx");
  auto bundle = x509::read_bundle(text_of(corporation.path("all.pfx")), []() -> Result<SecretBytes> {
    return SecretBytes(std::string_view("words of another house"));
  });
  ASSERT_TRUE(bundle.ok()) << bundle.error().detail();
  EXPECT_EQ(bundle->certificates.size(), 3U);
  auto const made = judge_import(*std::move(bundle), today());
  ASSERT_TRUE(made.ok()) << made.error().detail();
  EXPECT_EQ(made->verdict.above.size(), 2U);
  State const state;
  EXPECT_TRUE(put(state, *made).ok());
}

// The parent may have the request of the former key, whose certificate comes one of these days. A folder in the place
// of the chain is what cannot be replaced.
TEST(IssuerImport, AnInstallThatFailsAtItsEndPutsTheFormerKeyBack) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  auto const made = judge_import(bundle_of(corporation, {"issuing.key", "issuing.pem", "root.pem"}), today()).value();
  State const state;
  auto const key = text_of(state.key());
  auto const request = text_of(request_file(state.path()));
  std::filesystem::create_directories(state.path() + "/keys/chain.pem.new/folder");
  EXPECT_EQ(put(state, made).error().code(), Errc::file);
  EXPECT_EQ(text_of(state.key()), key);
  EXPECT_EQ(text_of(request_file(state.path())), request);
  EXPECT_FALSE(file_exists(state.path() + "/keys/issuing.pem"));
  std::filesystem::remove_all(state.path() + "/keys/chain.pem.new");
  ASSERT_TRUE(put(state, made).ok());
  auto const chain = load_chain(state.path());
  ASSERT_TRUE(chain.ok()) << chain.error().detail();
  EXPECT_EQ(chain->issuing.key(), made.key.public_key());
  EXPECT_EQ(requested_key(text_of(request_file(state.path()))).value(), made.key.public_key());
  auto const kept = x509::PrivateKey::from_pem(text_of(state.key()), state.passphrase);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->public_key(), made.key.public_key());
}

TEST(IssuerImport, ARefusedInstallChangesNothing) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  auto const made = judge_import(bundle_of(corporation, {"issuing.key", "issuing.pem", "root.pem"}), today()).value();
  State const state;
  auto const key = text_of(state.key());
  auto const request = text_of(request_file(state.path()));
  EXPECT_EQ(put(state, made, "another passphrase").error().code(), Errc::wrong_passphrase);
  EXPECT_EQ(text_of(state.key()), key);
  EXPECT_EQ(text_of(request_file(state.path())), request);
  EXPECT_FALSE(file_exists(state.path() + "/keys/chain.pem"));

  ASSERT_TRUE(put(state, made).ok());
  EXPECT_TRUE(put(state, made).ok()) << "the same again";
  auto const chain = text_of(state.path() + "/keys/chain.pem");
  fakes::Corporation other;
  other.issue_with_key();
  auto const stranger = judge_import(bundle_of(other, {"issuing.key", "issuing.pem", "root.pem"}), today()).value();
  EXPECT_EQ(put(state, stranger).error().code(), Errc::conflict);
  corporation.write("issuing.ext", "subjectKeyIdentifier=0a0b0c\n" + std::string(kIssuerUse));
  corporation.shell(
      "openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 9 -extfile issuing.ext "
      "-out issuing.pem");
  auto const other_id =
      put(state, judge_import(bundle_of(corporation, {"issuing.key", "issuing.pem", "root.pem"}), today()).value());
  EXPECT_EQ(other_id.error().code(), Errc::conflict);
  EXPECT_THAT(other_id.error().detail(), HasSubstr("the subject key identifier 0a0b0c in place of"));
  EXPECT_EQ(text_of(state.path() + "/keys/chain.pem"), chain);
}

}  // namespace
}  // namespace lenscap::ca::test
