// Revocation lists: octet by octet where RFC 5280 5 prescribes them, and as OpenSSL and GnuTLS read and verify them.
#include "ca/crl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ca/der.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// certtool judges by the system's clock.
Time const kToday = SystemClock().now();
constexpr char const* kPartUrl = "http://pki.cams.example/crl/abc-3.crl";

CrlHeading heading(std::uint64_t number = 1, std::string const& part_url = {}) {
  return {.number = number, .this_update = kToday - kHour, .next_update = kToday + 7 * kDay, .part_url = part_url};
}

RevokedCertificate revoked(std::string const& serial_hex, std::optional<x509::RevocationReason> reason = {},
                           Time at = kToday - kDay) {
  return {.serial_hex = serial_hex, .not_after = kToday + kDay, .revoked_at = at, .reason = reason};
}

CrlDraft draft(TestCa const& test, std::vector<RevokedCertificate> const& entries, CrlHeading const& head = heading()) {
  CrlBuilder builder(test.ca.issuing, head, entries.size());
  for (auto const& each : entries) builder.add(each);
  EXPECT_EQ(builder.entries(), entries.size());
  return std::move(builder).finish();
}

Bytes signed_list(TestCa const& test, std::vector<RevokedCertificate> const& entries,
                  CrlHeading const& head = heading()) {
  return test.issuer->sign_crl(draft(test, entries, head)).value();
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

struct Readings {
  Outcome openssl, openssl_verdict;
  Outcome gnutls, gnutls_verdict;
};

Readings judge(GeneratedCa const& ca, Bytes const& list) {
  fakes::TempDir dir;
  put_file(dir.path("list.crl"), std::string(as_text(list)));
  put_file(dir.path("issuing.pem"), ca.issuing.pem());
  put_file(dir.path("issuing.der"), std::string(as_text(ca.issuing.der())));
  std::string const of_der = " --inder --infile " + dir.path("list.crl");
  return {
      run("openssl crl -inform DER -noout -text -in " + dir.path("list.crl")),
      run("openssl crl -inform DER -noout -verify -CAfile " + dir.path("issuing.pem") + " -in " + dir.path("list.crl")),
      run("certtool --crl-info" + of_der),
      run("certtool --verify-crl --load-ca-certificate " + dir.path("issuing.der") + of_der),
  };
}

void expect_good(Readings const& readings) {
  EXPECT_EQ(readings.openssl.status, 0) << readings.openssl.output;
  EXPECT_THAT(readings.openssl_verdict.output, HasSubstr("verify OK"));
  EXPECT_EQ(readings.gnutls.status, 0) << readings.gnutls.output;
  EXPECT_EQ(readings.gnutls_verdict.status, 0) << readings.gnutls_verdict.output;
  EXPECT_THAT(readings.gnutls_verdict.output, HasSubstr("Verified"));
}

// One entry of revokedCertificates (5.1.2.6): the reason is an extension that is not critical (5.3.1).
TEST(CrlBuilder, Entry) {
  using enum x509::RevocationReason;
  TestCa const test(ceremony_settings(), kToday);
  Time const noon = parse_rfc3339("2026-06-01T12:00:00Z").value();
  struct Case {
    char const* name;
    RevokedCertificate revoked;
    char const* hex;
  };
  Case const cases[] = {
      {"no reason: no extension", revoked("0102", {}, noon), "3013 02020102 170d3236303630313132303030305a"},
      {"unspecified is none", revoked("0102", unspecified, noon), "3013 02020102 170d3236303630313132303030305a"},
      {"removeFromCRL is for delta lists", revoked("0102", remove_from_crl, noon),
       "3013 02020102 170d3236303630313132303030305a"},
      {"keyCompromise", revoked("0102", key_compromise, noon),
       "3021 02020102 170d3236303630313132303030305a 300c300a0603551d1504030a0101"},
      {"aACompromise", revoked("0102", aa_compromise, noon),
       "3021 02020102 170d3236303630313132303030305a 300c300a0603551d1504030a010a"},
      {"a serial with its highest bit set stays positive", revoked("ff", {}, noon),
       "3013 020200ff 170d3236303630313132303030305a"},
      {"one below does not grow", revoked("7f", {}, noon), "3012 02017f 170d3236303630313132303030305a"},
      {"twenty octets", revoked("7f00000000000000000000000000000000000001", {}, noon),
       "3025 02147f00000000000000000000000000000000000001 170d3236303630313132303030305a"},
      {"the last UTCTime", revoked("01", {}, parse_rfc3339("2049-12-31T23:59:59Z").value()),
       "3012 020101 170d3439313233313233353935395a"},
      {"the first GeneralizedTime", revoked("01", {}, parse_rfc3339("2050-01-01T00:00:00Z").value()),
       "3014 020101 180f32303530303130313030303030305a"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    std::string one(c.hex);
    std::erase(one, ' ');
    std::string const length = to_hex(Bytes{static_cast<std::uint8_t>(one.size() / 2)});
    // The list of entries holds this one, and the extensions follow.
    EXPECT_THAT(to_hex(draft(test, {c.revoked}).tbs()), HasSubstr("30" + length + one + "a0"));
  }
}

// The list's quick way of writing times says what the certificates' way says.
TEST(CrlBuilder, TimesAsInCertificates) {
  TestCa const test(ceremony_settings(), kToday);
  for (char const* text : {"1999-12-31T23:59:59Z", "2000-02-29T00:00:01Z", "2026-10-09T08:07:06Z",
                           "2096-02-29T12:34:56Z", "2100-03-01T00:00:00Z"}) {
    Time const at = parse_rfc3339(text).value();
    EXPECT_THAT(to_hex(draft(test, {revoked("01", {}, at)}).tbs()), HasSubstr("020101" + to_hex(der::time(at))))
        << text;
  }
}

// 5.2.3: a number is an INTEGER, and no negative one.
TEST(CrlBuilder, Number) {
  TestCa const test(ceremony_settings(), kToday);
  struct Case {
    std::uint64_t number;
    char const* hex;
  };
  for (auto const& [number, hex] :
       {Case{0, "020100"}, Case{127, "02017f"}, Case{128, "02020080"}, Case{0x8000000000000000, "02090080"}})
    EXPECT_THAT(to_hex(draft(test, {}, heading(number)).tbs()),
                HasSubstr("0603551d1404" + to_hex(Bytes{static_cast<std::uint8_t>(2 + hex[3] - '0')}) + hex))
        << number;
}

// Fewer or more entries than were announced: the same list.
TEST(CrlBuilder, ExpectedEntriesAreOnlyAGuess) {
  TestCa const test(ceremony_settings(), kToday);
  Bytes lists[2];
  for (std::size_t const expected : {0u, 5'000u}) {
    CrlBuilder builder(test.ca.issuing, heading(), expected);
    for (int i = 0; i < 1'000; ++i)
      builder.add(revoked("01" + to_hex(sha256(as_bytes(std::to_string(i)))).substr(0, 36)));
    lists[expected == 0 ? 0 : 1] = to_bytes(std::move(builder).finish().tbs());
  }
  EXPECT_EQ(lists[0], lists[1]);
}

TEST(Crl, JudgesReadOneWithoutEntries) {
  TestCa const test(ceremony_settings(), kToday);
  Bytes const list = signed_list(test, {}, heading(4711));
  EXPECT_TRUE(x509::der::check_strict(list, Errc::malformed, "the list").ok());
  auto const readings = judge(test.ca, list);
  expect_good(readings);
  EXPECT_THAT(readings.openssl.output, HasSubstr("No Revoked Certificates"));
  EXPECT_THAT(readings.openssl.output, HasSubstr("Version 2"));
  EXPECT_THAT(readings.openssl.output, HasSubstr("X509v3 CRL Number: \n                4711"));
  EXPECT_THAT(readings.openssl.output, Not(HasSubstr("Issuing Distribution Point")));
  EXPECT_THAT(readings.gnutls.output, HasSubstr("No revoked certificates"));
}

TEST(Crl, JudgesReadEachReason) {
  using enum x509::RevocationReason;
  TestCa const test(ceremony_settings(), kToday);
  auto const readings =
      judge(test.ca, signed_list(test, {revoked("01"), revoked("02", key_compromise), revoked("03", ca_compromise),
                                        revoked("04", affiliation_changed), revoked("05", superseded),
                                        revoked("06", cessation_of_operation), revoked("07", certificate_hold),
                                        revoked("08", privilege_withdrawn), revoked("09", aa_compromise)}));
  expect_good(readings);
  EXPECT_EQ(count(readings.openssl.output, "Serial Number:"), 9u);
  EXPECT_EQ(count(readings.openssl.output, "Reason Code"), 8u);
  for (char const* reason : {"Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded",
                             "Cessation Of Operation", "Certificate Hold", "Privilege Withdrawn", "AA Compromise"})
    EXPECT_EQ(count(readings.openssl.output, reason), 1u) << reason;
  EXPECT_THAT(readings.gnutls.output, HasSubstr("Revoked certificates (9):"));
}

TEST(Crl, JudgesReadDatesAcross2050) {
  TestCa const test(ceremony_settings(), kToday);
  auto const readings =
      judge(test.ca, signed_list(test, {revoked("01", {}, parse_rfc3339("2049-12-31T23:59:59Z").value()),
                                        revoked("02", {}, parse_rfc3339("2050-01-01T00:00:00Z").value())}));
  expect_good(readings);
  EXPECT_THAT(readings.openssl.output, HasSubstr("Revocation Date: Dec 31 23:59:59 2049 GMT"));
  EXPECT_THAT(readings.openssl.output, HasSubstr("Revocation Date: Jan  1 00:00:00 2050 GMT"));
  EXPECT_THAT(readings.gnutls.output, HasSubstr("Fri Dec 31 23:59:59 UTC 2049"));
  EXPECT_THAT(readings.gnutls.output, HasSubstr("Sat Jan 01 00:00:00 UTC 2050"));
}

// Lengths of one to four octets.
TEST(Crl, JudgesReadManyEntries) {
  TestCa const test(ceremony_settings(), kToday);
  for (std::size_t const entries : {1u, 3u, 6u, 1'000u, 2'000u}) {
    SCOPED_TRACE(entries);
    std::vector<RevokedCertificate> all;
    for (std::size_t i = 0; i < entries; ++i)
      all.push_back(revoked(to_hex(new_serial(kToday)), x509::RevocationReason::superseded));
    Bytes const list = signed_list(test, all);
    EXPECT_TRUE(x509::der::check_strict(list, Errc::malformed, "the list").ok());
    auto const readings = judge(test.ca, list);
    expect_good(readings);
    EXPECT_EQ(count(readings.openssl.output, "Serial Number:"), entries);
    EXPECT_THAT(readings.gnutls.output, HasSubstr("Revoked certificates (" + std::to_string(entries) + "):"));
  }
}

// More than certtool, which is slow with long lists, reads in the time of a test.
TEST(Crl, OpenSslReadsVeryManyEntries) {
  constexpr std::size_t kEntries = 50'000;
  TestCa const test(ceremony_settings(), kToday);
  CrlBuilder builder(test.ca.issuing, heading(), kEntries);
  for (std::size_t i = 0; i < kEntries; ++i) builder.add(revoked(to_hex(new_serial(kToday))));
  fakes::TempDir dir;
  put_file(dir.path("issuing.pem"), test.ca.issuing.pem());
  put_file(dir.path("list.crl"), std::string(as_text(test.issuer->sign_crl(std::move(builder).finish()).value())));
  std::string const read = "openssl crl -inform DER -noout -in " + dir.path("list.crl");
  EXPECT_THAT(run(read + " -verify -CAfile " + dir.path("issuing.pem")).output, HasSubstr("verify OK"));
  EXPECT_EQ(run(read + " -text | grep -c 'Serial Number:'").output, std::to_string(kEntries) + "\n");
}

TEST(Crl, AlteredListIsRefused) {
  TestCa const test(ceremony_settings(), kToday);
  Bytes list = signed_list(test, {revoked("0123456789abcdef")});
  Bytes const serial = from_hex("0123456789abcdef").value();
  *std::ranges::search(list, serial).begin() ^= 0x02;
  auto const readings = judge(test.ca, list);
  EXPECT_THAT(readings.openssl_verdict.output, Not(HasSubstr("verify OK")));
  EXPECT_THAT(readings.gnutls_verdict.output, HasSubstr("Not verified"));
}

// What OpenSSL, as a client that asks for lists, says of a leaf.
class Check : public ::testing::Test {
 protected:
  Check() : test(ceremony_settings(), kToday) {
    auto made = test.issuer->prepare(profile("camera-https"), request(names({"cam1.cams.example"})), kToday);
    leaf = test.issuer->sign(*std::move(made)).value();
  }
  Outcome verify(Bytes const& list) {
    fakes::TempDir dir;
    put_file(dir.path("root.pem"), test.ca.root.pem());
    put_file(dir.path("issuing.pem"), test.ca.issuing.pem());
    put_file(dir.path("leaf.pem"), leaf->pem());
    put_file(dir.path("list.der"), std::string(as_text(list)));
    return run("openssl crl -inform DER -in " + dir.path("list.der") + " -out " + dir.path("list.pem") +
               " && openssl verify -crl_check -attime " + std::to_string(to_unix(kToday) + 60) + " -CAfile " +
               dir.path("root.pem") + " -untrusted " + dir.path("issuing.pem") + " -CRLfile " + dir.path("list.pem") +
               " " + dir.path("leaf.pem"));
  }
  TestCa test;
  std::optional<x509::Certificate> leaf;
};

TEST_F(Check, LeafThatIsNotListedIsGood) {
  auto const verdict = verify(signed_list(test, {revoked("0123")}));
  EXPECT_EQ(verdict.status, 0) << verdict.output;
}

TEST_F(Check, ListedLeafIsRevoked) {
  auto const verdict = verify(signed_list(test, {revoked("0123"), revoked(leaf->serial_hex())}));
  EXPECT_NE(verdict.status, 0);
  EXPECT_THAT(verdict.output, HasSubstr("certificate revoked"));
}

TEST_F(Check, ListBeyondItsNextUpdateIsNotBelieved) {
  auto head = heading();
  head.next_update = kToday - Seconds(1);
  auto const verdict = verify(signed_list(test, {}, head));
  EXPECT_NE(verdict.status, 0);
  EXPECT_THAT(verdict.output, HasSubstr("CRL has expired"));
}

// 5.2.5: a part says so in a critical extension, and is no proof for a leaf that does not name its URL.
TEST_F(Check, PartIsNotTakenForTheWhole) {
  Bytes const part = signed_list(test, {}, heading(1, kPartUrl));
  EXPECT_TRUE(x509::der::check_strict(part, Errc::malformed, "the list").ok());
  auto const readings = judge(test.ca, part);
  EXPECT_THAT(readings.openssl.output, HasSubstr("X509v3 Issuing Distribution Point: critical"));
  EXPECT_THAT(readings.openssl.output, HasSubstr("URI:" + std::string(kPartUrl)));
  EXPECT_THAT(readings.openssl.output, HasSubstr("Only User Certificates"));
  EXPECT_THAT(readings.openssl_verdict.output, HasSubstr("verify OK"));
  auto const verdict = verify(part);
  EXPECT_NE(verdict.status, 0);
  EXPECT_THAT(verdict.output, HasSubstr("different CRL scope"));
}

TEST(SignCrl, UsesTheKeyOnce) {
  TestCa const test(ceremony_settings(), kToday);
  signed_list(test, {revoked("01")});
  EXPECT_EQ(test.key->signatures, 1);
}

TEST(SignCrl, SignatureThatDoesNotVerifyIsNotHandedOut) {
  TestCa const test(ceremony_settings(), kToday);
  test.key->instead = [&](ByteView) -> Result<Bytes> {
    return test.ca.issuing_key.sign(HashAlgorithm::sha256, as_bytes("something else"));
  };
  auto const list = test.issuer->sign_crl(draft(test, {}));
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code(), Errc::internal);
}

}  // namespace
}  // namespace lenscap::ca::test
