// Nothing secret is sent to a camera that nobody approved, or that is not the one that was approved: not on the first
// contact (no fingerprint, a wrong one, plain HTTP that nobody agreed to), and not later (another key, another camera
// at the same address, a camera that was reset). Each refusal says what to do, and has its exit code.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class FirstContact : public SiteTest {
 protected:
  static void expect_nothing_sent(Camera const& camera) {
    EXPECT_EQ(site().logins_sent_to(camera), 0);
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
  }
  // Another camera moves in at the address of this one.
  static Camera replace(Camera const& camera, std::string const& generation, std::string const& serial = {}) {
    site().camsim().remove(camera.serial);
    json::Object more;
    if (!serial.empty()) more.set("serial", serial);
    return site().camera(generation, camera.address, more);
  }
};

TEST_F(FirstContact, CertificateThatNobodyApproved) {
  Agent agent(site(), "unapproved");
  agent.join();
  Camera const camera = site().camera("G7");
  Ran const refused = agent.add_bare(camera);
  EXPECT_EQ(refused.code, 8) << refused.all();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("SHA-256"), HasSubstr("camera's own page"),
                                 HasSubstr("--accept-fingerprint " + camera.certificate_sha256)));
  expect_nothing_sent(camera);
  EXPECT_THAT(objects(agent.run_json({"status"}), "devices"), IsEmpty());
  // What it told to do works, colons or not.
  std::string colons;
  for (std::size_t i = 0; i < camera.certificate_sha256.size(); i += 2)
    colons += (i == 0 ? "" : ":") + camera.certificate_sha256.substr(i, 2);
  EXPECT_EQ(agent.add_bare(camera, {"--accept-fingerprint", colons}).code, 0);
}

TEST_F(FirstContact, WrongFingerprint) {
  Agent agent(site(), "wrong");
  agent.join();
  Camera const camera = site().camera("G3");
  Ran const refused = agent.add_bare(camera, {"--accept-fingerprint", std::string(64, 'a')});
  EXPECT_EQ(refused.code, 8) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("none of those accepted with --accept-fingerprint; nothing was sent to it"));
  expect_nothing_sent(camera);
  Ran const nonsense = agent.add_bare(camera, {"--accept-fingerprint", "certainly"});
  EXPECT_NE(nonsense.code, 0);
  expect_nothing_sent(camera);
  // Plain HTTP that somebody agreed to is no way around it.
  EXPECT_EQ(agent.add_bare(camera, {"--accept-fingerprint", std::string(64, 'a'), "--accept-plain-http"}).code, 8);
  expect_nothing_sent(camera);
}

TEST_F(FirstContact, PlainHttpThatNobodyAgreedTo) {
  Agent agent(site(), "plain");
  agent.join();
  Camera const camera = site().camera("G1");
  Ran const refused = agent.add_bare(camera);
  EXPECT_EQ(refused.code, 8) << refused.all();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("plain HTTP only"), HasSubstr("--accept-plain-http")));
  expect_nothing_sent(camera);
  EXPECT_EQ(agent.add_bare(camera, {"--accept-plain-http"}).code, 0);
  EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{}) << "Digest only";
}

TEST_F(FirstContact, CameraWithoutAName) {
  Agent agent(site(), "nameless");
  std::string const settings = site().folder("nameless.toml");
  std::ofstream(settings) << "[devices]\nnames = [\"{ip}\"]\n";
  Camera const camera = site().camera("G7");
  Ran const added = agent.add({camera}, {"--config", settings});
  EXPECT_EQ(added.code, 0) << added.all();
  EXPECT_THAT(added.err, AllOf(HasSubstr("will carry the address " + camera.address + " alone"), HasSubstr("--name")));
  Ran const named = agent.add({camera}, {"--config", settings, "--name", "gate.cams.example"});
  EXPECT_EQ(named.code, 0) << named.all();
  EXPECT_EQ(named.err, "");
}

TEST_F(FirstContact, NobodyThere) {
  Agent agent(site(), "nobody");
  agent.join();
  Camera const camera = site().camera("G7");
  site().camsim().action(camera.serial, "poweroff");
  Ran const refused = agent.add({camera});
  EXPECT_EQ(refused.code, 7) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("nothing answers at " + camera.address));
}

TEST_F(FirstContact, AnotherKeyThanTheApprovedOne) {
  Agent agent(site(), "key");
  agent.join();
  Camera const camera = site().camera("G3");
  ASSERT_EQ(agent.add({camera}).code, 0);
  Camera const other = replace(camera, "G3", camera.serial);  // says that it is the same
  ASSERT_NE(other.certificate_sha256, camera.certificate_sha256);
  Ran const refused = agent.run({"enroll", "--all"});
  EXPECT_EQ(refused.code, 1) << refused.all();
  EXPECT_THAT(refused.out, HasSubstr("(E2021)"));
  expect_nothing_sent(other);
  json::Object const status = agent.status_of(camera);
  EXPECT_EQ(text(status, "status"), "Key changed");
  EXPECT_THAT(text(status, "next"), HasSubstr("find out why, then approve it: lenscap-agent add"));
  EXPECT_EQ(agent.run({"status"}).code, 6);
  // By itself it is not tried again.
  EXPECT_EQ(agent.run({"renew", "--due"}).out, "Nothing to do.\n");
  // Approved anew, it goes on.
  ASSERT_EQ(agent.add({other}).code, 0);
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 0);
  EXPECT_EQ(site().judge(other, host_name(other), false), "");
}

