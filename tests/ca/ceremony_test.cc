#include "ca/ceremony.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CeremonyPassphrases passphrases() {
  return {SecretBytes("correct horse battery"), SecretBytes("staple of another kind")};
}

mode_t mode_of(std::string const& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST(CertifyCa, AKeyOfSomebodyElses) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::rsa, 3072);
  auto const made = certify_ca(ceremony_settings(), key.public_key(), kNow);
  ASSERT_TRUE(made.ok()) << made.error().detail();
  EXPECT_EQ(made->issuing.key(), key.public_key());
  EXPECT_TRUE(made->issuing.is_signed_by(made->root.key()));
  EXPECT_EQ(made->root.key(), made->root_key.public_key());

  auto const weak =
      certify_ca(ceremony_settings(), x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key(), kNow);
  ASSERT_FALSE(weak.ok());
  EXPECT_EQ(weak.error().code(), Errc::usage);
  EXPECT_NE(weak.error().detail().find("1024"), std::string::npos) << weak.error().detail();
}

TEST(MakeCa, FilesThatTheStockToolsOpen) {
  fakes::TempDir dir;
  CeremonySettings settings = ceremony_settings();
  settings.state_dir = dir.path("deep/state");
  mode_t const before = ::umask(0);
  auto const made = make_ca(settings, passphrases(), kNow);
  ::umask(before);
  ASSERT_TRUE(made.ok()) << made.error().detail();
  std::string const keys = settings.state_dir + "/keys/";
  EXPECT_EQ(made->keys_dir + "/", keys);
  EXPECT_EQ(mode_of(settings.state_dir), 0700u);
  EXPECT_EQ(mode_of(keys), 0700u);
  EXPECT_EQ(mode_of(keys + "root.key"), 0600u);
  EXPECT_EQ(mode_of(keys + "issuing.key"), 0600u);
  EXPECT_EQ(mode_of(keys + "root.pem"), 0644u);
  EXPECT_EQ(mode_of(keys + "issuing.pem"), 0644u);
  std::vector<std::string> left;
  for (auto const& entry : std::filesystem::directory_iterator(settings.state_dir))
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, ElementsAre("keys"));

  // Each key opens with the plain command and its own passphrase only, and is the certificate's.
  put_file(dir.path("issuing.pass"), "correct horse battery\n");
  put_file(dir.path("root.pass"), "staple of another kind\n");
  struct Case {
    char const* name;
    char const* other;
    char const* curve;
  };
  for (Case const& c : {Case{"root", "issuing", "secp384r1"}, Case{"issuing", "root", "prime256v1"}}) {
    SCOPED_TRACE(c.name);
    std::string const key = keys + c.name + ".key";
    auto const opened =
        run("openssl pkey -in " + key + " -passin file:" + dir.path(std::string(c.name) + ".pass") + " -pubout");
    EXPECT_EQ(opened.status, 0) << opened.output;
    EXPECT_EQ(opened.output, run("openssl x509 -noout -pubkey -in " + keys + c.name + ".pem").output);
    EXPECT_NE(
        run("openssl pkey -noout -in " + key + " -passin file:" + dir.path(std::string(c.other) + ".pass")).status, 0);
    auto const shown =
        run("openssl pkey -noout -text -in " + key + " -passin file:" + dir.path(std::string(c.name) + ".pass"));
    EXPECT_THAT(shown.output, HasSubstr(c.curve));
    EXPECT_THAT(*read_file(key), HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
    EXPECT_THAT(run("openssl asn1parse -in " + key).output, HasSubstr(":scrypt"));
  }
  EXPECT_EQ(run("openssl verify -x509_strict -attime " + std::to_string(to_unix(kNow)) + " -CAfile " + keys +
                "root.pem " + keys + "issuing.pem")
                .status,
            0);
  // The fingerprint is the one that every other tool shows.
  std::string digits;
  for (char c : fingerprint_text(made->root).substr(std::string("SHA-256").size()))
    if (c != ' ') digits += c;
  std::string stock = run("openssl x509 -noout -fingerprint -sha256 -in " + keys + "root.pem").output;
  std::erase(stock, ':');
  EXPECT_THAT(stock, HasSubstr("=" + digits + "\n"));
  EXPECT_EQ(fingerprint_text(made->root).size(), 7u + 16 * 5);

  // A second time nothing is touched.
  std::string const root_before = *read_file(keys + "root.key");
  auto const again = make_ca(settings, passphrases(), kNow);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::conflict);
  EXPECT_EQ(*read_file(keys + "root.key"), root_before);
}

