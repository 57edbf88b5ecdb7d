// Keys and certificates that a corporation hands over, made by openssl: each good one issues, each fault refused in
// plain words.
#include "ca/issuer_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/issuer_request.h"
#include "tests/ca/bundle_of.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using Options = fakes::Corporation::Options;

constexpr char const* kRootUse = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
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
  };
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
        run("openssl verify -x509_strict -purpose sslserver -attime " + std::to_string(to_unix(today())) + " -CAfile " +
            corporation.root() + " -untrusted " + chain + " " + chain);
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls = run("certtool --verify --load-ca-certificate " + corporation.root() + " --infile " + chain);
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  }
}

TEST(IssuerImport, EachFaultIsRefusedInPlainWords) {
  struct Case {
    char const* says;
    Options corporation = {};
    std::vector<std::string> files = {"issuing.key", "issuing.pem", "root.pem"};
    char const* change = ":";  // a command in the corporation's folder
    char const* key = "EC -pkeyopt ec_paramgen_curve:P-256";
  };
  std::string const use = kIssuerUse;
  std::string const root = kRootUse;
  char const* const other_key = "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key";
  Case const cases[] = {
      {.says = "no private key", .files = {"issuing.pem", "root.pem"}},
      {.says = "no certificate is among", .files = {"issuing.key"}},
      {.says = "several private keys",
       .files = {"issuing.key", "other.key", "issuing.pem", "root.pem"},
       .change = other_key},
      {.says = "belongs to none", .files = {"other.key", "issuing.pem", "root.pem"}, .change = other_key},
      {.says = "is damaged",
       // The private number of one key beside the public point of another.
       .files = {"mixed.key", "issuing.pem", "root.pem"},
       .change =
           "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key && "
           "for key in issuing other; do "
           "openssl pkcs8 -topk8 -nocrypt -in $key.key -outform DER -out $key.der; done && "
           "{ head -c 36 issuing.der; tail -c +37 other.der | head -c 32; tail -c +69 issuing.der; } >mixed.der && "
           "{ echo '-----BEGIN PRIVATE KEY-----'; base64 -w 64 mixed.der; echo '-----END PRIVATE KEY-----'; } "
           ">mixed.key"},
      {.says = "is a root and no intermediate", .files = {"root.key", "root.pem"}},
      {.says = "ask for basicConstraints with CA:TRUE",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:FALSE\n"}},
      {.says = "ask for the key usage keyCertSign",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n"}},
      {.says = "ask for the key usage cRLSign",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"}},
      {.says = "ask for a path length that leaves room",
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n"}},
      {.says = "ask for a path length that leaves room",  // two CAs below a root that allows one
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign,cRLSign\n",
                       .has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "policy.pem", "root.pem"}},
      {.says = "CN=Corporate Root,O=Example Corporation, which is not among", .files = {"issuing.key", "issuing.pem"}},
      {.says = "Policy CA,O=Example Corporation, which is not among",
       .corporation = {.has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "root.pem"}},
      {.says = "up to the self-signed root",
       .corporation = {.has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "policy.pem"}},
      {.says = "signature that does not verify",
       .change = "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out root2.key && "
                 "openssl req -new -key root2.key -subj '/O=Example Corporation/CN=Corporate Root' -out root2.csr && "
                 "openssl x509 -req -in root2.csr -signkey root2.key -days 10 -extfile root.ext -out root.pem"},
      {.says = "ended at",
       .change = "cp issuing.csr again.csr && faketime '2020-01-01' openssl x509 -req -in again.csr -CA root.pem "
                 "-CAkey root.key -days 365 -extfile issuing.ext -out issuing.pem"},
      {.says = "begins only at",
       .change = "faketime '2035-01-01' openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 365 "
                 "-extfile issuing.ext -out issuing.pem"},
      {.says = "is signed with SHA1", .corporation = {.hash = "sha1"}},
      {.says = "key that is not good enough", .key = "RSA -pkeyopt rsa_keygen_bits:1024"},
      {.says = "key that is not good enough", .key = "ED25519"},
      {.says = "key that is not good enough", .corporation = {.root_key = "RSA -pkeyopt rsa_keygen_bits:1024"}},
      {.says = "without serverAuth", .corporation = {.issuer_use = use + "extendedKeyUsage=clientAuth,codeSigning\n"}},
      {.says = "without serverAuth",
       .corporation = {.has_policy_ca = true, .policy_use = root + "extendedKeyUsage=emailProtection\n"},
       .files = {"issuing.key", "issuing.pem", "policy.pem", "root.pem"}},
      {.says = "leave no name",
       .corporation = {.root_use = root + "nameConstraints=critical,permitted;DNS:one.example,excluded;"
                                          "IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n",
                       .issuer_use = use + "nameConstraints=critical,permitted;DNS:two.example\n"}},
      {.says = "names of a type that this program does not know",
       .corporation = {.issuer_use = use + "nameConstraints=critical,permitted;RID:1.2.3.4\n"}},
      {.says = "has the critical extension 1.2.3.4",
       .corporation = {.issuer_use = use + "1.2.3.4=critical,DER:0500\n"}},
      {.says = "critical policy constraints",
       .corporation = {.issuer_use = use + "policyConstraints=critical,requireExplicitPolicy:0\n"}},
      {.says = "'corp_x.example' is not a DNS name",
       .corporation = {.issuer_use = use + "nameConstraints=critical,permitted;DNS:corp_x.example\n"}},
      {.says = "no subject key identifier", .corporation = {.issuer_use = "subjectKeyIdentifier=none\n" + use}},
      {.says = "two of the certificates are for",
       .files = {"issuing.key", "issuing.pem", "again.pem", "root.pem"},
       .change = "openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 100 -extfile issuing.ext "
                 "-out again.pem"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.says);
    fakes::Corporation corporation(c.corporation);
    corporation.issue_with_key(c.key);
    corporation.shell(c.change);
    auto const refused = judge_import(bundle_of(corporation, c.files), today());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
  }
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
