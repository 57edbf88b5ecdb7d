// The page docs/roll-over.md, and the commands on it: an administrator copies its blocks one after the other, and the
// server that runs goes over to another issuer; what the commands refuse changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/json.h"
#include "tests/acme/server/rolling_over.h"
#include "tests/e2e/page.h"

namespace lenscap::acme::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RollOver : public RollingOver {
 protected:
  static void SetUpTestSuite() {
    make_ca();
    if (made_.code != 0) return;
    made_ = run(e2e::script_of("roll-over.md", {{"/media/usb", machine_->path("usb")},
                                                {"--root-key", "--passphrase-file root-words --root-key"},
                                                {"--after 14d", "--after 0s"}}));
  }

  static std::map<std::string, json::Object> issuers() {
    auto const listed = json::parse_object(run("lenscap-ca issuer list --output json").out).value();
    std::map<std::string, json::Object> found;
    for (auto const& each : *listed.find("issuers")->as_array())
      found[json::need_string(*each.as_object(), "name").value()] = *each.as_object();
    return found;
  }
  static std::string text(json::Object const& object, std::string_view name) {
    auto const member = json::need_string(object, name);
    return member.ok() ? *member : "";
  }
  // Every file below the state directory that commands make.
  static std::map<std::string, std::string> files() {
    std::map<std::string, std::string> found;
    for (auto const* folder : {"/keys", "/issuers"})
      for (auto const& file : fs::recursive_directory_iterator(machine_->state() + folder)) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path());
        found[file.path()] = {std::istreambuf_iterator<char>(in), {}};
      }
    return found;
  }
};

TEST_F(RollOver, ThePageLeadsToAServerThatTheNewIssuerSigns) {
  ASSERT_EQ(made_.code, 0) << made_.all();
  EXPECT_THAT(made_.all(), Not(HasSubstr("own words")));
  auto const all = issuers();
  EXPECT_EQ(text(all.at("default"), "state"), "retired");
  EXPECT_EQ(text(all.at("default-2"), "state"), "active");
  EXPECT_EQ(text(all.at("default-2"), "subject"), "CN=Example Cameras Issuing CA 2,O=Example Cameras");
  EXPECT_EQ(text(all.at("default-2"), "permits"), text(all.at("default"), "permits"));
  EXPECT_EQ(text(all.at("default"), "retired_from"), text(all.at("default-2"), "active_from"));
  EXPECT_EQ(text(all.at("plant4"), "state"), "active");
  EXPECT_THAT(made_.out, AllOf(HasSubstr("profile camera-https: by the issuer default-2"),
                               HasSubstr("profile camera-https: by the issuer plant4")));
  auto const curl =
      run("curl --cacert root.pem --write-out '%{certs}' --output directory https://pki.cams.example/acme/directory");
  EXPECT_EQ(curl.code, 0) << curl.all();
  EXPECT_THAT(curl.out, HasSubstr("Example Cameras Issuing CA 2"));
  EXPECT_EQ(run("grep -c BEGIN chain.pem").out, "3\n") << "the root and what was there when the page wrote it";
}

TEST_F(RollOver, TheListTellsWhatARegisterOfCaCertificatesHolds) {
  auto const plant = issuers().at("plant4");
  auto const certificate = "state/issuers/plant4/issuing.pem";
  auto const serial = run("openssl x509 -noout -serial -in " + std::string(certificate) + " | tr A-F a-f").out;
  EXPECT_EQ("serial=" + text(plant, "serial") + "\n", serial);
  auto const sha256 = run("openssl x509 -noout -fingerprint -sha256 -in " + std::string(certificate) +
                          " | cut -d = -f 2 | tr -d : | tr A-F a-f");
  EXPECT_EQ(text(plant, "sha256") + "\n", sha256.out);
  auto const ends = run("date -u -d \"$(openssl x509 -noout -enddate -in " + std::string(certificate) +
                        " | cut -d = -f 2)\" +%Y-%m-%dT%H:%M:%SZ");
  EXPECT_EQ(text(plant, "not_after") + "\n", ends.out);
}

