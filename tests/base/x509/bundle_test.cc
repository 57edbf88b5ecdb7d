// Every form in which openssl and certtool hand over a certificate and a key, read; and what is none, refused.
#include "base/x509/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/fakes/corporation.h"
#include "tests/fakes/refusals_in.h"

namespace lenscap::x509 {
namespace {

using ::testing::HasSubstr;

constexpr char const* kWords = "words of another house";

Result<SecretBytes> right() { return SecretBytes(std::string_view(kWords)); }
Result<SecretBytes> wrong() { return SecretBytes(std::string_view("other words")); }
Result<SecretBytes> unasked() { return Error(Errc::needs_confirmation, "asked for a passphrase"); }

// A root and an issuing certificate with its key, and every way to write them.
class Bundles : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<fakes::Corporation>();
    made_->issue_with_key();
    made_->write("words", std::string(kWords) + "\n");
  }
  static void TearDownTestSuite() { made_.reset(); }
  static fakes::Corporation& made() { return *made_; }
  static std::string content(std::string const& name) { return read_file(made().path(name), 2 * 1024 * 1024).value(); }

 private:
  static inline std::unique_ptr<fakes::Corporation> made_;
};

TEST_F(Bundles, EveryFormIsRead) {
  struct Case {
    char const* name;
    char const* command;  // writes the file "out"
    std::size_t certificates, keys;
    bool encrypted;
  };
  Case const cases[] = {
      {"certificate in PEM", "cp issuing.pem out", 1, 0, false},
      {"certificate in DER", "openssl x509 -in issuing.pem -outform DER -out out", 1, 0, false},
      {"with text around", "openssl x509 -in issuing.pem -text -out out", 1, 0, false},
      {"chain in PKCS#7 DER", "openssl crl2pkcs7 -nocrl -certfile issuing.pem -certfile root.pem -outform DER -out out",
       2, 0, false},
      {"chain in PKCS#7 PEM", "openssl crl2pkcs7 -nocrl -certfile issuing.pem -certfile root.pem -out out", 2, 0,
       false},
      {"PKCS#8", "cp issuing.key out", 0, 1, false},
      {"PKCS#8 encrypted", "openssl pkcs8 -topk8 -in issuing.key -passout file:words -out out", 0, 1, true},
      {"PKCS#8 by scrypt", "openssl pkcs8 -topk8 -scrypt -in issuing.key -passout file:words -out out", 0, 1, true},
      {"PKCS#8 by certtool",
       "certtool --to-p8 --load-privkey issuing.key --password \"$(cat words)\" --pkcs-cipher aes-256 --outfile out", 0,
       1, true},
      {"SEC1", "openssl ec -in issuing.key -out out", 0, 1, false},
      {"SEC1 encrypted", "openssl ec -in issuing.key -aes256 -passout file:words -out out", 0, 1, true},
      {"SEC1 with its parameters",
       "openssl ecparam -name prime256v1 -out out && openssl ec -in issuing.key >>out 2>/dev/null", 0, 1, false},
      {"PKCS#1", "openssl genrsa -traditional -out out 2048", 0, 1, false},
      {"PKCS#1 encrypted", "openssl genrsa -traditional -aes256 -passout file:words -out out 2048", 0, 1, true},
      {"all in one PEM", "cat root.pem issuing.key issuing.pem >out", 2, 1, false},
      {"PKCS#12",
       "openssl pkcs12 -export -inkey issuing.key -in issuing.pem -certfile root.pem -passout file:words -out out", 2,
       1, true},
      {"PKCS#12 of old times, triple DES",
       "openssl pkcs12 -export -inkey issuing.key -in issuing.pem -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES "
       "-macalg SHA1 -passout file:words -out out",
       1, 1, true},
      {"PKCS#12 without passphrase",
       "openssl pkcs12 -export -inkey issuing.key -in issuing.pem -keypbe NONE -certpbe NONE -passout pass: -out out",
       1, 1, false},
      {"PKCS#12 by certtool",
       "certtool --to-p12 --load-privkey issuing.key --load-certificate issuing.pem --load-ca-certificate root.pem "
       "--p12-name x --outder --password \"$(cat words)\" --pkcs-cipher aes-256 --outfile out",
       2, 1, true},
      {"PKCS#12 turned into PEM",
       "openssl pkcs12 -export -inkey issuing.key -in issuing.pem -passout file:words -out p12 && "
       "cp words again && openssl pkcs12 -in p12 -passin file:words -passout file:again -out out",
       1, 1, true},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    made().shell(c.command);
    auto const text = content("out");
    auto const read = read_bundle(text, c.encrypted ? right : unasked);
    ASSERT_TRUE(read.ok()) << read.error().detail();
    EXPECT_EQ(read->certificates.size(), c.certificates);
    ASSERT_EQ(read->keys.size(), c.keys);
    if (c.certificates > 0 && c.keys > 0) {
      auto const is_its = [&](Certificate const& each) { return each.key() == read->keys[0].public_key(); };
      EXPECT_TRUE(std::ranges::any_of(read->certificates, is_its));
    }
    if (!c.encrypted) continue;
    EXPECT_EQ(read_bundle(text, unasked).error().code(), Errc::needs_confirmation);
    auto const shut = read_bundle(text, wrong);
    ASSERT_FALSE(shut.ok());
    EXPECT_EQ(shut.error().code(), Errc::wrong_passphrase) << shut.error().detail();
  }
}