TEST(MakeCa, AnyFileInTheKeysDirectoryIsEnoughToRefuse) {
  fakes::TempDir dir;
  CeremonySettings settings = ceremony_settings();
  settings.state_dir = dir.path("state");
  std::filesystem::create_directories(dir.path("state/keys"));
  put_file(dir.path("state/keys/issuing.key"), "precious");
  EXPECT_EQ(make_ca(settings, passphrases(), kNow).error().code(), Errc::conflict);
  EXPECT_EQ(*read_file(dir.path("state/keys/issuing.key")), "precious");
}

TEST(MakeCa, PassphrasesThatWillNotDo) {
  fakes::TempDir dir;
  CeremonySettings settings = ceremony_settings();
  settings.state_dir = dir.path("state");
  struct Case {
    char const* name;
    std::string_view issuing, root;
    char const* text;
  };
  Case const cases[] = {
      {"short", "too short", "staple of another kind", "issuing key needs at least 12"},
      {"none for the root", "correct horse battery", "", "root key needs at least 12"},
      {"one for both", "correct horse battery", "correct horse battery", "of its own"},
      {"two lines in one", "correct horse\nbattery", "staple of another kind", "line break"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const made = make_ca(settings, {SecretBytes(c.issuing), SecretBytes(c.root)}, kNow);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code(), Errc::usage);
    EXPECT_THAT(made.error().detail(), HasSubstr(c.text));
    EXPECT_THAT(made.error().detail(), ::testing::Not(HasSubstr("horse")));
    EXPECT_FALSE(file_exists(settings.state_dir));
  }
}

TEST(GenerateCa, SettingsThatMakeNoCa) {
  struct Case {
    char const* name;
    std::function<void(CeremonySettings&)> change;
    char const* text;
  };
  Case const cases[] = {
      {"no name", [](auto& s) { s.name.clear(); }, "needs a name"},
      {"endless name", [](auto& s) { s.name = std::string(49, 'x'); }, "longer than 48"},
      {"name that is no UTF-8", [](auto& s) { s.name = "Caf\xe9"; }, "UTF-8"},
      {"name with a line break", [](auto& s) { s.name = "a\nb"; }, "control character"},
      {"nothing permitted", [](auto& s) { s.permit_dns.clear(), s.permit_ip.clear(); }, "permit a DNS suffix"},
      {"wildcard", [](auto& s) { s.permit_dns = {"*.cams.example"}; }, "without \"*.\""},
      {"no DNS name", [](auto& s) { s.permit_dns = {"cams example"}; }, "\"cams example\" cannot be permitted"},
      {"host bits", [](auto& s) { s.permit_ip = {"10.20.1.0/15"}; }, "\"10.20.1.0/15\" cannot be permitted"},
      {"plain HTTP", [](auto& s) { s.url = "http://pki.cams.example"; }, "https://"},
      {"own name outside", [](auto& s) { s.url = "https://pki.other.example"; }, "own name would not be trusted"},
      {"own address outside", [](auto& s) { s.url = "https://192.168.1.1:8443"; }, "own name would not be trusted"},
      {"own IPv6 address outside", [](auto& s) { s.url = "https://[fd00::1]:8443"; }, "own name would not be trusted"},
      {"user name in the URL", [](auto& s) { s.url = "https://me@pki.cams.example"; }, "user name"},
      {"no host", [](auto& s) { s.url = "https:///x"; }, "neither a DNS name nor an IP address"},
      {"no mail host", [](auto& s) { s.rules.permit_email = {"a b"}; }, "\"a b\" cannot be permitted"},
      {"a URI for its host", [](auto& s) { s.rules.exclude_uri = {"sip://a.example"}; }, "cannot be excluded"},
      {"no directory name", [](auto& s) { s.rules.permit_directory = {"Example"}; }, "\"Example\" cannot be permitted"},
      {"excluded wildcard", [](auto& s) { s.rules.exclude_dns = {"*.cams.example"}; }, "without \"*.\""},
      {"excluded host bits", [](auto& s) { s.rules.exclude_ip = {"10.20.1.0/15"}; }, "cannot be excluded"},
      {"own name excluded", [](auto& s) { s.rules.exclude_dns = {"pki.cams.example"}; }, "own name would not be"},
      {"own subject outside", [](auto& s) { s.rules.permit_directory = {"O=Another"}; }, "issuing CA's own name"},
      {"own subject excluded", [](auto& s) { s.rules.exclude_directory = {"O=example cameras"}; },
       "issuing CA's own name"},
      {"no servers", [](auto& s) { s.extended_key_usage = {ExtendedKeyUsage::client_auth}; }, "serverAuth"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    CeremonySettings settings = ceremony_settings();
    c.change(settings);
    auto const made = generate_ca(settings, kNow);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code(), Errc::usage);
    EXPECT_THAT(made.error().detail(), HasSubstr(c.text));
  }
  CeremonySettings by_address = ceremony_settings();
  by_address.permit_ip.push_back("fd00:20::/32");
  by_address.url = "https://[fd00:20::1]:8443/";
  EXPECT_TRUE(generate_ca(by_address, kNow).ok());
}

