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

TEST(AuditHeadDue, AfterAThousandEntriesOrTenMinutesWhenThereIsSomethingNew) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const last = sign_audit_head(key, {5000, {}}, kNow);
  struct Case {
    char const* name;
    bool first;  // was none signed before?
    std::uint64_t number;
    Seconds later;
    bool due;
  };
  Case const cases[] = {
      {"an empty trail", true, 0, Seconds(0), false},
      {"the first entry", true, 1, Seconds(0), true},
      {"nothing new", false, 5000, kDay, false},
      {"one new, ten minutes less a second", false, 5001, 10 * kMinute - Seconds(1), false},
      {"one new, ten minutes", false, 5001, 10 * kMinute, true},
      {"999 new at once", false, 5999, Seconds(0), false},
      {"1000 new at once", false, 6000, Seconds(0), true},
      {"the clock was set back", false, 5001, -kDay, true},
  };
  for (auto const& c : cases)
    EXPECT_EQ(is_audit_head_due(c.first ? std::nullopt : std::optional(last), c.number, kNow + c.later), c.due)
        << c.name;
}

TEST_F(SignedHead, TheStoreKeepsTheLatestThousand) {
  auto const store = store::open("memory:", "").value();
  store->write([&](store::WriteTxn& txn) {
    EXPECT_FALSE(last_audit_head(txn));
    for (std::uint64_t number = 1; number <= 1002; ++number)
      keep_audit_head(txn, sign_audit_head(key, {number, {}}, kNow));
    return true;
  });
  store->read([&](store::ReadTxn& txn) {
    EXPECT_EQ(last_audit_head(txn).value().head.number, 1002U);
    std::vector<std::uint64_t> numbers;
    visit_audit_heads(txn, 0, [&](SignedAuditHead const& each) { numbers.push_back(each.head.number); });
    ASSERT_EQ(numbers.size(), 1000U);
    EXPECT_EQ(numbers.front(), 3U);
  });
}

}  // namespace
}  // namespace lenscap::ca::test
