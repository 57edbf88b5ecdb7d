// The page docs/become-an-intermediate.md: an administrator copies its blocks one after the other, and they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/machine.h"
#include "tests/e2e/page.h"
#include "tests/fakes/corporation.h"

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kPage = "become-an-intermediate.md";

class BecomeAnIntermediate : public ::testing::Test {
 protected:
  void SetUp() override {
    corporation_.shell("cp root.pem '" + machine_.path("corporate-root.pem") + "'");
    corporation_.shell("cp root.key '" + machine_.path("corporate-root.key") + "'");
  }

  fakes::Corporation corporation_;
  e2e::Machine machine_{"the issuing key's words\n"};
};

TEST_F(BecomeAnIntermediate, ByARequestThatTheCorporationSigns) {
  auto const script = e2e::script_of_sections(kPage, {"Have a request signed", "Ask what it would issue"});
  ASSERT_THAT(script, HasSubstr("issuer install"));
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));  // the directory, by TLS that the corporate root vouches for
  EXPECT_THAT(ran.out, HasSubstr("www.bank.example would not be issued"));
  EXPECT_THAT(ran.err, Not(HasSubstr("warning")));
}

// Both chains are good for whoever has the corporation's root, and the server that runs knows the next issuer.
TEST_F(BecomeAnIntermediate, AndChangeToAnotherKey) {
  auto script = e2e::script_of_sections(kPage, {"Have a request signed", "Change the key"});
  ASSERT_THAT(script, HasSubstr("issuer roll-over"));
  script +=
      "openssl verify -x509_strict -CAfile corporate-root.pem state/keys/issuing.pem "
      "state/issuers/default-2/issuing.pem\n";
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("default-2 waits for its certificate"));
  EXPECT_THAT(ran.out, HasSubstr("published"));
  EXPECT_THAT(ran.out, HasSubstr("state/issuers/default-2/issuing.pem: OK"));
  EXPECT_THAT(ran.err, Not(HasSubstr("warning")));
}

TEST_F(BecomeAnIntermediate, ByAKeyThatTheCorporationMade) {
  auto const script = e2e::script_of_sections(kPage, {"Work with a key that the corporation made"});
  ASSERT_THAT(script, HasSubstr("issuer import"));
  machine_.write_private("words", "words of another house\n");
  corporation_.issue_with_key();
  corporation_.shell("openssl pkcs12 -export -inkey issuing.key -in issuing.pem -passout file:" +
                     machine_.path("words") + " -out '" + machine_.path("issuing.pfx") + "'");
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.err, HasSubstr("no certificate of the chain has name constraints"));
}

TEST_F(BecomeAnIntermediate, ByAnOldPkcs12FileThatIsConverted) {
  auto const import = e2e::script_of_sections(kPage, {"Work with a key that the corporation made"});
  machine_.write_private("words", "words of another house\n");
  corporation_.issue_with_key();
  corporation_.shell("openssl pkcs12 -export -legacy -inkey issuing.key -in issuing.pem -passout file:" +
                     machine_.path("words") + " -out '" + machine_.path("old.pfx") + "'");
  machine_.run("cp old.pfx issuing.pfx");
  auto const refused = machine_.run(import);
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("convert it first (openssl pkcs12 -legacy"));
  auto const ran = machine_.run(e2e::script_of_sections(kPage, {"Convert an old PKCS#12 file"}));
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("CN=Cameras CA"));
  EXPECT_THAT(machine_.run("cat converted.pem").out, HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
}

TEST_F(BecomeAnIntermediate, ByAKeyThatSignsOnce) {
  auto const script = e2e::script_of_sections(kPage, {"Have a key sign that you hold yourself"});
  ASSERT_THAT(script, HasSubstr("root import"));
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.err, Not(HasSubstr("warning")));
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));
}

// What asks for room gets it of a parent that takes over what it is asked for, and an issuer of a site fits below.
TEST_F(BecomeAnIntermediate, WithRoomForFurtherIssuers) {
  auto script = e2e::script_of_sections(kPage, {"Have a request signed"});
  std::string const init = "--intermediate ";
  script.insert(script.find(init) + init.size(), "--path-length 1 ");
  script +=
      "lenscap-ca issuer create --site plant4 --permit-dns p4.cams.example\n"
      "systemctl reload lenscap-ca\n"
      "lenscap-ca explain cam1.p4.cams.example\n"
      "openssl x509 -in issuing.pem -noout -text\n"
      "openssl verify -x509_strict -CAfile corporate-root.pem -untrusted issuing.pem "
      "state/issuers/plant4/issuing.pem\n";
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("CA:TRUE, pathlen:1"));
  EXPECT_THAT(ran.out, HasSubstr("by the issuer plant4"));
}

// Imported without constraints, but with room: the warnings say so, and the page's last section makes use of it.
TEST_F(BecomeAnIntermediate, ByAConstrainedIssuerBelowACertificateThatNothingConstrains) {
  fakes::Corporation roomy(
      {.issuer_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"});
  roomy.issue_with_key();
  roomy.shell("cp root.pem '" + machine_.path("corporate-root.pem") + "'");
  machine_.write_private("words", "words of another house\n");
  roomy.shell("openssl pkcs12 -export -inkey issuing.key -in issuing.pem -passout file:" + machine_.path("words") +
              " -out '" + machine_.path("issuing.pfx") + "'");
  constexpr char const* kOffer = "lenscap-ca issuer create --site NAME";
  auto const imported = machine_.run(e2e::script_of_sections(kPage, {"Work with a key that the corporation made"}) +
                                     "systemctl enable --now lenscap-ca\ngrep issuer.unconstrained serve.log\n");
  ASSERT_EQ(imported.code, 0) << imported.all();
  EXPECT_THAT(imported.err, HasSubstr(kOffer));
  EXPECT_THAT(imported.out, HasSubstr(kOffer));
  EXPECT_THAT(machine_.run("lenscap-ca doctor").out, HasSubstr(kOffer));

  auto const made = machine_.run(e2e::script_of_sections(kPage, {"When nothing constrains it"}));
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, HasSubstr("Permits   DNS cams.example; IP 10.20.0.0/15"));
  EXPECT_THAT(made.out, HasSubstr("profile camera-https: by the issuer cams"));
  auto const served = machine_.run(
      "curl --cacert corporate-root.pem --write-out '%{certs}' --output directory "
      "https://pki.cams.example/acme/directory");
  EXPECT_EQ(served.code, 0) << served.all();
  EXPECT_THAT(served.out, HasSubstr("Example Cameras cams Issuing CA"));
  EXPECT_THAT(machine_.run("lenscap-ca doctor").out, HasSubstr("signs in its place"));
}

}  // namespace
}  // namespace lenscap