TEST(GenerateCa, LivesAndConstraints) {
  auto const made = generate_ca(ceremony_settings(), kNow).value();
  EXPECT_EQ(made.root.not_before(), kNow - kDay);
  EXPECT_EQ(made.issuing.not_before(), kNow - kDay);
  auto length = [](x509::Certificate const& c) { return c.not_after() - c.not_before() + Seconds(1); };
  EXPECT_EQ(length(made.root), 20 * 365 * kDay);
  EXPECT_LE(length(made.issuing) * 3, length(made.root));
  EXPECT_EQ(made.root.key().type(), x509::KeyType::ec_p384);
  EXPECT_EQ(made.issuing.key().type(), x509::KeyType::ec_p256);
  auto const constraints = constraints_of(ceremony_settings()).value();
  EXPECT_EQ(made.root.name_constraints(), constraints);
  EXPECT_EQ(made.issuing.name_constraints(), constraints);
}

// Rules of every type go into root and issuing CA alike; mail and URIs are shut off where nothing is said.
TEST(GenerateCa, RulesOfEveryType) {
  EXPECT_EQ(constraints_of(ceremony_settings())->text(),
            "DNS cams.example; IP 10.20.0.0/15; no IPv6 addresses, mail addresses or URIs");
  CeremonySettings settings = ceremony_settings();
  settings.rules = {.permit_email = {".cams.example", "pki@example"},
                    .permit_uri = {"cams.example"},
                    .permit_directory = {"O=Example Cameras"},
                    .exclude_dns = {"secret.cams.example"},
                    .exclude_ip = {"10.21.0.0/16"},
                    .exclude_email = {"no@a.cams.example"},
                    .exclude_uri = {"no.cams.example"},
                    .exclude_directory = {"OU=Offices,O=Example Cameras"}};
  auto const made = generate_ca(settings, kNow);
  ASSERT_TRUE(made.ok()) << made.error().detail();
  for (auto const* certificate : {&made->root, &made->issuing})
    EXPECT_EQ(
        certificate->name_constraints()->text(),
        "DNS cams.example; IP 10.20.0.0/15; mail .cams.example, pki@example; URI cams.example; directory O=Example "
        "Cameras; not DNS secret.cams.example; not IP 10.21.0.0/16; not mail no@a.cams.example; not URI "
        "no.cams.example; not directory OU=Offices,O=Example Cameras; no IPv6 addresses");
  EXPECT_THAT(ceremony_warnings(settings), ElementsAre(HasSubstr("Go or GnuTLS")));
  // A certificate without a subject is one that they permit.
  TestCa const test(settings);
  auto const draft = test.issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), kNow);
  ASSERT_TRUE(draft.ok()) << draft.error().detail();
  EXPECT_TRUE(draft->what().has_empty_subject());
  EXPECT_FALSE(test.issuer->prepare(profile("camera-https"), request(names({"a.secret.cams.example"})), kNow).ok());
}

TEST(CeremonyWarnings, WideOnes) {
  EXPECT_THAT(ceremony_warnings(ceremony_settings()), IsEmpty());
  CeremonySettings wide = ceremony_settings();
  wide.permit_dns = {"lan", "cams.example"};
  wide.permit_ip = {"10.0.0.0/8", "192.168.1.0/24", "172.0.0.0/8", "fc00::/7", "fd00:20::/32"};
  EXPECT_THAT(ceremony_warnings(wide), ElementsAre(HasSubstr("\"lan\""), HasSubstr("10.0.0.0/8"),
                                                   HasSubstr("172.0.0.0/8"), HasSubstr("fc00::/7")));
}

TEST(SplitPassphrases, Files) {
  auto const two = split_passphrases(SecretBytes("first line here\nsecond line here"));
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->issuing.text(), "first line here");
  EXPECT_EQ(two->root.text(), "second line here");
  auto const windows = split_passphrases(SecretBytes("first line here\r\nsecond line here\r\n"));
  ASSERT_TRUE(windows.ok());
  EXPECT_EQ(windows->issuing.text(), "first line here");
  EXPECT_EQ(windows->root.text(), "second line here");
  EXPECT_EQ(split_passphrases(SecretBytes("only one")).error().code(), Errc::usage);
  EXPECT_EQ(split_passphrases(SecretBytes("a\nb\nc")).error().code(), Errc::usage);
  EXPECT_EQ(first_line(SecretBytes("only one")).text(), "only one");
  EXPECT_EQ(first_line(SecretBytes("one\ntwo")).text(), "one");
}

}  // namespace
}  // namespace lenscap::ca::test
