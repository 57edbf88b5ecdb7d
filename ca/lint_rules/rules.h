// What the rules of lint.h have in common, and their names: one function for each clause, in files by what they look
// at: encoding, fields of the certificate, names, uses, and places where something is served. The rules look at the
// octets through OpenSSL's parser and through a walk over the DER; nothing of template.cc, der.cc or extensions/ is
// used.
#pragma once

#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/ossl.h"
#include "ca/lint.h"

namespace lenscap::ca::linting {

// What a rule looks at.
struct Subject {
  ByteView tbs;
  X509* certificate;  // the octets under a signature of zeros, parsed
  LintContext const& wanted;
};

// A finding: what is wrong, or nothing.
using Finding = std::optional<std::string>;
constexpr auto kFine = std::nullopt;

std::string hex_of(ASN1_STRING const* text);
ByteView octets_of(ASN1_STRING const* text);
inline bool same(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

// Null with -1: absent; null with -2: present more than once; other null: unreadable.
template <class T>
T* extension_of(X509* certificate, int nid, int* critical) {
  return static_cast<T*>(X509_get_ext_d2i(certificate, nid, critical, nullptr));
}

// Of the certificate that signs OCSP answers other things are expected than of those that subscribers ask for.
bool signs_ocsp(Subject const& subject);

// One element of DER at the start of `rest`: definite, shortest length. False when there is none.
struct Element {
  std::uint8_t tag = 0;
  ByteView content;
};
bool take_element(ByteView& rest, Element& out);

Time time_of(ASN1_TIME const* time);  // Time::min() when it is none

// encoding.cc
Finding rule_4_1_der(Subject const& subject);
Finding rule_4_1_2_1_version(Subject const& subject);
Finding rule_4_1_2_5_time_form(Subject const& subject);
// fields.cc
Finding rule_4_1_2_2_serial(Subject const& subject);
Finding rule_4_1_2_3_signature(Subject const& subject);
Finding rule_4_1_2_4_issuer(Subject const& subject);
Finding rule_4_1_2_5_validity(Subject const& subject);
Finding rule_4_1_2_7_key(Subject const& subject);
Finding rule_4_1_2_8_unique_ids(Subject const& subject);
Finding rule_4_2_1_1_authority_key_id(Subject const& subject);
Finding rule_4_2_1_2_subject_key_id(Subject const& subject);
// names.cc
Finding rule_4_1_2_6_subject(Subject const& subject);
Finding rule_4_2_1_6_names(Subject const& subject);
Finding rule_4_2_1_10_name_constraints(Subject const& subject);
// uses.cc
Finding rule_4_2_extensions(Subject const& subject);
Finding rule_4_2_1_3_key_usage(Subject const& subject);
Finding rule_4_2_1_9_basic_constraints(Subject const& subject);
Finding rule_4_2_1_12_extended_key_usage(Subject const& subject);
Finding rule_6960_4_2_2_2_1_nocheck(Subject const& subject);
// places.cc
Finding rule_4_2_1_13_crl_distribution_points(Subject const& subject);
Finding rule_4_2_2_1_authority_info_access(Subject const& subject);

}  // namespace lenscap::ca::linting
