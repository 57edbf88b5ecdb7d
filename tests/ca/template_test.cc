#include "ca/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "base/file.h"
#include "ca/der.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

TEST(NewSerial, PositiveAndRandom) {
  std::set<Bytes> seen;
  for (int i = 0; i < 2000; ++i) {
    Bytes const serial = new_serial(kNow);
    ASSERT_EQ(serial.size(), 19u);
    ASSERT_EQ(serial[0], 0x01);
    ASSERT_TRUE(seen.insert(serial).second);
  }
}

TEST(Der, LengthsTimesAndOids) {
  EXPECT_EQ(to_hex(der::oid("1.2.840.113549.1.1.11")), "06092a864886f70d01010b");
  EXPECT_EQ(to_hex(der::oid("2.5.29.19")), "0603551d13");
  EXPECT_EQ(to_hex(der::time(parse_rfc3339("2049-12-31T23:59:59Z").value())), "170d3439313233313233353935395a");
  EXPECT_EQ(to_hex(der::time(parse_rfc3339("2050-01-01T00:00:00Z").value())), "180f32303530303130313030303030305a");
}

TEST(BuildTemplate, Validity) {
  TestCa const test;
  auto const wanted = profile("camera-https");
  auto build = [&](Time now) {
    return build_template(wanted, request(names({"a.cams.example"})), {test.ca.issuing, ""}, new_serial(now), now);
  };
  Template const usual = build(kNow);
  EXPECT_EQ(usual.not_before, kNow - kHour);
  EXPECT_EQ(usual.not_after - usual.not_before + Seconds(1), 90 * kDay);
  Time const begin = test.ca.issuing.not_before();
  EXPECT_EQ(build(begin + kMinute).not_before, begin);
  Time const end = test.ca.issuing.not_after();
  EXPECT_EQ(build(end - kDay).not_after, end);
}

TEST(BuildTemplate, AValidityThatWasAskedFor) {
  TestCa const test;
  auto const wanted = profile("camera-https");
  auto build = [&](std::optional<Time> not_before, std::optional<Time> not_after) {
    auto asked = request(names({"a.cams.example"}));
    asked.not_before = not_before;
    asked.not_after = not_after;
    return build_template(wanted, asked, {test.ca.issuing, ""}, new_serial(kNow), kNow);
  };
  Time const usual_end = kNow - kHour + 90 * kDay - Seconds(1);
  auto const both = build(kNow, kNow + kDay);
  EXPECT_EQ(both.not_before, kNow);
  EXPECT_EQ(both.not_after, kNow + kDay);
  auto const end = build({}, kNow + kDay);
  EXPECT_EQ(end.not_before, kNow - kHour);
  EXPECT_EQ(end.not_after, kNow + kDay);
  auto const later = build(kNow + kDay, {});
  EXPECT_EQ(later.not_before, kNow + kDay);
  EXPECT_EQ(later.not_after, usual_end) << "a late beginning moves no end";
  // The issuer's own begins a day before now; an order may have waited that long.
  auto const earlier = build(kNow - 5 * kHour, {});
  EXPECT_EQ(earlier.not_after - earlier.not_before + Seconds(1), 90 * kDay);
}

TEST(BuildTemplate, CommonName) {
  TestCa const test;
  std::string const long_name = std::string(60, 'a') + ".cams.example";
  struct Case {
    char const* name;
    x509::NameSet names;
    std::string wish;
    std::string expected;
  };
  Case const cases[] = {
      {"first DNS name", names({"b.cams.example", "a.cams.example"}), "", "a.cams.example"},
      {"the wish", names({"b.cams.example", "a.cams.example"}), "B.cams.example", "b.cams.example"},
      {"a wish that is no name of the certificate", names({"a.cams.example"}), "z.cams.example", "a.cams.example"},
      {"a wish that is no DNS name", names({"a.cams.example"}), "My Camera", "a.cams.example"},
      {"addresses alone", names({}, {"10.20.0.1"}), "10.20.0.1", ""},
      {"longer than a common name may be", names({long_name}), long_name, ""},
      {"the one that fits", names({long_name, "b.cams.example"}), long_name, "b.cams.example"},
      {"no wildcard", names({"*.cams.example"}), "", ""},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    IssueRequest wanted = request(c.names);
    wanted.common_name = c.wish;
    auto const what = build_template(profile("camera-https"), wanted, {test.ca.issuing, ""}, new_serial(kNow), kNow);
    EXPECT_EQ(what.common_name, c.expected);
    EXPECT_EQ(what.has_empty_subject(), c.expected.empty());
  }
  Profile without = profile("camera-https");
  without.common_name = CommonName::none;
  EXPECT_TRUE(build_template(without, request(names({"a.cams.example"})), {test.ca.issuing, ""}, new_serial(kNow), kNow)
                  .has_empty_subject());
}