// Together the cases meet every refusal of the source.
TEST_F(Bundles, WhatIsNoneIsRefusedWithWhatItIs) {
  std::string said;
  struct Case {
    char const* command;
    char const* says;
  };
  Case const cases[] = {
      {"cp issuing.csr out", "CERTIFICATE REQUEST"},
      {"head -c 200 issuing.pem >out", "ends inside"},
      {"{ echo '-----BEGIN CERTIFICATE-----'; echo '!'; echo '-----END CERTIFICATE-----'; } >out", "not base64"},
      {"{ echo '-----BEGIN CERTIFICATE-----'; openssl x509 -in issuing.pem -outform DER | head -c 200 | base64; "
       "echo '-----END CERTIFICATE-----'; cat root.pem; } >out",
       "holds a certificate that cannot be read"},
      {"echo 'not a certificate' >out", "neither PEM"},
      {": >out", "neither PEM"},
      {"openssl x509 -in issuing.pem -outform DER | head -c 300 >out", "neither PEM"},
      // What Windows wrote until 2022.
      {"openssl pkcs12 -export -legacy -inkey issuing.key -in issuing.pem -passout file:words -out out", "-legacy"},
      {"openssl genpkey -quiet -algorithm X25519 -out out", "cannot be used"},
      // What has no certificates in it.
      {"openssl crl2pkcs7 -nocrl -out out", "PKCS#7 without certificates"},
      {"openssl crl2pkcs7 -nocrl -outform DER -out out", "PKCS#7 without certificates"},
      {"openssl smime -sign -nocerts -signer issuing.pem -inkey issuing.key -in root.pem -outform PEM -out out",
       "PKCS#7 without certificates"},
      {"openssl crl2pkcs7 -nocrl -certfile issuing.pem | sed '4,6d' >out", "PKCS7 that cannot be read"},
      {"printf -- '-----BEGIN CERT' >out", "damaged BEGIN line"},
      {"sed 's/CERTIFICATE-----/CERTIFICATE/' issuing.pem >out", "damaged BEGIN line"},
      {"sed 's/KEY-----/KEY/' issuing.key >out", "damaged BEGIN line"},
      {"sed 's/KEY-----/KEY/' issuing.key | tr -d '\\n' >out", "damaged BEGIN line"},
      {"openssl genpkey -quiet -algorithm X25519 -out odd.key && openssl pkey -in odd.key -pubout -out odd.pub && "
       "openssl x509 -req -in issuing.csr -force_pubkey odd.pub -CA root.pem -CAkey root.key -out odd.pem && "
       "openssl crl2pkcs7 -nocrl -certfile odd.pem -out out",
       "holds a certificate that cannot be used"},
      // A whole trust store, given by mistake.
      {"for i in $(seq 2000); do cat root.pem; done >out", "larger than 1 MiB"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.command);
    made().shell(c.command);
    auto const refused = read_bundle(content("out"), right);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::file);
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
    // It goes to screens and logs: nothing of a key may be in it.
    EXPECT_LT(refused.error().detail().size(), 250U);
    said += refused.error().detail() + "\n";
  }
  auto const refusals = fakes::refusals_in("base/x509/bundle.cc", {"unreadable("});
  EXPECT_GT(refusals.size(), 10U);
  for (auto const& each : refusals) EXPECT_THAT(said, HasSubstr(each));
}

}  // namespace
}  // namespace lenscap::x509
