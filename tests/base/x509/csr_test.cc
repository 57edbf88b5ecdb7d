#include "base/x509/csr.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/limits.h"
#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

std::filesystem::path const kFolder = std::filesystem::path(LENSCAP_SOURCE_DIR) / "tests/data/csr";

Bytes read(std::string const& name) {
  std::ifstream in(kFolder / (name + ".der"), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

NameSet some_names() {
  NameSet names;
  names.dns.insert(*DnsName::parse("cam1.example"));
  names.dns.insert(*DnsName::parse("*.cams.example"));
  names.ip.insert(*IpAddress::parse("10.20.0.1"));
  names.ip.insert(*IpAddress::parse("2001:db8::1"));
  return names;
}

struct GoodCase {
  char const* file;
  char const* names;
  char const* common_name;
  bool has_subject_alt_name;
};
constexpr GoodCase kGood[] = {
    {"good_p256", "cam1.example, 10.20.0.1", "", true},
    {"good_p384", "cam1.example, 10.20.0.1", "", true},
    {"good_p521", "cam1.example, 10.20.0.1", "", true},
    {"good_p521_sha256", "cam1.example, 10.20.0.1", "", true},
    {"good_rsa2048", "cam1.example, 10.20.0.1", "", true},
    {"good_rsa2048_sha512", "cam1.example, 10.20.0.1", "", true},
    {"good_rsa3072", "cam1.example, 10.20.0.1", "", true},
    {"good_rsa4096", "cam1.example, 10.20.0.1", "", true},
    {"good_common_name_and_san", "cam1.example, 10.20.0.1", "cam1.example", true},
    // 8555-7.4-5: a DNS name may stand in the common name alone, as the CSRs of cameras do
    {"good_common_name_only", "cam1.example", "Cam1.Example", false},
    {"good_common_name_printable", "cam1.example", "cam1.example", false},
    {"good_common_name_is_address", "", "10.20.0.1", false},
    {"good_common_name_is_text", "",
     "Kamera Eingang S\xc3\xbc"
     "d",
     false},
    {"good_common_name_is_wildcard", "*.cams.example", "*.cams.example", false},
    {"good_common_name_beside_other_name", "cam1.example, 10.20.0.1", "other.example", true},
    {"good_no_subject_no_names", "", "", false},
    {"good_attributes_left_out", "cam1.example", "cam1.example", false},
    {"good_other_subject_types", "cam1.example, 10.20.0.1", "cam1.example", true},
    {"good_challenge_password", "cam1.example, 10.20.0.1", "", true},
    {"good_usages_critical", "cam1.example, 10.20.0.1", "", true},
    {"good_key_cert_sign_ignored", "cam1.example, 10.20.0.1", "", true},
    {"good_san_critical", "cam1.example, 10.20.0.1", "", true},
    {"good_ca_false", "cam1.example, 10.20.0.1", "", true},
    {"good_ca_false_written", "cam1.example, 10.20.0.1", "", true},
    {"good_unknown_extension", "cam1.example, 10.20.0.1", "", true},
    {"good_name_constraints_ignored", "cam1.example, 10.20.0.1", "", true},
    {"good_policies_and_aia_ignored", "cam1.example, 10.20.0.1", "", true},
    {"good_same_name_twice", "cam1.example, 10.20.0.1", "", true},
    {"good_a_label", "xn--bcher-kva.example", "", true},
    {"good_wildcard", "*.cams.example", "", true},
    {"good_ipv6", "2001:db8::1", "", true},
    {"good_names_100", nullptr, "", true},
    {"good_made_by_openssl", "cam1.example, 10.20.0.1", "cam1.example", true},
};

TEST(ParseCsr, Good) {
  for (auto const& c : kGood) {
    auto const der = read(c.file);
    auto const csr = parse_csr(der);
    ASSERT_TRUE(csr.ok()) << c.file << ": " << csr.error().detail();
    if (c.names != nullptr) {
      EXPECT_EQ(csr->names.text(), c.names) << c.file;
    } else {
      EXPECT_EQ(csr->names.size(), limits::kNamesPerOrder) << c.file;
    }
    EXPECT_EQ(csr->common_name, c.common_name) << c.file;
    EXPECT_EQ(csr->has_subject_alt_name, c.has_subject_alt_name) << c.file;
    EXPECT_EQ(csr->der, der) << c.file;
    // The other parser agrees about the key.
    unsigned char const* in = der.data();
    ossl::X509ReqPtr const request(d2i_X509_REQ(nullptr, &in, static_cast<long>(der.size())));
    ASSERT_NE(request, nullptr) << c.file;
    EXPECT_EQ(csr->key.spki(), ossl::to_der(X509_REQ_get_X509_PUBKEY(request.get()), i2d_X509_PUBKEY)) << c.file;
    EXPECT_EQ(X509_REQ_verify(request.get(), csr->key.native()), 1) << c.file;
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

struct BadCase {
  char const* file;
  Errc code;
  char const* why;  // a piece of the text, so that a case is not refused for another reason than its own
};
constexpr auto kCsr = Errc::bad_csr;
constexpr auto kKey = Errc::bad_public_key;
constexpr BadCase kBad[] = {
    {"der_empty", kCsr, "ends too early"},
    {"der_empty_sequence", kCsr, "has no information"},
    {"der_text", kCsr, ""},
    {"der_cut", kCsr, "ends inside an element"},
    {"der_trailing_octet", kCsr, "octets after its end"},
    {"der_twice", kCsr, "octets after its end"},
    {"der_length_not_minimal", kCsr, "not written in the shortest way"},
    {"der_length_long_form", kCsr, "not written in the shortest way"},
    {"der_length_of_five_octets", kCsr, "more than four octets"},
    {"der_length_beyond_end", kCsr, "ends inside an element"},
    {"der_indefinite_length", kCsr, "indefinite length"},
    {"der_indefinite_inside", kCsr, "indefinite length"},
    {"der_constructed_string", kCsr, "form that DER forbids"},
    {"der_boolean_1", kCsr, "form that DER forbids"},
    {"der_critical_false_written", kCsr, "critical FALSE"},
    {"der_oid_padded", kCsr, "form that DER forbids"},
    {"der_attributes_unsorted", kCsr, "not in DER's order"},
    {"der_set_unsorted", kCsr, "not in DER's order"},
    {"der_deep", kCsr, "nested too deeply"},
    {"der_multi_octet_tag", kCsr, "tag of several octets"},
    {"der_octets_after_signature", kCsr, "octets after its end"},
    {"der_octets_after_attributes", kCsr, "octets after its end"},
    {"der_signature_with_unused_bits", kCsr, "whole octets"},
    {"der_too_large", kCsr, "more than 16 KiB"},
    {"version_1", kCsr, "version"},
    {"version_5", kCsr, "version"},
    {"version_minus_1", kCsr, "version"},
    {"version_0_in_two_octets", kCsr, "form that DER forbids"},
    {"version_missing", kCsr, "version"},
    {"attributes_two_extension_requests", kCsr, "two extensionRequest"},
    {"attributes_two_values", kCsr, "more than one value"},
    {"attributes_no_value", kCsr, "no extensions"},
    {"attributes_microsoft_alone", kCsr, "Microsoft"},
    {"attributes_microsoft_beside", kCsr, "Microsoft"},
    {"extensions_two_san", kCsr, "same extension twice"},
    {"extensions_two_unknown", kCsr, "same extension twice"},
    {"extensions_ca_true", kCsr, "CA certificate"},
    {"extensions_ca_true_critical", kCsr, "CA certificate"},
    {"extensions_ca_in_no_form", kCsr, "form that DER forbids"},
    {"extensions_unknown_critical", kCsr, "critical extension"},
    {"extensions_name_constraints_critical", kCsr, "critical extension"},
    {"san_dns_empty", kCsr, "bad name"},
    {"san_dns_nul", kCsr, "bad name"},
    {"san_dns_space", kCsr, "bad name"},
    {"san_dns_utf8", kCsr, "bad name"},
    {"san_dns_underscore", kCsr, "bad name"},
    {"san_dns_trailing_dot", kCsr, "bad name"},
    {"san_dns_leading_dot", kCsr, "bad name"},
    {"san_dns_is_address", kCsr, "reads as an IP address"},
    {"san_dns_digits_last", kCsr, "reads as an IP address"},
    {"san_dns_star_inside", kCsr, "bad name"},
    {"san_dns_star_part", kCsr, "bad name"},
    {"san_dns_star_alone", kCsr, "bad name"},
    {"san_dns_label_64", kCsr, "63 characters"},
    {"san_dns_254", kCsr, "253 characters"},
    {"san_dns_bad_a_label", kCsr, "IDNA"},
    {"san_dns_fake_a_label", kCsr, "bad name"},
    {"san_ip_empty", kCsr, "bad address"},
    {"san_ip_5", kCsr, "4 or 16 octets"},
    {"san_ip_8", kCsr, "4 or 16 octets"},
    {"san_ip_32", kCsr, "4 or 16 octets"},
    {"san_ip_v4_mapped", kCsr, "IPv4-mapped"},
    {"san_email", kCsr, "neither DNS name nor IP address (GeneralName of type 1)"},
    {"san_uri", kCsr, "GeneralName of type 6"},
    {"san_user_principal", kCsr, "GeneralName of type 0"},
    {"san_x400", kCsr, "GeneralName of type 3"},
    {"san_directory", kCsr, "GeneralName of type 4"},
    {"san_edi", kCsr, "GeneralName of type 5"},
    {"san_registered_id", kCsr, "GeneralName of type 8"},
    {"san_dns_constructed", kCsr, "GeneralName of type 2"},
    {"san_empty", kCsr, "empty subjectAltName"},
    {"san_no_sequence", kCsr, "something else"},
    {"san_trailing", kCsr, "octets after its end"},
    {"san_names_101", kCsr, "more than 100 names"},
    {"cn_nul", kCsr, "characters that are not allowed"},
    {"cn_newline", kCsr, "characters that are not allowed"},
    {"cn_bmp", kCsr, "neither UTF8String nor PrintableString"},
    {"cn_teletex", kCsr, "neither UTF8String nor PrintableString"},
    {"cn_ia5", kCsr, "neither UTF8String nor PrintableString"},
    {"cn_universal", kCsr, "neither UTF8String nor PrintableString"},
    {"cn_bad_utf8", kCsr, "characters that are not allowed"},
    {"cn_printable_8_bit", kCsr, "characters that are not allowed"},
    {"cn_two", kCsr, "more than one common name"},
    {"cn_two_in_one_set", kCsr, "more than one common name"},
    {"cn_254", kCsr, "more than 253 octets"},
    {"cn_empty_set", kCsr, "is empty"},
    {"key_rsa_e1", kKey, "65537"},
    {"key_rsa_e3", kKey, "65537"},
    {"key_rsa_e_even", kKey, "65537"},
    {"key_rsa_e_large", kKey, "65537"},
    {"key_rsa_e_as_n", kKey, "exponent of more than"},
    {"key_rsa_1024", kKey, "1024 bits"},
    {"key_rsa_2047", kKey, "2047 bits"},
    {"key_rsa_2056", kKey, "2056 bits"},
    {"key_rsa_8192", kKey, "8192 bits"},
    {"key_rsa_16384", kKey, "modulus of more than 8192 bits"},
    {"key_rsa_even", kKey, "small factor"},
    {"key_rsa_negative", kKey, "negative"},
    {"key_rsa_zero", kKey, "zero"},
    {"key_rsa_small_factor", kKey, "small factor"},
    {"key_rsa_roca", kKey, "ROCA"},
    {"key_rsa_close_primes", kKey, "too close"},
    {"key_rsa_prime_below_root", kKey, "too close"},
    {"key_rsa_pattern", kKey, "one octet sixteen times"},
    {"key_rsa_square", kKey, "too close"},
    {"key_rsa_no_null", kKey, "NULL"},
    {"key_rsa_trailing", kKey, "octets after its end"},
    {"key_rsa_padded_modulus", kKey, "not a DER integer"},
    {"key_rsa_pss", kKey, "type that is not accepted"},
    {"key_secp256k1", kKey, "curve that is not accepted"},
    {"key_p224", kKey, "curve that is not accepted"},
    {"key_explicit_curve", kKey, "describes its own curve"},
    {"key_ec_off_curve", kKey, "not a point on its curve"},
    {"key_ec_infinity", kKey, "uncompressed"},
    {"key_ec_zero", kKey, "not a point on its curve"},
    {"key_ec_compressed", kKey, "uncompressed"},
    {"key_ec_hybrid", kKey, "uncompressed"},
    {"key_ec_wrong_curve", kKey, "uncompressed"},
    {"key_ec_no_curve", kKey, "has no curve"},
    {"key_ec_implicit_curve", kKey, "something else where its curve"},
    {"key_ed25519", kKey, "Ed25519"},
    {"key_unknown_type", kKey, "type that is not accepted"},
    {"key_dsa_number", kKey, "type that is not accepted"},
    {"signature_rsa_md5", kCsr, "MD5"},
    {"signature_rsa_sha1", kCsr, "SHA-1"},
    {"signature_rsa_sha224", kCsr, "SHA-224"},
    {"signature_ecdsa_sha1", kCsr, "SHA-1"},
    {"signature_ecdsa_sha224", kCsr, "SHA-224"},
    {"signature_rsa_pss", kCsr, "PSS"},
    {"signature_rsa_without_null", kCsr, "NULL"},
    {"signature_ecdsa_with_null", kCsr, "octets after its end"},
    {"signature_scheme_of_other_key_type", kCsr, "another type"},
    {"signature_scheme_of_other_hash", kCsr, "not signed by the key"},
    {"signature_scheme_unknown", kCsr, "not accepted"},
    {"signature_by_other_key", kCsr, "not signed by the key"},
    {"signature_of_other_content", kCsr, "not signed by the key"},
    {"signature_empty", kCsr, "not signed by the key"},
    {"signature_zero", kCsr, "not signed by the key"},
    {"signature_raw_form", kCsr, "not signed by the key"},
};

TEST(ParseCsr, Bad) {
  for (auto const& c : kBad) {
    auto const csr = parse_csr(read(c.file));
    ASSERT_FALSE(csr.ok()) << c.file;
    EXPECT_EQ(csr.error().code(), c.code) << c.file << ": " << csr.error().detail();
    EXPECT_NE(csr.error().detail().find(c.why), std::string::npos) << c.file << ": " << csr.error().detail();
  }
  EXPECT_EQ(ERR_peek_error(), 0U) << "left something in OpenSSL's error queue";
}

TEST(ParseCsr, EveryFileHasItsRow) {
  std::set<std::string> rows;
  for (auto const& c : kGood) rows.insert(c.file);
  for (auto const& c : kBad) rows.insert(c.file);
  EXPECT_EQ(rows.size(), std::size(kGood) + std::size(kBad));
  std::set<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".der") files.insert(entry.path().stem());
  }
  EXPECT_EQ(rows, files);
}

TEST(ParseCsr, EveryCutAndEveryFlippedOctetIsRefused) {
  auto const der = read("good_p256");
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(parse_csr(ByteView(der).first(size)).ok()) << size;
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (unsigned flip : {0x01U, 0x20U, 0x80U, 0xffU}) {
      auto changed = der;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      EXPECT_FALSE(parse_csr(changed).ok()) << "octet " << i << " xor " << flip;
    }
  }
}

TEST(ParseCsr, FiftyThousandNamesAreRefusedBySize) {
  NameSet names;
  for (int i = 0; i < 50'000; ++i) names.dns.insert(*DnsName::parse("cam" + std::to_string(i) + ".example"));
  auto const csr = parse_csr(make_csr(PrivateKey::generate(KeyType::ec_p256), names));
  ASSERT_FALSE(csr.ok());
  EXPECT_EQ(csr.error().code(), Errc::bad_csr);
  EXPECT_NE(csr.error().detail().find("16 KiB"), std::string::npos);
}

TEST(ParseCsr, SizeLimitIsExact) {
  // Random octets of the largest size get as far as the form; one more does not.
  EXPECT_EQ(parse_csr(Bytes(limits::kCsrBytes, 0x30)).error().detail().find("16 KiB"), std::string::npos);
  EXPECT_NE(parse_csr(Bytes(limits::kCsrBytes + 1, 0x30)).error().detail().find("16 KiB"), std::string::npos);
}

TEST(ParseCsrText, Forms) {
  auto const der = read("good_p256");
  std::string const digits = to_base64(der);
  std::string lines;
  for (std::size_t i = 0; i < digits.size(); i += 64) lines += digits.substr(i, 64) + "\r\n";
  std::string const good[] = {
      digits,
      lines,
      "-----BEGIN CERTIFICATE REQUEST-----\r\n" + lines + "-----END CERTIFICATE REQUEST-----\r\n",
      "-----BEGIN NEW CERTIFICATE REQUEST-----\n" + lines + "-----END NEW CERTIFICATE REQUEST-----",
      "\n  Certificate Request:\n-----BEGIN CERTIFICATE REQUEST-----\n" + digits +
          "\n-----END CERTIFICATE REQUEST-----\n\n",
      "-----BEGIN CERTIFICATE REQUEST-----" + digits + "-----END CERTIFICATE REQUEST-----",  // all on one line
  };
  for (auto const& text : good) {
    auto const csr = parse_csr_text(text);
    ASSERT_TRUE(csr.ok()) << csr.error().detail() << "\n" << text;
    EXPECT_EQ(csr->der, der);
  }
  std::string const bad[] = {
      "",
      "hello",
      "-----BEGIN CERTIFICATE REQUEST-----\n" + lines,
      "-----BEGIN CERTIFICATE-----\n" + lines + "-----END CERTIFICATE-----\n",
      "-----BEGIN CERTIFICATE REQUEST-----\n!" + lines + "-----END CERTIFICATE REQUEST-----\n",
      std::string(100'000, 'A'),
  };
  for (auto const& text : bad) {
    auto const csr = parse_csr_text(text);
    ASSERT_FALSE(csr.ok()) << text;
    EXPECT_EQ(csr.error().code(), Errc::bad_csr);
  }
}

TEST(MakeCsr, IsReadByOpensslAndByUs) {
  for (auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
    auto const key = PrivateKey::generate(type);
    auto const der = make_csr(key, some_names(), "cam1.example");
    unsigned char const* in = der.data();
    ossl::X509ReqPtr const request(d2i_X509_REQ(nullptr, &in, static_cast<long>(der.size())));
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(X509_REQ_verify(request.get(), key.native()), 1) << to_string(type);
    EXPECT_EQ(ossl::to_der(request.get(), i2d_X509_REQ), der);
    if (type == KeyType::ed25519) continue;  // not for camera certificates

    auto const csr = parse_csr(der);
    ASSERT_TRUE(csr.ok()) << csr.error().detail();
    EXPECT_EQ(csr->key, key.public_key());
    EXPECT_EQ(csr->names, some_names());
    EXPECT_EQ(csr->common_name, "cam1.example");
    EXPECT_TRUE(csr->has_subject_alt_name);
    EXPECT_EQ(csr->der, der);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace lenscap::x509
