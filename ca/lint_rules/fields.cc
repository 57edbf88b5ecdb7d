// Lint of the fields that every certificate has: serial number, algorithm, issuer, validity, keys and their
// identifiers.
#include "ca/lint_rules/rules.h"

#include "base/limits.h"

namespace lenscap::ca::linting {
namespace {

using AuthorityKeyIdPtr = ossl::Ptr<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;

}  // namespace

Finding check_serial(Octets const& octets) {
  ASN1_INTEGER const* serial = X509_get0_serialNumber(octets.certificate);
  constexpr std::size_t kOctetsMax = 20;
  constexpr std::size_t kOctetsMin = 16;  // fewer would mean that the random octets did not get here
  if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) return "serial number is negative";
  ByteView const number = octets_of(serial);
  if (number.size() > kOctetsMax || number.size() < kOctetsMin || (number.size() == kOctetsMax && number[0] >= 0x80))
    return "serial number " + to_hex(number) + " is not of 16 to 20 octets";
  return kFine;
}

Finding rule_4_1_2_2_serial(Subject const& subject) {
  if (auto found = check_serial(subject)) return found;
  ByteView const number = octets_of(X509_get0_serialNumber(subject.certificate));
  if (!same(number, subject.wanted.serial)) return "serial number is " + to_hex(number) + ", another than reserved";
  return kFine;
}

Finding check_signature(Octets const& octets, x509::PublicKey const& signing_key) {
  int digest = NID_undef;
  int key = NID_undef;
  X509_ALGOR const* algorithm = X509_get0_tbs_sigalg(octets.certificate);
  if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, &key) != 1)
    return "signature algorithm is unknown";
  EVP_PKEY* issuer_key = signing_key.native();
  if (key != EVP_PKEY_get_base_id(issuer_key)) return "signature algorithm is not one of the issuer's key";
  if (key == NID_ED25519) return kFine;
  // The hash that goes with the key's strength (BR 7.1.3.2 for the curves).
  int const bits = EVP_PKEY_get_bits(issuer_key);
  int const wanted = key == EVP_PKEY_RSA || bits == 256 ? NID_sha256 : bits == 384 ? NID_sha384 : NID_sha512;
  if (digest != wanted) return "signature hash is not the one that goes with the issuer's key";
  int const parameters = algorithm->parameter == nullptr ? V_ASN1_UNDEF : algorithm->parameter->type;
  if (parameters != (key == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF))  // RFC 4055 5, RFC 5758 3.2
    return "signature algorithm has wrong parameters";
  return kFine;
}

Finding rule_4_1_2_3_signature(Subject const& subject) { return check_signature(subject, subject.wanted.issuer.key()); }

Finding check_issuer(Octets const& octets, X509_NAME const* wanted) {
  X509_NAME* issuer = X509_get_issuer_name(octets.certificate);
  if (!same(ossl::to_der(issuer, i2d_X509_NAME), ossl::to_der(wanted, i2d_X509_NAME)))
    return "issuer is not the issuing certificate's subject, octet by octet";
  if (X509_NAME_entry_count(issuer) == 0) return "issuer is empty";
  return kFine;
}

Finding rule_4_1_2_4_issuer(Subject const& subject) {
  return check_issuer(subject, X509_get_subject_name(subject.wanted.issuer.native()));
}

