// To-be-signed octets in which one thing is wrong, made of good ones with OpenSSL or by hand, not with our builder.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/ossl.h"
#include "base/x509/der.h"
#include "ca/template.h"

namespace lenscap::ca::test {

using Change = std::function<void(X509*)>;

// The good octets after `change` to them as an OpenSSL object.
inline Bytes changed(Bytes const& good, x509::PublicKey const& issuer_key, Change const& change) {
  auto const whole = assemble_certificate(good, signature_algorithm(issuer_key), Bytes(8));
  unsigned char const* at = whole.data();
  ossl::X509Ptr const certificate(d2i_X509(nullptr, &at, static_cast<long>(whole.size())));
  change(certificate.get());
  return ossl::to_der(certificate.get(), i2d_re_X509_tbs);
}

// The good octets with their fields as a list.
inline Bytes rebuilt(Bytes const& good, std::function<void(std::vector<Bytes>&)> const& change) {
  auto fields = x509::der::Reader(good, Errc::malformed, "tbs").enter(x509::der::kSequence, "tbs").value();
  std::vector<Bytes> list;
  while (!fields.at_end()) list.push_back(to_bytes(fields.next().value().whole));
  change(list);
  Bytes all;
  for (Bytes const& field : list) all.insert(all.end(), field.begin(), field.end());
  return x509::der::element(x509::der::kSequence, ByteView(all));
}

inline void remove_extension(X509* certificate, int nid) {
  X509_EXTENSION_free(X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, nid, -1)));
}

// In the words of openssl's configuration file.
inline void add_extension(X509* certificate, int nid, char const* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, certificate, nullptr, nullptr, 0);
  ossl::X509ExtensionPtr const extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  ASSERT_NE(extension, nullptr) << value << ossl::take_errors();
  ASSERT_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

inline Change replaced(int nid, std::string value) {
  return [nid, value = std::move(value)](X509* certificate) {
    remove_extension(certificate, nid);
    add_extension(certificate, nid, value.c_str());
  };
}
inline Change removed(int nid) {
  return [nid](X509* certificate) { remove_extension(certificate, nid); };
}
inline Change made_critical(int nid, int critical) {
  return [nid, critical](X509* certificate) {
    X509_EXTENSION_set_critical(X509_get_ext(certificate, X509_get_ext_by_NID(certificate, nid, -1)), critical);
  };
}
inline Change with_subject(std::vector<std::pair<char const*, std::string>> entries) {
  return [entries = std::move(entries)](X509* certificate) {
    ossl::X509NamePtr const name(X509_NAME_new());
    for (auto const& [type, text] : entries)
      X509_NAME_add_entry_by_txt(name.get(), type, MBSTRING_UTF8, reinterpret_cast<unsigned char const*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0);
    X509_set_subject_name(certificate, name.get());
  };
}
inline Change with_serial(std::string hex, bool negative = false) {
  return [hex = std::move(hex), negative](X509* certificate) {
    BIGNUM* number = nullptr;
    BN_hex2bn(&number, hex.c_str());
    ossl::BnPtr const owner(number);
    BN_set_negative(number, negative ? 1 : 0);
    ossl::Asn1IntegerPtr const integer(BN_to_ASN1_INTEGER(number, nullptr));
    X509_set_serialNumber(certificate, integer.get());
  };
}
inline Change with_times(Time begin, Time end) {
  return [begin, end](X509* certificate) {
    ossl::Asn1TimePtr const from(ASN1_TIME_set(nullptr, to_unix(begin)));
    ossl::Asn1TimePtr const to(ASN1_TIME_set(nullptr, to_unix(end)));
    X509_set1_notBefore(certificate, from.get());
    X509_set1_notAfter(certificate, to.get());
  };
}
inline Change with_algorithm(int nid, int parameters) {
  return [nid, parameters](X509* certificate) {
    // OpenSSL has no call for this: it writes the algorithm when it signs.
    X509_ALGOR_set0(const_cast<X509_ALGOR*>(X509_get0_tbs_sigalg(certificate)), OBJ_nid2obj(nid), parameters, nullptr);
  };
}

}  // namespace lenscap::ca::test
