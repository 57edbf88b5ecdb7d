// What the rules of lint.h have in common, and their names: one function for each clause, in files by what they look
// at: encoding, fields of the certificate, names, uses, and places where something is served; what is said of CAs alone
// has files of its own. The rules look at the octets through OpenSSL's parser and through a walk over the DER; nothing
// of template.cc, der.cc or extensions/ is used.
#pragma once

#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/ossl.h"
#include "ca/lint.h"

namespace lenscap::ca::linting {

// What a rule looks at.
struct Octets {
  ByteView tbs;
  X509* certificate;  // the octets under a signature of zeros, parsed
};
// And what they are supposed to be.
struct Subject : Octets {
  LintContext const& wanted;
};
struct CaSubject : Octets {
  CaLintContext const& wanted;
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

// Clauses that are the same for leaves and CAs, but for what is expected.
Finding check_serial(Octets const& octets);
Finding check_signature(Octets const& octets, x509::PublicKey const& signing_key);
Finding check_issuer(Octets const& octets, X509_NAME const* wanted);
Finding check_key(Octets const& octets, x509::PublicKey const& wanted);
Finding check_authority_key_id(Octets const& octets, ByteView wanted);
enum class WithCommonName { no, yes };
Finding check_names_under(Octets const& octets, X509* above, WithCommonName common_name);
Finding check_extensions(Octets const& octets, std::set<int> const& allowed);
Finding check_key_usage(Octets const& octets, ByteView wanted);  // the extension's value
Finding check_extended_key_usage(Octets const& octets, std::vector<ExtendedKeyUsage> const& wanted_usages);
Finding check_crl_distribution_points(Octets const& octets, std::string const& wanted);  // empty: none is served
Finding check_authority_info_access(Octets const& octets, std::string const& ca_issuers, std::string const& ocsp);

// encoding.cc
Finding rule_4_1_der(Octets const& octets);
Finding rule_4_1_2_1_version(Octets const& octets);
Finding rule_4_1_2_5_time_form(Octets const& octets);
// fields.cc
Finding rule_4_1_2_2_serial(Subject const& subject);
Finding rule_4_1_2_3_signature(Subject const& subject);
Finding rule_4_1_2_4_issuer(Subject const& subject);
Finding rule_4_1_2_5_validity(Subject const& subject);
Finding rule_4_1_2_7_key(Subject const& subject);
Finding rule_4_1_2_8_unique_ids(Octets const& octets);
Finding rule_4_2_1_1_authority_key_id(Subject const& subject);
Finding rule_4_2_1_2_subject_key_id(Octets const& octets);
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

// ca_fields.cc
Finding ca_rule_4_1_2_2_serial(Octets const& octets);
Finding ca_rule_4_1_2_3_signature(CaSubject const& subject);
Finding ca_rule_4_1_2_4_issuer(CaSubject const& subject);
Finding ca_rule_4_1_2_5_validity(CaSubject const& subject);
Finding ca_rule_4_1_2_6_subject(CaSubject const& subject);
Finding ca_rule_4_1_2_7_key(CaSubject const& subject);
Finding ca_rule_4_2_1_1_authority_key_id(CaSubject const& subject);
// ca_uses.cc
Finding ca_rule_4_2_extensions(Octets const& octets);
Finding ca_rule_4_2_1_3_key_usage(Octets const& octets);
Finding ca_rule_4_2_1_9_basic_constraints(CaSubject const& subject);
Finding ca_rule_4_2_1_10_name_constraints(CaSubject const& subject);
Finding ca_rule_4_2_1_12_extended_key_usage(CaSubject const& subject);
Finding ca_rule_4_2_1_13_crl_distribution_points(CaSubject const& subject);
Finding ca_rule_4_2_2_1_authority_info_access(CaSubject const& subject);

}  // namespace lenscap::ca::linting
