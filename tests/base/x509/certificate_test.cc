#include "base/x509/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>

#include "tests/base/x509/chain_maker.h"

namespace lenscap::x509 {
namespace {

using testing::Authority;
using testing::build;
using testing::kNow;
using testing::subject_alt_name;
using testing::to_certificate;

TEST(Certificate, WhatItSays) {
  Authority const ca(
      {{NID_name_constraints, true,
        NameConstraints::permit_only({*DnsName::parse("cams.example")}, {*IpBlock::parse("10.0.0.0/8")}).to_der()}});
  auto const leaf = ca.leaf({.common_name = "cam1.cams.example",
                             .extensions = {subject_alt_name({"Cam1.cams.example", "bad_name"}, {{10, 20, 0, 1}})},
                             .serial = 0xff01});
  EXPECT_EQ(leaf.common_name(), "cam1.cams.example");
  EXPECT_EQ(leaf.subject(), "CN=cam1.cams.example");
  EXPECT_EQ(leaf.issuer(), "CN=Test Issuing CA");
  EXPECT_EQ(leaf.serial_hex(), "ff01");
  EXPECT_EQ(leaf.names().text(), "cam1.cams.example, 10.20.0.1");
  EXPECT_EQ(leaf.not_before(), from_unix(1'700'000'000));
  EXPECT_EQ(leaf.not_after(), from_unix(1'900'000'000));
  EXPECT_EQ(leaf.key(), ca.leaf_key.public_key());
  EXPECT_EQ(leaf.fingerprint(), sha256(leaf.der()));
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_FALSE(leaf.is_self_issued());
  EXPECT_FALSE(leaf.name_constraints().has_value());
  auto const issuing = to_certificate(ca.issuing);
  EXPECT_TRUE(issuing.is_ca());
  EXPECT_FALSE(issuing.is_self_issued());
  EXPECT_EQ(issuing.name_constraints()->text(),
            "DNS cams.example; IP 10.0.0.0/8; no IPv6 addresses, mail addresses or URIs");
  EXPECT_EQ(leaf.authority_key_id(), issuing.subject_key_id());
  EXPECT_EQ(leaf.subject_key_id(), Bytes());
  EXPECT_EQ(issuing.subject_key_id().size(), 20U);
  EXPECT_TRUE(leaf.is_signed_by(issuing.key()));
  EXPECT_FALSE(leaf.is_signed_by(leaf.key()));
  EXPECT_TRUE(to_certificate(ca.root).is_self_issued());
  auto const signature_check = [&] {
    // The to-be-signed octets are those that the signature covers.
    ASN1_BIT_STRING const* signature = nullptr;
    X509_get0_signature(&signature, nullptr, leaf.native());
    return issuing.key().verify(HashAlgorithm::sha256, leaf.tbs(),
                                {signature->data, static_cast<std::size_t>(signature->length)});
  };
  EXPECT_TRUE(signature_check());
  Certificate copy = leaf;
  copy = issuing;
  EXPECT_EQ(copy, issuing);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificate, EmptySubject) {
  Authority const ca;
  auto const leaf = ca.leaf({.extensions = {subject_alt_name({}, {{10, 20, 0, 1}})}});
  EXPECT_EQ(leaf.common_name(), "");
  EXPECT_EQ(leaf.subject(), "");
  EXPECT_EQ(leaf.subject_der(), (Bytes{0x30, 0x00}));
}

// Somebody else's certificate: what is wrong in it must neither throw nor stay in OpenSSL's error queue.
TEST(Certificate, StrangeContents) {
  Authority const ca;
  auto const bad_extension = ca.leaf({.common_name = "x", .extensions = {{NID_basic_constraints, true, {0x31, 0x00}}}});
  EXPECT_FALSE(bad_extension.is_ca());
  EXPECT_EQ(ERR_peek_error(), 0U);

  // A UTF8String that is none: OpenSSL refuses it when it reads the name.
  auto const native = build({.common_name = "Kamera"}, ca.leaf_key.native(), ca.leaf_key.native(), nullptr);
  auto der = ossl::to_der(native.get(), i2d_X509);
  auto const name = to_bytes("Kamera");
  auto const at = std::search(der.begin(), der.end(), name.begin(), name.end());
  ASSERT_NE(at, der.end());
  *at = 0xff;
  EXPECT_EQ(Certificate::from_der(der).error().code(), Errc::malformed);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificate, DerAndPemRoundTrip) {
  Authority const ca;
  auto const leaf = ca.leaf({.common_name = "x"});
  EXPECT_EQ(Certificate::from_der(leaf.der()).value(), leaf);
  EXPECT_EQ(Certificate::from_pem(leaf.pem()).value(), leaf);
  // As OpenSSL writes it.
  ossl::BioPtr const bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), leaf.native());
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  EXPECT_EQ(leaf.pem(), std::string(text, static_cast<std::size_t>(size)));
}

TEST(Certificate, FromDerRefuses) {
  Authority const ca;
  auto const leaf = ca.leaf({.common_name = "x", .extensions = {subject_alt_name({"a.example"}, {})}});
  auto const& der = leaf.der();
  auto refused = [](ByteView octets, char const* title) {
    auto const result = Certificate::from_der(octets);
    ASSERT_FALSE(result.ok()) << title;
    EXPECT_EQ(result.error().code(), Errc::malformed) << title;
  };
  refused({}, "nothing");
  refused(as_bytes("-----BEGIN"), "text");
  auto changed = der;
  changed.push_back(0);
  refused(changed, "trailing octet");
  for (std::size_t size = 0; size < der.size(); ++size) refused(ByteView(der).first(size), "cut");
  changed = der;
  ASSERT_EQ(changed[1], 0x82);
  changed[1] = 0x83;
  changed.insert(changed.begin() + 2, 0);
  refused(changed, "length not minimal");
  changed = der;
  changed[1] = 0x80;
  changed.erase(changed.begin() + 2, changed.begin() + 4);
  changed.insert(changed.end(), {0, 0});
  refused(changed, "indefinite length");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificate, FromNativeRefuses) {
  PrivateKey const key = PrivateKey::generate(KeyType::ec_p256);
  auto const good = NameConstraints::permit_only({*DnsName::parse("cams.example")}, {}).to_der();
  auto made = [&](std::vector<testing::Extension> extensions, EVP_PKEY* subject_key) {
    return Certificate::from_native(
        build({.common_name = "x", .ca = true, .extensions = std::move(extensions)}, subject_key, key.native(), nullptr)
            .get());
  };
  EXPECT_TRUE(made({{NID_name_constraints, true, good}}, key.native()).ok());
  // Constraints that cannot be read must never look like none.
  EXPECT_FALSE(made({{NID_name_constraints, true, {0x30, 0x00}}}, key.native()).ok());
  EXPECT_FALSE(made({{NID_name_constraints, false, {0x04, 0x01}}}, key.native()).ok());
  EXPECT_FALSE(made({{NID_name_constraints, true, good}, {NID_name_constraints, true, good}}, key.native()).ok());
  EXPECT_FALSE(made({subject_alt_name({"a"}, {}), subject_alt_name({"b"}, {})}, key.native()).ok());
  ossl::PkeyPtr const strange(EVP_EC_gen("secp256k1"));
  EXPECT_FALSE(made({}, strange.get()).ok());
  EXPECT_FALSE(Certificate::from_native(nullptr).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(ParsePemChain, Forms) {
  Authority const ca;
  auto const leaf = ca.leaf({.common_name = "leaf"});
  auto const issuing = to_certificate(ca.issuing);
  std::vector<Certificate> const chain{leaf, issuing};
  std::string const pem = to_pem(chain);
  std::string crlf;
  for (char c : pem) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::string no_end = pem;
  no_end.pop_back();
  for (auto const& text : {pem, crlf, no_end, "\n\n" + pem + "\n\n", "Subject: leaf\nhello\n" + pem}) {
    auto const parsed = parse_pem_chain(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().detail();
    EXPECT_EQ(*parsed, chain);
  }
  EXPECT_FALSE(Certificate::from_pem(pem).ok());

  std::string eleven;
  for (int i = 0; i < 11; ++i) eleven += leaf.pem();
  std::string ten = eleven.substr(leaf.pem().size());
  EXPECT_EQ(parse_pem_chain(ten)->size(), 10U);
  struct Case {
    char const* title;
    std::string text;
  };
  std::string const key_pem(PrivateKey::generate(KeyType::ec_p256).to_pem().text());
  Case const bad[] = {
      {"nothing", ""},
      {"text alone", "hello\n"},
      {"private key", key_pem},
      {"private key behind the chain", pem + key_pem},  // 8555-11.4-1
      {"private key before the chain", key_pem + pem},
      {"another block", pem + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"},
      {"trusted certificate", "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n"},
      {"no end", pem.substr(0, pem.size() - 40)},
      {"end without begin", "-----END CERTIFICATE-----\n"},
      {"begin inside", "-----BEGIN CERTIFICATE-----\n" + pem},
      {"key inside a block", "-----BEGIN CERTIFICATE-----\n" + key_pem + "-----END CERTIFICATE-----\n"},
      {"empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
      {"not base64", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"},
      {"not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
      {"eleven", eleven},
      {"too large", std::string(64 * 1024, '\n') + pem},
  };
  for (auto const& c : bad) {
    auto const parsed = parse_pem_chain(c.text);
    ASSERT_FALSE(parsed.ok()) << c.title;
    EXPECT_EQ(parsed.error().code(), Errc::malformed) << c.title;
    EXPECT_EQ(parsed.error().detail().find("MIG"), std::string::npos) << "shows the key";
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(VerifyChain, GoodAndBad) {
  Authority const ca;
  Authority const other;
  auto const leaf = ca.leaf({.extensions = {subject_alt_name({"cam1.example"}, {})}});
  EXPECT_TRUE(verify_chain(leaf, ca.intermediates(), ca.roots(), kNow).ok());
  auto refused = [&](Result<> const& result) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Errc::tls) << result.error().detail();
  };
  refused(verify_chain(leaf, {}, ca.roots(), kNow));
  refused(verify_chain(leaf, ca.intermediates(), other.roots(), kNow));
  refused(verify_chain(leaf, ca.intermediates(), {}, kNow));
  refused(verify_chain(leaf, other.intermediates(), ca.roots(), kNow));
  refused(verify_chain(leaf, ca.intermediates(), ca.roots(), from_unix(1'699'999'999)));
  refused(verify_chain(leaf, ca.intermediates(), ca.roots(), from_unix(1'900'000'001)));
  // An issuing CA among the roots is no root: partial chains are off.
  refused(verify_chain(leaf, {}, ca.intermediates(), kNow));
  refused(verify_chain(leaf, ca.intermediates(), ca.intermediates(), kNow));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(VerifyChain, WhatAServerCertificateNeeds) {
  auto const constraints = NameConstraints::permit_only({*DnsName::parse("cams.example")}, {}).to_der();
  Authority const ca({{NID_name_constraints, true, constraints}});
  auto verify = [&](Certificate const& leaf) { return verify_chain(leaf, ca.intermediates(), ca.roots(), kNow).ok(); };
  auto const inside = subject_alt_name({"a.cams.example"}, {});
  EXPECT_TRUE(verify(ca.leaf({.extensions = {inside}})));
  EXPECT_FALSE(verify(ca.leaf({.extensions = {subject_alt_name({"a.example"}, {})}}))) << "outside the constraints";
  EXPECT_FALSE(verify(ca.leaf({.extensions = {subject_alt_name({"a.cams.example"}, {{10, 0, 0, 1}})}})))
      << "an address, where addresses are excluded";
  EXPECT_FALSE(verify(ca.leaf({.common_name = "a.example", .extensions = {}}))) << "outside, in the common name";
  EXPECT_FALSE(verify(ca.leaf({.extensions = {inside, {NID_undef, true, {}}}}))) << "unknown critical extension";

  // Another leaf as issuer.
  auto const leaf = ca.leaf({.common_name = "a.cams.example", .extensions = {inside}});
  auto const below = to_certificate(build({.common_name = "b.cams.example", .extensions = {inside}},
                                          ca.leaf_key.native(), ca.leaf_key.native(), leaf.native()));
  auto chain = ca.intermediates();
  chain.push_back(leaf);
  EXPECT_FALSE(verify_chain(below, chain, ca.roots(), kNow).ok());

  // SHA-1 anywhere below the root.
  auto const weak = to_certificate(
      build({.extensions = {inside}}, ca.leaf_key.native(), ca.issuing_key.native(), ca.issuing.get(), EVP_sha1()));
  EXPECT_FALSE(verify(weak));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(VerifyChain, ExtendedKeyUsage) {
  // Only serverAuth serves: a certificate for clients or for signed code is refused.
  Authority const ca;
  auto with = [&](std::optional<std::string> const& usage) {
    testing::Spec spec{.extensions = {subject_alt_name({"a.example"}, {})}};
    spec.extended_key_usage = usage;
    return verify_chain(ca.leaf(spec), ca.intermediates(), ca.roots(), kNow).ok();
  };
  EXPECT_TRUE(with("serverAuth"));
  EXPECT_TRUE(with("serverAuth,clientAuth"));
  EXPECT_FALSE(with("clientAuth"));
  EXPECT_FALSE(with("codeSigning"));
  EXPECT_TRUE(with(std::nullopt)) << "no extension: any use (RFC 5280 4.2.1.12)";
}

TEST(Covers, Names) {
  Authority const ca;
  auto const leaf = ca.leaf({.common_name = "cn.example",
                             .extensions = {subject_alt_name({"cam1.example", "*.cams.example", "*.lan", "NVR"},
                                                             {{10, 20, 0, 1}, Bytes(16, 0x20)})}});
  struct Case {
    char const* host;
    bool covered;
  };
  Case const cases[] = {
      {"cam1.example", true},      {"CAM1.example", true},
      {"cn.example", false},       {"x.cam1.example", false},
      {"a.cams.example", true},    {"cams.example", false},
      {"a.b.cams.example", false}, {"*.cams.example", true},
      {"*.example", false},        {"nvr", true},
      {"nvr.lan", false},          {"example", false},
      {"acams.example", false},    {"*.cam1.example", false},
  };
  for (auto const& c : cases) EXPECT_EQ(covers(leaf, *DnsName::parse(c.host)), c.covered) << c.host;
  EXPECT_TRUE(covers(leaf, *IpAddress::parse("10.20.0.1")));
  EXPECT_TRUE(covers(leaf, *IpAddress::parse("2020:2020:2020:2020:2020:2020:2020:2020")));
  EXPECT_FALSE(covers(leaf, *IpAddress::parse("10.20.0.2")));
  EXPECT_FALSE(covers(ca.leaf({.common_name = "10.20.0.1"}), *IpAddress::parse("10.20.0.1")));
  EXPECT_FALSE(covers(ca.leaf({.common_name = "cn.example"}), *DnsName::parse("cn.example")));
}

// OpenSSL's own name check as the second opinion.
TEST(Covers, AgreesWithOpenssl) {
  Authority const ca;
  auto const leaf =
      ca.leaf({.extensions = {subject_alt_name({"cam1.example", "*.cams.example", "*.lan", "a.b.c.example"}, {})}});
  for (auto const* host :
       {"cam1.example", "example", "x.cam1.example", "a.cams.example", "cams.example", "a.b.cams.example", "x.lan",
        "lan", "b.c.example", "a.b.c.example", "xn--bcher-kva.cams.example"}) {
    bool const openssl =
        X509_check_host(leaf.native(), host, 0,
                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
    EXPECT_EQ(covers(leaf, *DnsName::parse(host)), openssl) << host;
  }
}

}  // namespace
}  // namespace lenscap::x509
