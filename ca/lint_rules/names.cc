// Lint of names: the subject, the subject alternative names, and the constraints above.
#include "ca/lint_rules/rules.h"

namespace lenscap::ca::linting {
namespace {

using GeneralNamesPtr = ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free>;
using NameConstraintsPtr = ossl::Ptr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;

std::set<std::string> dns_names(GENERAL_NAMES const* names) {
  std::set<std::string> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    GENERAL_NAME const* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) out.emplace(as_text(octets_of(name->d.dNSName)));
  }
  return out;
}

constexpr std::size_t kCommonNameOctetsMax = 64;

// The names of the request that may be a common name.
std::set<std::string> possible_common_names(IssueRequest const& request) {
  std::set<std::string> out;
  for (auto const& name : request.names.dns)
    if (name.text().size() <= kCommonNameOctetsMax && !name.text().starts_with("*.")) out.insert(name.text());
  return out;
}

Finding check_empty_subject(Subject const& subject) {
  bool const may_be = subject.wanted.profile.common_name == CommonName::none || subject.wanted.subjects_are_limited ||
                      possible_common_names(subject.wanted.request).empty();
  if (may_be) return kFine;
  return "subject is empty, and the profile wants a common name";
}

// What the client wished, where it may be had.
Finding check_wish(Subject const& subject, std::string const& common_name) {
  auto const wish = x509::DnsName::parse(subject.wanted.request.common_name);
  if (!wish || wish->text() == common_name) return kFine;
  if (!possible_common_names(subject.wanted.request).contains(wish->text())) return kFine;
  return "common name is another name than the one that was asked for";
}

}  // namespace

Finding rule_4_1_2_6_subject(Subject const& subject) {
  X509_NAME* name = X509_get_subject_name(subject.certificate);
  int const count = X509_NAME_entry_count(name);
  if (signs_ocsp(subject)) {
    X509_NAME_ENTRY const* only = count == 1 ? X509_NAME_get_entry(name, 0) : nullptr;
    if (only == nullptr || OBJ_obj2nid(X509_NAME_ENTRY_get_object(only)) != NID_commonName ||
        as_text(octets_of(X509_NAME_ENTRY_get_data(only))) != "OCSP responder" ||
        ASN1_STRING_type(X509_NAME_ENTRY_get_data(only)) != V_ASN1_UTF8STRING)
      return "subject is not the name of an OCSP responder";
    return kFine;
  }
  if (count == 0) return check_empty_subject(subject);
  if (count > 1) return "subject has more than a common name";
  if (subject.wanted.profile.common_name == CommonName::none) return "subject is not empty, as the profile wants it";
  X509_NAME_ENTRY const* entry = X509_NAME_get_entry(name, 0);
  if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName) return "subject is not a common name";
  ASN1_STRING const* value = X509_NAME_ENTRY_get_data(entry);
  ByteView const text = octets_of(value);
  if (ASN1_STRING_type(value) != V_ASN1_UTF8STRING && ASN1_STRING_type(value) != V_ASN1_PRINTABLESTRING)
    return "common name is of an old string type";
  if (text.empty() || text.size() > kCommonNameOctetsMax) return "common name is empty or longer than 64 characters";
  // A common name beside addresses alone makes OpenSSL and GnuTLS refuse the chain under DNS constraints; and one that
  // no subjectAltName repeats would be a name that nobody authorized.
  GeneralNamesPtr const names(extension_of<GENERAL_NAMES>(subject.certificate, NID_subject_alt_name, nullptr));
  if (names == nullptr || !dns_names(names.get()).contains(std::string(as_text(text))))
    return "common name is not one of the DNS names";
  return check_wish(subject, std::string(as_text(text)));
}

Finding rule_4_2_1_6_names(Subject const& subject) {
  int critical = 0;
  GeneralNamesPtr const names(extension_of<GENERAL_NAMES>(subject.certificate, NID_subject_alt_name, &critical));
  if (signs_ocsp(subject)) {
    if (critical != -1) return "names something, and is no server's";
    return kFine;
  }
  if (names == nullptr) return "subject alternative name is missing or unreadable";
  bool const empty = X509_NAME_entry_count(X509_get_subject_name(subject.certificate)) == 0;
  if ((critical == 1) != empty) return "subject alternative name must be critical exactly when the subject is empty";
  std::set<std::string> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    GENERAL_NAME const* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      text = "dns:" + std::string(as_text(octets_of(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      text = "ip:" + to_hex(octets_of(name->d.iPAddress));
    } else {
      return "holds a name that is neither DNS nor IP";
    }
    if (!found.insert(text).second) return "holds " + text + " twice";
  }
  std::set<std::string> wanted;
  for (x509::DnsName const& name : subject.wanted.request.names.dns) wanted.insert("dns:" + name.text());
  for (x509::IpAddress const& address : subject.wanted.request.names.ip)
    wanted.insert("ip:" + to_hex(address.octets()));
  if (found.empty()) return "holds no name";
  if (found != wanted) return "names are not the requested ones";
  return kFine;
}

// What OpenSSL says to the constraints of a certificate above, before anything is signed.
Finding check_names_under(Octets const& octets, X509* above, WithCommonName common_name) {
  NameConstraintsPtr const constraints(extension_of<NAME_CONSTRAINTS>(above, NID_name_constraints, nullptr));
  if (constraints == nullptr) {
    if (X509_get_ext_by_NID(above, NID_name_constraints, -1) >= 0) return "the name constraints above are unreadable";
    return kFine;
  }
  int verdict = NAME_CONSTRAINTS_check(octets.certificate, constraints.get());
  if (verdict == X509_V_OK && common_name == WithCommonName::yes)
    verdict = NAME_CONSTRAINTS_check_CN(octets.certificate, constraints.get());
  if (verdict != X509_V_OK) return std::string("name constraints: ") + X509_verify_cert_error_string(verdict);
  return kFine;
}

Finding rule_4_2_1_10_name_constraints(Subject const& subject) {
  if (auto found = check_names_under(subject, subject.wanted.issuer.native(), WithCommonName::yes)) return found;
  for (x509::Certificate const& above : subject.wanted.above)
    if (auto found = check_names_under(subject, above.native(), WithCommonName::yes)) return found;
  return kFine;
}

}  // namespace lenscap::ca::linting
