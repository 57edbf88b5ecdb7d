// Lint of what a certificate is good for: its extensions, key usages, and being no CA.
#include "ca/lint_rules/rules.h"

namespace lenscap::ca::linting {
namespace {

using BitStringPtr = ossl::Ptr<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using UsagesPtr = ossl::Ptr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using BasicConstraintsPtr = ossl::Ptr<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;

}  // namespace

// Of the certificate that signs OCSP answers other things are expected than of those that subscribers ask for.
bool signs_ocsp(Subject const& subject) {
  auto const& usages = subject.wanted.profile.extended_key_usage;
  return std::ranges::find(usages, ExtendedKeyUsage::ocsp_signing) != usages.end();
}

Finding rule_4_2_extensions(Subject const& subject) {
  static constexpr int kAlways[] = {NID_basic_constraints, NID_key_usage, NID_ext_key_usage, NID_subject_key_identifier,
                                    NID_authority_key_identifier};
  static constexpr int kOfSubscribers[] = {NID_info_access, NID_subject_alt_name, NID_crl_distribution_points};
  static constexpr int kOfOcspSigners[] = {NID_id_pkix_OCSP_noCheck};
  std::set<int> allowed(std::begin(kAlways), std::end(kAlways));
  if (signs_ocsp(subject))
    allowed.insert(std::begin(kOfOcspSigners), std::end(kOfOcspSigners));
  else
    allowed.insert(std::begin(kOfSubscribers), std::end(kOfSubscribers));
  return check_extensions(subject, allowed);
}

Finding check_extensions(Octets const& octets, std::set<int> const& allowed) {
  std::set<int> seen;
  for (int i = 0; i < X509_get_ext_count(octets.certificate); ++i) {
    int const nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(octets.certificate, i)));
    if (!allowed.contains(nid)) return "extension " + std::to_string(i + 1) + " has no place in this certificate";
    if (!seen.insert(nid).second) return std::string("has ") + OBJ_nid2sn(nid) + " twice";
  }
  return kFine;
}

Finding check_key_usage(Octets const& octets, ByteView wanted) {
  int critical = 0;
  BitStringPtr const usage(extension_of<ASN1_BIT_STRING>(octets.certificate, NID_key_usage, &critical));
  if (usage == nullptr) return "key usage is missing";
  if (critical != 1) return "key usage is not critical";
  int const at = X509_get_ext_by_NID(octets.certificate, NID_key_usage, -1);
  if (!same(octets_of(X509_EXTENSION_get_data(X509_get_ext(octets.certificate, at))), wanted))
    return "key usage is not exactly what is needed";
  return kFine;
}

Finding rule_4_2_1_3_key_usage(Subject const& subject) {
  // Named bits end with the last one that is set (X.690 11.2.2), so there is one encoding of each.
  static constexpr std::uint8_t kSignature[] = {0x03, 0x02, 0x07, 0x80};
  static constexpr std::uint8_t kSignatureAndEncipherment[] = {0x03, 0x02, 0x05, 0xa0};
  // RFC 8446 and 5246: an RSA key of a server may decrypt the premaster secret, and no other key ever does.
  bool const may_decrypt =
      EVP_PKEY_get_base_id(subject.wanted.request.key.native()) == EVP_PKEY_RSA &&
      std::ranges::count(subject.wanted.profile.extended_key_usage, ExtendedKeyUsage::server_auth) > 0;
  return check_key_usage(subject, may_decrypt ? ByteView(kSignatureAndEncipherment) : ByteView(kSignature));
}

Finding rule_4_2_1_9_basic_constraints(Subject const& subject) {
  int critical = 0;
  BasicConstraintsPtr const constraints(
      extension_of<BASIC_CONSTRAINTS>(subject.certificate, NID_basic_constraints, &critical));
  if (constraints == nullptr) return "basic constraints are missing";
  if (constraints->ca != 0) return "says that it is a CA";
  if (constraints->pathlen != nullptr) return "has a path length without being a CA";
  if (critical != 1) return "basic constraints are not critical";
  return kFine;
}

Finding check_extended_key_usage(Octets const& octets, std::vector<ExtendedKeyUsage> const& wanted_usages) {
  int critical = 0;
  UsagesPtr const usages(extension_of<EXTENDED_KEY_USAGE>(octets.certificate, NID_ext_key_usage, &critical));
  if (usages == nullptr) return "extended key usage is missing";
  if (critical != 0) return "extended key usage is critical";
  std::set<int> found;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i)
    found.insert(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)));
  std::set<int> wanted;
  for (ExtendedKeyUsage usage : wanted_usages)
    wanted.insert(usage == ExtendedKeyUsage::server_auth   ? NID_server_auth
                  : usage == ExtendedKeyUsage::client_auth ? NID_client_auth
                                                           : NID_OCSP_sign);
  // Who answers for all certificates of the issuer does nothing else (RFC 6960 4.2.2.2).
  if (wanted.contains(NID_OCSP_sign) && wanted.size() != 1) return "extended key usage joins OCSP with another";
  if (found != wanted || static_cast<std::size_t>(sk_ASN1_OBJECT_num(usages.get())) != wanted.size())
    return "extended key usage is not the one that is wanted";
  return kFine;
}

Finding rule_4_2_1_12_extended_key_usage(Subject const& subject) {
  return check_extended_key_usage(subject, subject.wanted.profile.extended_key_usage);
}

// RFC 6960 4.2.2.2.1: exactly where the signer of OCSP answers needs it; elsewhere it would switch revocation off.
Finding rule_6960_4_2_2_2_1_nocheck(Subject const& subject) {
  int const at = X509_get_ext_by_NID(subject.certificate, NID_id_pkix_OCSP_noCheck, -1);
  if (at < 0) {
    if (signs_ocsp(subject)) return "does not say that its revocation is not to be asked for";
    return kFine;
  }
  if (!signs_ocsp(subject)) return "says that its revocation is not to be asked for";
  X509_EXTENSION* extension = X509_get_ext(subject.certificate, at);
  static constexpr std::uint8_t kNull[] = {0x05, 0x00};
  if (X509_EXTENSION_get_critical(extension) != 0) return "id-pkix-ocsp-nocheck is critical";
  if (!same(octets_of(X509_EXTENSION_get_data(extension)), kNull)) return "id-pkix-ocsp-nocheck is not NULL";
  return kFine;
}

}  // namespace lenscap::ca::linting
