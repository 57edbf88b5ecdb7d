// Signed heads of the audit trail: what is written is read back, openssl takes the signature, and no member can be
// changed.
#include "ca/audit_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

struct SignedHead : ::testing::Test {
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  AuditHead head{4711, sha256(to_bytes("a trail"))};
  SignedAuditHead made = sign_audit_head(key, head, kNow);
};

TEST_F(SignedHead, IsReadBackAsItWasMade) {
  auto const read = read_audit_head(json::write(to_json(made)));
  ASSERT_TRUE(read.ok()) << read.error().detail();
  EXPECT_EQ(read->head, head);
  EXPECT_EQ(read->at, kNow);
  EXPECT_EQ(read->key, key.public_key());
}

TEST_F(SignedHead, OpensslTakesTheSignature) {
  auto const object = to_json(made);
  fakes::TempDir dir;
  auto const decoded = [&](char const* name, char const* file) {
    put_file(dir.path(file), std::string(as_text(from_base64(json::need_string(object, name).value()).value())));
  };
  put_file(dir.path("text"), json::need_string(object, "signed").value());
  decoded("signature", "signature");
  decoded("key", "key.der");
  auto const verdict = run("openssl pkey -pubin -inform DER -in " + dir.path("key.der") + " -out " +
                           dir.path("key.pem") + " && openssl dgst -sha256 -verify " + dir.path("key.pem") +
                           " -signature " + dir.path("signature") + " " + dir.path("text"));
  EXPECT_THAT(verdict.output, HasSubstr("Verified OK"));
}

TEST_F(SignedHead, NothingInItCanBeChanged) {
  auto const other = to_json(sign_audit_head(x509::PrivateKey::generate(x509::KeyType::ec_p256), head, kNow));
  struct Case {
    char const* member;
    json::Value value;
    Errc code;
  };
  Case const cases[] = {
      {"number", 4712, Errc::unauthorized},
      {"number", -1, Errc::malformed},
      {"number", "4711", Errc::malformed},
      {"hash", to_hex(sha256(to_bytes("another trail"))), Errc::unauthorized},
      {"hash", "00", Errc::malformed},
      {"at", to_unix(kNow) + 1, Errc::unauthorized},
      {"signature", *other.find("signature"), Errc::unauthorized},
      {"signature", "!", Errc::malformed},
      {"key", *other.find("key"), Errc::unauthorized},
      {"key", "AAAA", Errc::bad_public_key},
  };
  for (auto const& c : cases) {
    auto object = to_json(made);
    object.set(c.member, c.value);
    auto const read = read_audit_head(json::write(object));
    ASSERT_FALSE(read.ok()) << c.member << json::write(c.value);
    EXPECT_EQ(read.error().code(), c.code) << c.member << " " << read.error().detail();
  }
  EXPECT_EQ(read_audit_head("{}").error().code(), Errc::malformed);
  EXPECT_EQ(read_audit_head("").error().code(), Errc::malformed);
}

}  // namespace
}  // namespace lenscap::ca::test