// The text that `openssl x509 -text` prints, without what differs every time.
std::string openssl_text(x509::Certificate const& certificate) {
  fakes::TempDir dir;
  put_file(dir.path("c.pem"), certificate.pem());
  std::string text =
      run("openssl x509 -noout -text -certopt no_serial,no_pubkey,no_sigdump,ext_error -in " + dir.path("c.pem"))
          .output;
  text = std::regex_replace(text, std::regex("([0-9A-F]{2}:){19}[0-9A-F]{2}"), "<key id>");
  text = std::regex_replace(text, std::regex("[0-9a-f]{40}"), "<key id>");
  return std::regex_replace(text, std::regex(" +\n"), "\n");
}

// Each profile's certificate against tests/data/profiles/NAME.txt. LENSCAP_WRITE_GOLDEN=1 writes the files anew: read
// the difference before you commit it.
TEST(Golden, EveryProfile) {
  TestCa const test;
  TestCa const listing(ceremony_settings(), kNow, 1);
  TestCa const answering(ceremony_settings(), kNow, 1, true);
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  struct Case {
    std::string file;
    x509::Certificate certificate;
  };
  auto issue = [&](std::string const& profile_name, x509::NameSet const& wanted, x509::KeyType type) {
    return test.issuer
        ->sign(test.issuer->prepare(profile(profile_name), request(wanted, profile_name, type), kNow).value())
        .value();
  };
  auto issue_by = [&](TestCa const& ca) {
    return ca.issuer
        ->sign(ca.issuer->prepare(profile("camera-https"), request(names({"cam1.cams.example"}, {"10.20.4.119"})), kNow)
                   .value())
        .value();
  };
  using x509::KeyType;
  Case const cases[] = {
      {"root", test.ca.root},
      {"issuing", test.ca.issuing},
      {"camera-https", issue("camera-https", names({"cam1.cams.example"}, {"10.20.4.119"}), KeyType::ec_p256)},
      {"camera-https.rsa", issue("camera-https", names({"cam1.cams.example"}), KeyType::rsa)},
      {"camera-https.address", issue("camera-https", names({}, {"10.20.4.119"}), KeyType::ec_p256)},
      {"camera-https-cn", issue("camera-https-cn", names({"cam1.cams.example"}, {"10.20.4.119"}), KeyType::rsa)},
      {"server", issue("server", names({"pki.cams.example"}), KeyType::ec_p256)},
      {"server.rsa", issue("server", names({"www.cams.example"}), KeyType::rsa)},
      {"dot1x", issue("dot1x", names({"cam1.cams.example"}), KeyType::ec_p256)},
      {"dot1x.rsa", issue("dot1x", names({"cam1.cams.example"}, {"10.20.4.119"}), KeyType::rsa)},
      {"short-lived", issue("short-lived", names({"cam1.cams.example"}, {"10.20.4.119"}), KeyType::ec_p384)},
      {"agent", issue("agent", names({"agent.cams.example"}, {"10.20.4.2"}), KeyType::ec_p256)},
      // The same where revocation lists are served, and where OCSP answers are, too.
      {"camera-https.crl", issue_by(listing)},
      {"camera-https.ocsp", issue_by(answering)},
      {"ocsp-signer",
       answering.issuer
           ->sign(answering.issuer->prepare(ocsp_signer_profile(), {std::string(kOcspSignerProfile), key, {}, {}}, kNow)
                      .value())
           .value()},
  };
  for (auto const& name : profile_names())
    EXPECT_TRUE(std::ranges::any_of(cases, [&](Case const& c) { return c.file == name; }))
        << "no golden certificate of the profile " << name;
  for (Case const& c : cases) {
    SCOPED_TRACE(c.file);
    std::string const path = std::string(LENSCAP_SOURCE_DIR) + "/tests/data/profiles/" + c.file + ".txt";
    std::string const text = openssl_text(c.certificate);
    if (std::getenv("LENSCAP_WRITE_GOLDEN") != nullptr) put_file(path, text);
    auto const golden = read_file(path);
    ASSERT_TRUE(golden.ok()) << golden.error().detail();
    EXPECT_EQ(text, *golden);
  }
}

}  // namespace
}  // namespace lenscap::ca::test