TEST_F(FirstContact, AnotherCameraAtTheAddressOverPlainHttp) {
  Agent agent(site(), "moved");
  agent.join();
  Camera const camera = site().camera("G1");
  ASSERT_EQ(agent.add({camera}).code, 0);
  Camera const other = replace(camera, "G1", "ACCC8E777777");
  auto const ids = site().ids_on(other);
  Ran const refused = agent.run({"enroll", "--all"});
  EXPECT_EQ(refused.code, 1) << refused.all();
  EXPECT_THAT(refused.out, AllOf(HasSubstr("serial number ACCC8E777777 instead of " + camera.serial),
                                 HasSubstr("nothing was changed on it"), HasSubstr("(E2022)")));
  expect_nothing_sent(other);
  EXPECT_EQ(site().ids_on(other), ids);
  EXPECT_EQ(text(agent.status_of(camera), "status"), "Wrong device");
}

// After its certificate is installed, a camera is known by that key alone: one that was reset is a stranger.
TEST_F(FirstContact, CameraThatWasResetAfterwards) {
  Agent agent(site(), "reset");
  agent.join();
  for (char const* generation : {"G1", "G7"}) {
    SCOPED_TRACE(generation);
    Camera const camera = site().camera(generation);
    ASSERT_EQ(agent.add({camera}).code, 0);
    ASSERT_EQ(agent.run({"enroll", camera.serial}).code, 0);
    EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);
    site().camsim().clear_journal(camera.serial);
    unsigned const starts = site().camsim().starts(camera.serial);
    site().camsim().action(camera.serial, "hardfactorydefault");
    site().camsim().wait_for_start(camera.serial, starts);
    Ran const renewed = agent.run({"renew", camera.serial});
    EXPECT_EQ(renewed.code, 1) << renewed.all();
    expect_nothing_sent(camera);
    Ran const verified = agent.run({"verify", camera.serial});
    EXPECT_EQ(verified.code, 1) << verified.all();
    EXPECT_THAT(verified.out, HasSubstr("NOT OK"));
    expect_nothing_sent(camera);
  }
}

// Approved anew it is a camera without a certificate, and gets one; under another name it gets another.
TEST_F(FirstContact, CameraThatWasResetOrRenamedGetsANewCertificate) {
  Agent agent(site(), "anew");
  agent.join();
  Camera const camera = site().camera("G7");
  ASSERT_EQ(agent.add({camera}).code, 0);
  ASSERT_EQ(agent.run({"enroll", "--all"}).code, 0);
  Camera const reset = replace(camera, "G7", camera.serial);
  ASSERT_EQ(agent.add({reset}).code, 0);
  EXPECT_EQ(text(agent.status_of(camera), "status"), "Not enrolled") << "it serves the factory's";
  EXPECT_EQ(agent.run({"status"}).code, 6);
  ASSERT_EQ(agent.run({"enroll", "--all"}).code, 0);
  EXPECT_EQ(site().judge(reset, host_name(reset), true), "");

  ASSERT_EQ(agent.add({reset}, {"--name", "tor.cams.example"}).code, 0);
  EXPECT_THAT(text(agent.status_of(camera), "next"), HasSubstr("names were changed"));
  Ran const renewed = agent.run({"renew", "--due"});
  EXPECT_EQ(renewed.code, 0) << renewed.all();
  EXPECT_EQ(site().judge(reset, "tor.cams.example", true), "");
  EXPECT_EQ(agent.run({"renew", "--due"}).out, "Nothing to do.\n");
}

TEST_F(FirstContact, WrongPasswordIsSentOnce) {
  Agent agent(site(), "password");
  agent.join();
  Camera const camera = site().camera("G7");
  ASSERT_EQ(agent.add({camera}).code, 0);
  site().camsim().users(camera.serial, {{"root", json::Object{{"password", "changed-meanwhile"}}}});
  site().camsim().clear_journal(camera.serial);
  Ran const refused = agent.run({"enroll", "--all"});
  EXPECT_EQ(refused.code, 1) << refused.all();
  EXPECT_THAT(refused.out, HasSubstr("(E2011)"));
  EXPECT_EQ(site().logins_sent_to(camera), 1) << "cameras lock accounts";
  EXPECT_EQ(text(agent.status_of(camera), "status"), "Login failed");
  EXPECT_EQ(agent.run({"renew", "--due"}).out, "Nothing to do.\n");
  EXPECT_EQ(site().logins_sent_to(camera), 1);
}

}  // namespace
}  // namespace lenscap::e2e
