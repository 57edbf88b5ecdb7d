#include "ca/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

class Chains : public ::testing::Test {
 protected:
  TestCa const test;
  x509::Certificate const leaf = [this] {
    auto draft = test.issuer->prepare(profile("camera-https"), request(names({"cam1.cams.example"})), kNow);
    return test.issuer->sign(*std::move(draft)).value();
  }();
  IssuerChain const chain{test.ca.issuing, {test.ca.root}};
  fakes::TempDir dir;

  std::string file_of(ByteView octets) {
    put_file(dir.path("chain.p7"), std::string(as_text(octets)));
    return dir.path("chain.p7");
  }
};

TEST_F(Chains, PemIsTheBlocksInTheirOrder) {  // 8555-9.1-1, 8555-11.4-1
  EXPECT_EQ(chain.pem(leaf, ChainEnd::below_root), leaf.pem() + test.ca.issuing.pem());
  EXPECT_EQ(chain.pem(leaf, ChainEnd::root), leaf.pem() + test.ca.issuing.pem() + test.ca.root.pem());
}

TEST_F(Chains, ARootThatIssuesByItselfIsNotBelowItself) {
  IssuerChain const alone{test.ca.root, {}};
  EXPECT_EQ(alone.pem(leaf, ChainEnd::below_root), leaf.pem());
  EXPECT_EQ(alone.pem(leaf, ChainEnd::root), leaf.pem() + test.ca.root.pem());
}

TEST_F(Chains, Pkcs7HoldsThemForOtherPeoplesPrograms) {  // 8555-7.4.2-1
  for (auto const end : {ChainEnd::below_root, ChainEnd::root}) {
    SCOPED_TRACE(end == ChainEnd::root ? "with root" : "below root");
    auto const file = file_of(chain.pkcs7(leaf, end));

    auto const openssl = run("openssl pkcs7 -inform DER -print_certs -in " + file);
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    // What it prints are the certificates, octet by octet, between lines about their names.
    EXPECT_THAT(openssl.output, HasSubstr(leaf.pem()));
    EXPECT_THAT(openssl.output, HasSubstr(test.ca.issuing.pem()));
    EXPECT_LT(openssl.output.find(leaf.pem()), openssl.output.find(test.ca.issuing.pem()));
    EXPECT_EQ(openssl.output.find(test.ca.root.pem()) != std::string::npos, end == ChainEnd::root);

    auto const certtool = run("certtool --p7-info --inder --infile " + file);
    EXPECT_EQ(certtool.status, 0) << certtool.output;
    EXPECT_THAT(certtool.output, HasSubstr(std::string("Signers:\nNumber of certificates: ") +  // nobody signs
                                           (end == ChainEnd::root ? "3" : "2")));

    // OpenSSL would write the same octets.
    auto const again = run("openssl pkcs7 -inform DER -outform DER -in " + file + " | cmp - " + file);
    EXPECT_EQ(again.status, 0) << again.output;
  }
}

}  // namespace
}  // namespace lenscap::ca::test
