#include "base/x509/csr.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

namespace lenscap::x509 {
namespace {

NameSet some_names() {
  NameSet names;
  names.dns.insert(*DnsName::parse("cam1.example"));
  names.dns.insert(*DnsName::parse("*.cams.example"));
  names.ip.insert(*IpAddress::parse("10.20.0.1"));
  names.ip.insert(*IpAddress::parse("2001:db8::1"));
  return names;
}

TEST(MakeCsr, IsReadByOpensslAndByUs) {
  for (auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa}) {
    auto const key = PrivateKey::generate(type);
    auto const der = make_csr(key, some_names(), "cam1.example");
    unsigned char const* in = der.data();
    ossl::X509ReqPtr const request(d2i_X509_REQ(nullptr, &in, static_cast<long>(der.size())));
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(X509_REQ_verify(request.get(), key.native()), 1);

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

TEST(ParseCsr, NamesFromCommonNameAlone) {
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  auto const by_name = parse_csr(make_csr(key, {}, "Cam1.Example")).value();
  EXPECT_FALSE(by_name.has_subject_alt_name);
  EXPECT_EQ(by_name.common_name, "Cam1.Example");
  EXPECT_EQ(by_name.names.text(), "cam1.example");
  for (auto const* text : {"10.20.0.1", "2001:db8::1", "Axis Camera", "axis_camera", "192.168.0.90:443"}) {
    auto const csr = parse_csr(make_csr(key, {}, text)).value();
    EXPECT_TRUE(csr.names.empty()) << text;
    EXPECT_EQ(csr.common_name, text);
  }
  auto const nothing = parse_csr(make_csr(key, {})).value();
  EXPECT_TRUE(nothing.names.empty());
  EXPECT_EQ(nothing.common_name, "");
}

}  // namespace
}  // namespace lenscap::x509
