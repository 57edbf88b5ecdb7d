// An issuing key is stolen, and the section of docs/when-a-key-is-stolen.md about it is followed: the list of the root
// names the issuer, whoever looks at lists refuses its chain (OpenSSL, GnuTLS), the server says so wherever it is
// asked, and with another issuer all is good again. curl fetches the lists from where certificates say that they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/acme/server/rolling_over.h"
#include "tests/e2e/page.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What a client with a root and lists has, as files whose names begin so: the chain that the server shows, and the
// lists of its issuer and of the root.
std::string fetch_all(std::string const& name) {
  auto script = std::string(R"(
web=http://127.0.0.1:$(awk '$1 == "web" { print $3 }' ports)
curl --cacert root.pem --write-out '%{certs}' --output directory https://pki.cams.example/acme/directory >NAME.pem
openssl x509 -in NAME.pem -out NAME-leaf.pem
list() {
  /usr/bin/curl --silent --show-error --fail --dump-header NAME-head --output NAME-list "$web/crl/$1.crl"
  openssl crl -inform DER -in NAME-list -out NAME-list.pem
  cat NAME-list.pem >>NAME-lists.pem
}
rm -f NAME-lists.pem
list $(openssl x509 -in NAME-leaf.pem -noout -ext authorityKeyIdentifier | tail -1 | sed s/keyid:// | tr -d ' :\n' | tr A-F a-f)
list $(openssl x509 -in root.pem -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :\n' | tr A-F a-f)
)");
  e2e::replace_all(script, "NAME", name);
  return script;
}

class RevokeIssuer : public RollingOver {
 protected:
  static constexpr char const* kRoot = " --root-key usb/lenscap-root/root.key --passphrase-file root-words";

  static void SetUpTestSuite() {
    make_ca();
    if (made_.code != 0) return;
    auto script = e2e::script_of_sections("when-a-key-is-stolen.md", {"The issuing key"});
    e2e::replace_all(script, "/media/usb", machine_->path("usb"));
    e2e::replace_all(script, "--root-key", "--passphrase-file root-words --root-key");
    auto const second = script.find("lenscap-ca issuer roll-over");
    if (second == script.npos) throw std::runtime_error("the page has no roll-over");
    before_ = run(fetch_all("before"));
    made_ = run(script.substr(0, second));
    said_ = made_.all();
    revoked_ = run(fetch_all("revoked"));
    looked_at();
    if (made_.code != 0) return;
    made_ = run(script.substr(second));
    said_ += made_.all();
    after_ = run(fetch_all("after"));
  }
  // What is said while there is no other issuer.
  static void looked_at() {
    for (auto const* command : {"lenscap-ca issuer list --output json", "lenscap-ca explain cam1.cams.example",
                                "lenscap-ca doctor", "curl --insecure https://pki.cams.example/health"})
      looks_.push_back(run(command));
  }
  static e2e::Ran openssl(std::string const& chain, std::string const& lists) {
    return run("openssl verify -crl_check_all -CAfile root.pem -untrusted " + chain + ".pem -CRLfile " + lists +
               "-lists.pem " + chain + "-leaf.pem");
  }
  // GnuTLS wants the chain alone, in order.
  static e2e::Ran gnutls(std::string const& chain, std::string const& lists) {
    return run("sed -n '/BEGIN CERT/,/END CERT/p' " + chain + ".pem >chain-alone.pem\n" +
               "certtool --verify --load-ca-certificate root.pem --load-crl " + lists +
               "-lists.pem --infile chain-alone.pem");
  }

  static inline e2e::Ran before_, revoked_, after_;
  static inline std::vector<e2e::Ran> looks_;
  static inline std::string said_;
};

TEST_F(RevokeIssuer, ThePageWorks) {
  ASSERT_EQ(made_.code, 0) << said_;
  EXPECT_THAT(said_, AllOf(HasSubstr("Remain    none that signs"), HasSubstr("keyCompromise"), HasSubstr("default-2"),
                           Not(HasSubstr("own words"))));
  for (auto const* ran : {&before_, &revoked_, &after_}) EXPECT_EQ(ran->code, 0) << ran->all();
}

TEST_F(RevokeIssuer, TheIssuingCertificateNamesTheListOfTheRoot) {
  ASSERT_EQ(before_.code, 0) << before_.all();
  auto const names = run("openssl x509 -in state/keys/issuing.pem -noout -ext crlDistributionPoints");
  auto const id =
      run("openssl x509 -in root.pem -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :\n' | tr A-F a-f");
  EXPECT_THAT(names.out, HasSubstr("/crl/" + id.out + ".crl"));
  EXPECT_THAT(run("cat before-head").out,
              AllOf(HasSubstr("Content-Type: application/pkix-crl"), HasSubstr("ETag: \""), HasSubstr("max-age=3600")));
  EXPECT_EQ(run("openssl x509 -in state/issuers/default-2/issuing.pem -noout -ext crlDistributionPoints").out,
            names.out);
}

TEST_F(RevokeIssuer, WhoLooksAtListsRefusesTheChainFromThenOn) {
  ASSERT_EQ(made_.code, 0) << said_;
  for (auto const& judge : {openssl, gnutls}) {
    EXPECT_EQ(judge("before", "before").code, 0) << judge("before", "before").all();
    auto const then = judge("before", "revoked");
    EXPECT_NE(then.code, 0);
    EXPECT_THAT(then.all(), HasSubstr("revoked"));
    EXPECT_EQ(judge("after", "after").code, 0) << judge("after", "after").all();
  }
}

TEST_F(RevokeIssuer, TheServerSaysItAndGoesOnServing) {
  ASSERT_EQ(looks_.size(), 4U);
  EXPECT_EQ(looks_[0].code, 0);
  EXPECT_THAT(looks_[0].out, ::testing::ContainsRegex("\"state\": ?\"revoked\""));
  EXPECT_THAT(looks_[0].out, HasSubstr("revoked_at"));
  EXPECT_EQ(looks_[1].code, 5) << looks_[1].all();
  EXPECT_THAT(looks_[1].out, HasSubstr("it is revoked since"));
  EXPECT_EQ(looks_[2].code, 5);
  EXPECT_THAT(looks_[2].out, HasSubstr("revoked: default, and no other issuer signs"));
  EXPECT_THAT(looks_[3].out, HasSubstr("revoked: default; no other signs, so orders get 503"));
  ASSERT_EQ(made_.code, 0) << said_;
  EXPECT_THAT(run("curl --insecure https://pki.cams.example/health").out, HasSubstr("ok; revoked: default"));
  EXPECT_THAT(run("lenscap-ca explain cam1.cams.example").out, HasSubstr("by the issuer default-2"));
}

TEST_F(RevokeIssuer, TheAuditTrailHasWhoDidItAndWhen) {
  ASSERT_EQ(made_.code, 0) << said_;
  auto const trail = run("lenscap-ca audit export --format json").out;
  EXPECT_THAT(trail, AllOf(HasSubstr("the issuer default, "), HasSubstr("operator uid "), HasSubstr("revoked since")));
  EXPECT_EQ(run("lenscap-ca audit verify").code, 0);
  EXPECT_EQ(run("lenscap-ca store verify").code, 0);
}

TEST_F(RevokeIssuer, WhatIsRefusedChangesNothing) {
  ASSERT_EQ(made_.code, 0) << said_;
  auto const list = [] { return run("sha256sum state/keys/root.crl").out; };
  auto const was = list();
  machine_->write_private("wrong-words", "some other words\n");
  machine_->write_private("erased.key", std::string(300, '\0'));
  struct Case {
    std::string command, says;
    int code;
  };
  for (auto const& c : std::vector<Case>{
           {"issuer revoke default" + std::string(kRoot), "is revoked since", 1},
           {"issuer revoke nobody" + std::string(kRoot), "there is no issuer nobody", 2},
           {"issuer revoke default-2 --reason removeFromCRL" + std::string(kRoot), "cannot be revoked for", 5},
           {"issuer revoke default-2 --reason stolen" + std::string(kRoot), "is not a reason", 5},
           {"issuer revoke default-2 --passphrase-file root-words", "give the root's key with --root-key", 1},
           {"issuer revoke default-2 --root-key usb/lenscap-root/root.key --passphrase-file wrong-words",
            "does not open with this passphrase", 1},
           {"issuer revoke default-2 --root-key state/issuers/default-2/issuing.key --passphrase-file ca-words",
            "this is the key of no root", 5},
           {"issuer revoke default-2 --root-key erased.key --passphrase-file root-words",
            "was erased by a root seal that was stopped before it could remove the file: remove it", 1},
           {"root crl --lifetime 29d" + std::string(kRoot), "30 to 1825 days", 2},
           {"root crl --lifetime soon" + std::string(kRoot), "--lifetime", 2},
       }) {
    auto const refused = run("lenscap-ca " + c.command);
    EXPECT_EQ(refused.code, c.code) << c.command << ": " << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says)) << c.command;
  }
  EXPECT_EQ(list(), was);
}

// Also through a back-up: the copy has the list.
TEST_F(RevokeIssuer, TheNextListGoesOnFromTheLast) {
  ASSERT_EQ(made_.code, 0) << said_;
  auto const number = [] { return run("openssl crl -inform DER -in state/keys/root.crl -noout -crlnumber").out; };
  auto const was = number();
  auto const made = run(std::string("lenscap-ca root crl --lifetime 730d") + kRoot);
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_LT(was, number());
  EXPECT_THAT(run("openssl crl -inform DER -in state/keys/root.crl -noout -text").out, HasSubstr("Key Compromise"));
  EXPECT_EQ(run("systemctl reload lenscap-ca\n" + fetch_all("later") + "cmp later-list state/keys/root.crl").code, 0);
  expect_backed_up("keys");
}

}  // namespace
}  // namespace lenscap::acme::test
