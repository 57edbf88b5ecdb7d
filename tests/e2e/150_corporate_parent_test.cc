// A CA below somebody else's root, as an agent and its cameras meet it: the join string names the corporate root, the
// agent learns it from there, and what the camera serves afterwards leads, through all that stands between, to that
// root, which is all that curl and openssl are given. So it is when one more issuer stands below the one that the
// parent signed.
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "tests/e2e/site.h"
#include "tests/fakes/corporation.h"

namespace lenscap::e2e {
namespace {

using Corporation = fakes::Corporation;

struct Case {
  char const* name;
  Corporation::Options options;
};
void PrintTo(Case const& c, std::ostream* out) { *out << c.name; }

class BelowACorporateRoot : public testing::TestWithParam<Case> {};

TEST_P(BelowACorporateRoot, ACameraIsTrustedByThatRootAlone) {
  Corporation corporation(GetParam().options);
  Site site({}, {}, &corporation);
  Agent agent(site, "plant");
  auto const joined = agent.join_with(site.join_word(Site::whole_scope()));
  ASSERT_EQ(joined.code, 0) << joined.all();
  auto const hash =
      site.programs().run({"openssl", "x509", "-in", corporation.root(), "-noout", "-fingerprint", "-sha256"});
  auto const root = from_hex(std::string_view(hash.out).substr(hash.out.find('=') + 1, 95));
  ASSERT_TRUE(root.ok()) << hash.all();
  EXPECT_THAT(joined.out, testing::HasSubstr(to_hex(*root)));

  auto const camera = site.camera("G7");
  ASSERT_EQ(agent.add({camera}).code, 0);
  auto const enrolled = agent.run({"enroll", "--all"});
  ASSERT_EQ(enrolled.code, 0) << enrolled.all();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");
  EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);

  // Not because it would be trusted by anything.
  Corporation stranger;
  auto const foreign = site.programs().run(
      {"curl", "-sS", "--noproxy", "*", "--cacert", stranger.root(), "https://" + at(camera) + "/"});
  EXPECT_EQ(foreign.code, 60) << foreign.all();

  auto const former = site.served(camera);
  auto const renewed = agent.run({"renew", camera.serial});
  ASSERT_EQ(renewed.code, 0) << renewed.all();
  EXPECT_NE(site.served(camera), former);
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");

  auto const made = site.ca({"issuer", "create", "--site", "plant4"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_EQ(site.stop_server(), 0) << site.server_log();
  site.start_server();
  auto const by_another = agent.run({"renew", camera.serial});
  ASSERT_EQ(by_another.code, 0) << by_another.all();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");
  EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);
  auto const sent = site.programs().run({"sh", "-c",
                                         "openssl s_client -connect " + at(camera) +
                                             " -showcerts </dev/null 2>&1 "
                                             "| tee '" +
                                             site.folder("sent.pem") + "'"});
  EXPECT_THAT(sent.out, testing::ContainsRegex("i:O = [^,]+, CN = [^,]+ plant4 Issuing CA"));
  auto const gnutls = site.programs().run(
      {"certtool", "--verify", "--load-ca-certificate", corporation.root(), "--infile", site.folder("sent.pem")});
  EXPECT_EQ(gnutls.code, 0) << gnutls.all();
  EXPECT_EQ(site.ca({"store", "verify"}).code, 0);
  EXPECT_EQ(site.stop_server(), 0) << site.server_log();
  EXPECT_THAT(site.leaks(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Parents, BelowACorporateRoot,
    testing::Values(
        Case{"openssl_ca_with_a_policy_ca",
             {.tool = Corporation::Tool::openssl_ca,
              .has_policy_ca = true,
              .policy_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
              .path_length = 1}},
        Case{"certtool_with_an_rsa_root",
             {.tool = Corporation::Tool::certtool, .root_key = "RSA -pkeyopt rsa_keygen_bits:3072", .path_length = 1}}),
    [](auto const& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace lenscap::e2e
