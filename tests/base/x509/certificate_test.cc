#include "base/x509/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/base/x509/chain_maker.h"

namespace lenscap::x509 {
namespace {

using testing::Authority;
using testing::build;
using testing::kNow;
using testing::Spec;
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
  EXPECT_EQ(issuing.name_constraints()->text(), "DNS cams.example; IP 10.0.0.0/8; no IPv6 addresses");
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
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace lenscap::x509