// The key of the page names plant4, and so does --issuer.
TEST_F(RollOver, AScopeMayNameAnIssuer) {
  EXPECT_THAT(run("lenscap-ca eab list").out, AllOf(HasSubstr("Issuer"), HasSubstr("plant4")));
  auto const listed = json::parse_object(run("lenscap-ca eab list --output json").out).value();
  auto const& key = *listed.find("keys")->as_array()->front().as_object();
  EXPECT_EQ(text(*key.find("scope")->as_object(), "issuer"), "plant4");
  EXPECT_THAT(run("lenscap-ca audit list").all(), HasSubstr("plant4"));
  struct Case {
    std::string command, says;
    int code;
  };
  for (auto const& c : std::vector<Case>{
           {"explain a.p4.cams.example --issuer plant4", "by the issuer plant4", 0},
           {"explain a.p4.cams.example --issuer default", "by the issuer default-2", 0},
           {"explain a.cams.example --issuer plant4", "plant4 Issuing CA", 5},
           {"explain a.p4.cams.example --issuer plant5", "there is no issuer \"plant5\"", 2},
           {"eab create --grant-dns p4.cams.example --issuer plant5", "there is: default, default-2, plant4", 2},
           {"eab create --grant-dns p8.cams.example --issuer plant4", "the issuer plant4 cannot name p8.cams.example",
            5},
           {"eab create --grant-dns cams.example --issuer plant4", "MAC key", 0},
       }) {
    auto const ran = run("lenscap-ca " + c.command);
    EXPECT_EQ(ran.code, c.code) << c.command << ": " << ran.all();
    EXPECT_THAT(ran.all(), HasSubstr(c.says)) << c.command;
  }
}

TEST_F(RollOver, ExplainNamesTheIssuerAndWhatForbids) {
  auto const of_plant = json::parse_object(run("lenscap-ca explain a.p4.cams.example --output json").out).value();
  EXPECT_EQ(text(*of_plant.find("issuers")->as_object(), "camera-https"), "plant4");
  auto const of_nobody = run("lenscap-ca explain www.bank.example");
  EXPECT_EQ(of_nobody.code, 5);
  EXPECT_THAT(of_nobody.out, HasSubstr("the certificate of CN=Example Cameras Issuing CA 2"));
}

TEST_F(RollOver, WhatIsRefusedChangesNothing) {
  auto const before = files();
  std::string const root = " --root-key usb/lenscap-root/root.key --passphrase-file root-words";
  machine_->write_private("wrong-words", "some other words\n");
  struct Case {
    std::string command, says;
    int code;
  };
  for (auto const& c : std::vector<Case>{
           {"create --site plant5 --permit-ip 10.0.0.0/8" + root, "the root does not permit all of this", 2},
           {"create --site plant5 --permit-dns bank.example" + root, "the root does not permit all of this", 2},
           {"create --site plant4 --permit-dns p4.cams.example" + root, "there is an issuer plant4 already", 5},
           {"create --site default" + root, "is the issuer that init made", 2},
           {"create --site ../keys" + root, "is no name for an issuer", 2},
           {"create --site plant5 --profile nothing" + root, "there is no profile \"nothing\"", 2},
           {"create --site plant5 --profile camera-https --usage clientAuth" + root, "give --usage serverAuth, too", 2},
           {"create --site plant5 --passphrase-file root-words", "give the root's key with --root-key", 1},
           {"create --site plant5 --root-key usb/lenscap-root/root.key --passphrase-file wrong-words",
            "does not open with this passphrase", 1},
           {"roll-over --of nobody" + root, "there is no issuer nobody", 2},
           {"roll-over --after soon" + root, "--after", 2},
           {"roll-over --of plant4 --after 4000d" + root, "--after: the issuer plant4 ends at ", 2},
           // To the year 275767, which no RFC 3339 text has.
           {"roll-over --of plant4 --after 100000000d" + root, "give a shorter time", 2},
       }) {
    auto const refused = run("lenscap-ca issuer " + c.command);
    EXPECT_EQ(refused.code, c.code) << c.command << ": " << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says)) << c.command;
  }
  EXPECT_TRUE(files() == before);
}

TEST_F(RollOver, OneAtATimeAndTheNextOneGoesOnFromTheLast) {
  std::string const root = " --root-key usb/lenscap-root/root.key --passphrase-file root-words";
  auto const made = run("lenscap-ca issuer roll-over --of default --after 30d" + root);
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, AllOf(HasSubstr("default-3"), HasSubstr("in the place of default-2")));
  auto const all = issuers();
  EXPECT_EQ(text(all.at("default-3"), "state"), "published");
  EXPECT_EQ(text(all.at("default-2"), "state"), "active");
  auto const again = run("lenscap-ca issuer roll-over" + root);
  EXPECT_EQ(again.code, 5) << again.all();
  EXPECT_THAT(again.err, HasSubstr("a roll-over is on its way: default-3 signs from"));
  EXPECT_EQ(run("lenscap-ca store verify").code, 0);
}

// The copy holds every issuer.
TEST_F(RollOver, ABackUpHoldsTheFurtherIssuers) { expect_backed_up("issuers"); }

}  // namespace
}  // namespace lenscap::acme::test
