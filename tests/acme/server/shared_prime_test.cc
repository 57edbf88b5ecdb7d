// RSA keys that share a prime with another certificate's, as cameras make them whose generator had nothing to draw from
// at their first start: refused, and the operator hears of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/x509/csr.h"
#include "tests/acme/server/fixture.h"
#include "tests/base/x509/rsa_maker.h"

namespace lenscap::acme::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Finalize, AKeyThatSharesAPrimeWithAnothers) {
  auto const p = x509::test::make_prime(), q = x509::test::make_prime(), r = x509::test::make_prime();
  auto const first = x509::test::rsa_of(p, q), second = x509::test::rsa_of(p, r);
  TestServer server;
  auto one = granted_client(server);
  auto const order = one.new_order({"cam1.cams.example"}).header("Location");
  ASSERT_EQ(one.finalize_with(order, x509::make_csr(first, names_of({"cam1.cams.example"}))).text("status"), "valid");

  auto other = granted_client(server);
  auto const next = other.new_order({"cam2.cams.example"}).header("Location");
  auto const refused = other.finalize_with(next, x509::make_csr(second, names_of({"cam2.cams.example"})));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey") << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("shares a prime"));
  auto const hash = [](x509::PrivateKey const& key) { return to_hex(key.public_key().spki_hash()); };
  EXPECT_THAT(refused.body, Not(HasSubstr(hash(first))));
  EXPECT_THAT(server.log_lines(),
              Contains(HasSubstr(R"("key_sha256":")" + hash(second) + R"(","other_key_sha256":")" + hash(first))));
  EXPECT_EQ(other.read(next).text("status"), "ready");  // 8555-7.4-6

  // Another key gets it, and the first goes on: whether its certificate is revoked is the operator's to say.
  auto const good = x509::PrivateKey::generate(x509::KeyType::rsa);
  EXPECT_EQ(other.finalize_with(next, x509::make_csr(good, names_of({"cam2.cams.example"}))).text("status"), "valid");
  auto const again = one.new_order({"cam1.cams.example"}).header("Location");
  EXPECT_EQ(one.finalize_with(again, x509::make_csr(first, names_of({"cam1.cams.example"}))).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