Finding rule_4_1_2_5_validity(Subject const& subject) {
  Time const begin = time_of(X509_get0_notBefore(subject.certificate));
  Time const end = time_of(X509_get0_notAfter(subject.certificate));
  // No certificate of the chain may be over before the leaf is, nor begin after it.
  Time chain_begin = time_of(X509_get0_notBefore(subject.wanted.issuer.native()));
  Time chain_end = time_of(X509_get0_notAfter(subject.wanted.issuer.native()));
  for (x509::Certificate const& above : subject.wanted.above) {
    chain_begin = std::max(chain_begin, time_of(X509_get0_notBefore(above.native())));
    chain_end = std::min(chain_end, time_of(X509_get0_notAfter(above.native())));
  }
  if (begin >= end) return "ends before it begins";
  IssueRequest const& request = subject.wanted.request;
  if (request.not_before && begin != *request.not_before) return "begins at another time than was asked for";
  if (request.not_after && end != *request.not_after) return "ends at another time than was asked for";
  if (!request.not_before && begin > subject.wanted.now) return "begins in the future";
  if (end <= subject.wanted.now) return "has ended already";
  // What was asked for counts from the order, and no order is older than that.
  Seconds const backdate_max = limits::kBackdate + (request.not_before ? limits::kPendingLifetime : Seconds(0));
  if (begin < subject.wanted.now - backdate_max) return "is back-dated by more than an hour";
  if (begin < chain_begin) return "begins before its issuer";
  if (end > chain_end) return "ends after its issuer";
  Seconds const length = end - begin + Seconds(1);
  if (length > limits::kServerCertificateLifetime) return "lives longer than 825 days";
  Profile const& profile = subject.wanted.profile;
  if (length > profile.lifetime) return "lives longer than the profile says";
  bool const begins_with_issuer = begin == chain_begin;
  bool const ends_with_issuer = end == chain_end;
  Time const usual = subject.wanted.now - profile.backdate;
  if (!request.not_before && begin != usual && !begins_with_issuer) return "begins at an unexpected time";
  Time const usual_end = std::min(begin, usual) + profile.lifetime - Seconds(1);
  if (!request.not_after && end != usual_end && !begins_with_issuer && !ends_with_issuer)
    return "lives shorter than the profile says";
  return kFine;
}

Finding check_key(Octets const& octets, x509::PublicKey const& wanted) {
  Bytes const spki = ossl::to_der(X509_get_X509_PUBKEY(octets.certificate), i2d_X509_PUBKEY);
  if (!same(spki, wanted.spki())) return "public key is not the requested one";
  return kFine;
}

Finding rule_4_1_2_7_key(Subject const& subject) {
  if (auto found = check_key(subject, subject.wanted.request.key)) return found;
  if (!subject.wanted.profile.allows(subject.wanted.request.key.type()))
    return "public key is of a type that the profile does not allow";
  return kFine;
}

Finding rule_4_1_2_8_unique_ids(Octets const& octets) {
  ASN1_BIT_STRING const* issuer = nullptr;
  ASN1_BIT_STRING const* own = nullptr;
  X509_get0_uids(octets.certificate, &issuer, &own);
  if (issuer != nullptr || own != nullptr) return "has unique identifiers";
  return kFine;
}

Finding check_authority_key_id(Octets const& octets, ByteView wanted) {
  int critical = 0;
  AuthorityKeyIdPtr const id(
      extension_of<AUTHORITY_KEYID>(octets.certificate, NID_authority_key_identifier, &critical));
  if (id == nullptr || id->keyid == nullptr) return "authority key identifier is missing";
  if (critical != 0) return "authority key identifier is critical";
  if (id->issuer != nullptr || id->serial != nullptr) return "authority key identifier names a certificate, not a key";
  if (wanted.empty() || !same(octets_of(id->keyid), wanted))
    return "authority key identifier " + hex_of(id->keyid) + " is not the issuer's";
  return kFine;
}

Finding rule_4_2_1_1_authority_key_id(Subject const& subject) {
  return check_authority_key_id(subject, subject.wanted.issuer.subject_key_id());
}

Finding rule_4_2_1_2_subject_key_id(Octets const& octets) {
  int critical = 0;
  ossl::Asn1OctetStringPtr const id(
      extension_of<ASN1_OCTET_STRING>(octets.certificate, NID_subject_key_identifier, &critical));
  if (id == nullptr) return "subject key identifier is missing";
  if (critical != 0) return "subject key identifier is critical";
  // RFC 7093 method 1, over the BIT STRING that OpenSSL sees.
  ASN1_BIT_STRING const* key = X509_get0_pubkey_bitstr(octets.certificate);
  Sha256 const hash = sha256(octets_of(key));
  if (!same(octets_of(id.get()), ByteView(hash).first(20)))
    return "subject key identifier " + hex_of(id.get()) + " is not derived from the key";
  return kFine;
}

}  // namespace lenscap::ca::linting
