// The rules, one function each, named after their clause of RFC 5280. They look at the octets through OpenSSL's parser
// and through a walk over the DER below; nothing of template.cc, der.cc or extensions/ is used here.
#include "ca/lint.h"

#include <openssl/ocsp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/limits.h"
#include "base/ossl.h"

namespace lenscap::ca {
namespace {

using ossl::Ptr;
using AuthorityKeyIdPtr = Ptr<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using GeneralNamesPtr = Ptr<GENERAL_NAMES, GENERAL_NAMES_free>;
using BitStringPtr = Ptr<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using UsagesPtr = Ptr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using BasicConstraintsPtr = Ptr<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using AccessPtr = Ptr<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free>;
using PointsPtr = Ptr<CRL_DIST_POINTS, CRL_DIST_POINTS_free>;
using NameConstraintsPtr = Ptr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;

// What a rule looks at.
struct Subject {
  ByteView tbs;
  X509* certificate;  // the octets under a signature of zeros, parsed
  LintContext const& wanted;
};

// A finding: what is wrong, or nothing.
using Finding = std::optional<std::string>;
constexpr auto kFine = std::nullopt;

std::string hex_of(ASN1_STRING const* text) {
  return to_hex({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))});
}
ByteView octets_of(ASN1_STRING const* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}
bool same(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

template <class T>
T* extension_of(X509* certificate, int nid, int* critical) {
  // Null with -1: absent; null with -2: present more than once; other null: unreadable.
  return static_cast<T*>(X509_get_ext_d2i(certificate, nid, critical, nullptr));
}

// --- 4.1: the encoding ---

// One element of DER at the start of `rest`: definite, shortest length. False when there is none.
struct Element {
  std::uint8_t tag = 0;
  ByteView content;
};
bool take_element(ByteView& rest, Element& out) {
  if (rest.size() < 2 || (rest[0] & 0x1f) == 0x1f) return false;
  out.tag = rest[0];
  std::size_t length = rest[1];
  std::size_t header = 2;
  if (length >= 0x80) {
    std::size_t const count = length - 0x80;
    if (count == 0 || count > 3 || rest.size() < 2 + count || rest[2] == 0) return false;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | rest[2 + i];
    if (length < 0x80) return false;
    header += count;
  }
  if (rest.size() - header < length) return false;
  out.content = rest.subspan(header, length);
  rest = rest.subspan(header + length);
  return true;
}

bool is_strict_element(Element const& element, int depth) {
  constexpr int kDepthMax = 16;
  if (depth > kDepthMax) return false;
  if ((element.tag & 0x20) != 0) {
    for (ByteView rest = element.content; !rest.empty();) {
      Element inner;
      if (!take_element(rest, inner) || !is_strict_element(inner, depth + 1)) return false;
    }
    return true;
  }
  switch (element.tag) {
    case 0x01:  // BOOLEAN: FALSE is never written, since everywhere it is the default
      return element.content.size() == 1 && element.content[0] == 0xff;
    case 0x02: {  // INTEGER: shortest form
      if (element.content.empty()) return false;
      if (element.content.size() == 1) return true;
      bool const negative = (element.content[1] & 0x80) != 0;
      return !(element.content[0] == 0 && !negative) && !(element.content[0] == 0xff && negative);
    }
    case 0x03: {  // BIT STRING: the bits that do not count are zero
      if (element.content.empty()) return false;
      unsigned const unused = element.content[0];
      if (unused > 7 || (element.content.size() == 1 && unused != 0)) return false;
      return (element.content.back() & ((1U << unused) - 1)) == 0 || element.content.size() == 1;
    }
    default:
      return true;
  }
}

Finding rule_4_1_der(Subject const& subject) {
  ByteView rest = subject.tbs;
  Element tbs;
  if (!take_element(rest, tbs) || tbs.tag != 0x30 || !is_strict_element(tbs, 0)) return "is not strict DER";
  if (!rest.empty()) return "has octets after its end";
  // Each extension's value is DER of its own.
  for (int i = 0; i < X509_get_ext_count(subject.certificate); ++i) {
    ByteView value = octets_of(X509_EXTENSION_get_data(X509_get_ext(subject.certificate, i)));
    Element inner;
    if (!take_element(value, inner) || !value.empty() || !is_strict_element(inner, 0))
      return "the value of extension " + std::to_string(i + 1) + " is not strict DER";
  }
  Bytes const again = ossl::to_der(subject.certificate, i2d_re_X509_tbs);
  if (!same(again, subject.tbs)) return "encodes differently when OpenSSL writes it again";
  return kFine;
}

Finding rule_4_1_2_1_version(Subject const& subject) {
  if (X509_get_version(subject.certificate) != X509_VERSION_3) return "version is not 3";
  return kFine;
}

Finding rule_4_1_2_2_serial(Subject const& subject) {
  ASN1_INTEGER const* serial = X509_get0_serialNumber(subject.certificate);
  constexpr std::size_t kOctetsMax = 20;
  constexpr std::size_t kOctetsMin = 16;  // fewer would mean that the random octets did not get here
  if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) return "serial number is negative";
  ByteView const octets = octets_of(serial);
  if (octets.size() > kOctetsMax || octets.size() < kOctetsMin || (octets.size() == kOctetsMax && octets[0] >= 0x80))
    return "serial number " + to_hex(octets) + " is not of 16 to 20 octets";
  if (!same(octets, subject.wanted.serial)) return "serial number is " + to_hex(octets) + ", another than reserved";
  return kFine;
}

Finding rule_4_1_2_3_signature(Subject const& subject) {
  int digest = NID_undef;
  int key = NID_undef;
  X509_ALGOR const* algorithm = X509_get0_tbs_sigalg(subject.certificate);
  if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, &key) != 1)
    return "signature algorithm is unknown";
  EVP_PKEY* issuer_key = subject.wanted.issuer.key().native();
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

Finding rule_4_1_2_4_issuer(Subject const& subject) {
  Bytes const issuer = ossl::to_der(X509_get_issuer_name(subject.certificate), i2d_X509_NAME);
  Bytes const wanted = ossl::to_der(X509_get_subject_name(subject.wanted.issuer.native()), i2d_X509_NAME);
  if (!same(issuer, wanted)) return "issuer is not the issuing certificate's subject, octet by octet";
  if (X509_NAME_entry_count(X509_get_issuer_name(subject.certificate)) == 0) return "issuer is empty";
  return kFine;
}

Time time_of(ASN1_TIME const* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Time::min();
  return from_unix(timegm(&parts));
}

// UTCTime to 2049, GeneralizedTime from 2050; seconds, Z, no fraction.
bool is_profiled_time(ASN1_TIME const* time) {
  ByteView const text = octets_of(time);
  bool const late = time_of(time) >= from_unix(2524608000);  // 2050-01-01T00:00:00Z
  if (ASN1_STRING_type(time) != (late ? V_ASN1_GENERALIZEDTIME : V_ASN1_UTCTIME)) return false;
  return text.size() == (late ? 15u : 13u) && text.back() == 'Z' &&
         std::all_of(text.begin(), text.end() - 1, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

Finding rule_4_1_2_5_time_form(Subject const& subject) {
  if (!is_profiled_time(X509_get0_notBefore(subject.certificate))) return "notBefore is in the wrong form";
  if (!is_profiled_time(X509_get0_notAfter(subject.certificate))) return "notAfter is in the wrong form";
  return kFine;
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

std::set<std::string> dns_names(GENERAL_NAMES const* names) {
  std::set<std::string> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    GENERAL_NAME const* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) out.emplace(as_text(octets_of(name->d.dNSName)));
  }
  return out;
}

// Of the certificate that signs OCSP answers other things are expected than of those that subscribers ask for.
bool signs_ocsp(Subject const& subject) {
  auto const& usages = subject.wanted.profile.extended_key_usage;
  return std::ranges::find(usages, ExtendedKeyUsage::ocsp_signing) != usages.end();
}

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
  if (count == 0) return kFine;
  if (count > 1) return "subject has more than a common name";
  if (subject.wanted.profile.common_name == CommonName::none) return "subject is not empty, as the profile wants it";
  X509_NAME_ENTRY const* entry = X509_NAME_get_entry(name, 0);
  if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName) return "subject is not a common name";
  ASN1_STRING const* value = X509_NAME_ENTRY_get_data(entry);
  constexpr std::size_t kCommonNameOctetsMax = 64;
  ByteView const text = octets_of(value);
  if (ASN1_STRING_type(value) != V_ASN1_UTF8STRING && ASN1_STRING_type(value) != V_ASN1_PRINTABLESTRING)
    return "common name is of an old string type";
  if (text.empty() || text.size() > kCommonNameOctetsMax) return "common name is empty or longer than 64 characters";
  // A common name beside addresses alone makes OpenSSL and GnuTLS refuse the chain under DNS constraints; and one that
  // no subjectAltName repeats would be a name that nobody authorized.
  GeneralNamesPtr const names(extension_of<GENERAL_NAMES>(subject.certificate, NID_subject_alt_name, nullptr));
  if (names == nullptr || !dns_names(names.get()).contains(std::string(as_text(text))))
    return "common name is not one of the DNS names";
  return kFine;
}

Finding rule_4_1_2_7_key(Subject const& subject) {
  Bytes const spki = ossl::to_der(X509_get_X509_PUBKEY(subject.certificate), i2d_X509_PUBKEY);
  if (!same(spki, subject.wanted.request.key.spki())) return "public key is not the requested one";
  if (!subject.wanted.profile.allows(subject.wanted.request.key.type()))
    return "public key is of a type that the profile does not allow";
  return kFine;
}

Finding rule_4_1_2_8_unique_ids(Subject const& subject) {
  ASN1_BIT_STRING const* issuer = nullptr;
  ASN1_BIT_STRING const* own = nullptr;
  X509_get0_uids(subject.certificate, &issuer, &own);
  if (issuer != nullptr || own != nullptr) return "has unique identifiers";
  return kFine;
}

// --- 4.2: the extensions ---

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
  std::set<int> seen;
  for (int i = 0; i < X509_get_ext_count(subject.certificate); ++i) {
    int const nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(subject.certificate, i)));
    if (!allowed.contains(nid)) return "extension " + std::to_string(i + 1) + " has no place in this leaf";
    if (!seen.insert(nid).second) return std::string("has ") + OBJ_nid2sn(nid) + " twice";
  }
  return kFine;
}

Finding rule_4_2_1_1_authority_key_id(Subject const& subject) {
  int critical = 0;
  AuthorityKeyIdPtr const id(
      extension_of<AUTHORITY_KEYID>(subject.certificate, NID_authority_key_identifier, &critical));
  ASN1_OCTET_STRING const* wanted = X509_get0_subject_key_id(subject.wanted.issuer.native());
  if (id == nullptr || id->keyid == nullptr) return "authority key identifier is missing";
  if (critical != 0) return "authority key identifier is critical";
  if (id->issuer != nullptr || id->serial != nullptr) return "authority key identifier names a certificate, not a key";
  if (wanted == nullptr || ASN1_OCTET_STRING_cmp(id->keyid, wanted) != 0)
    return "authority key identifier " + hex_of(id->keyid) + " is not the issuer's";
  return kFine;
}

Finding rule_4_2_1_2_subject_key_id(Subject const& subject) {
  int critical = 0;
  ossl::Asn1OctetStringPtr const id(
      extension_of<ASN1_OCTET_STRING>(subject.certificate, NID_subject_key_identifier, &critical));
  if (id == nullptr) return "subject key identifier is missing";
  if (critical != 0) return "subject key identifier is critical";
  // RFC 7093 method 1, over the BIT STRING that OpenSSL sees.
  ASN1_BIT_STRING const* key = X509_get0_pubkey_bitstr(subject.certificate);
  Sha256 const hash = sha256(octets_of(key));
  if (!same(octets_of(id.get()), ByteView(hash).first(20)))
    return "subject key identifier " + hex_of(id.get()) + " is not derived from the key";
  return kFine;
}

Finding rule_4_2_1_3_key_usage(Subject const& subject) {
  int critical = 0;
  BitStringPtr const usage(extension_of<ASN1_BIT_STRING>(subject.certificate, NID_key_usage, &critical));
  if (usage == nullptr) return "key usage is missing";
  if (critical != 1) return "key usage is not critical";
  // Named bits end with the last one that is set (X.690 11.2.2), so there is one encoding of each.
  static constexpr std::uint8_t kSignature[] = {0x03, 0x02, 0x07, 0x80};
  static constexpr std::uint8_t kSignatureAndEncipherment[] = {0x03, 0x02, 0x05, 0xa0};
  // RFC 8446 and 5246: an RSA key of a server may decrypt the premaster secret, and no other key ever does.
  bool const may_decrypt =
      EVP_PKEY_get_base_id(subject.wanted.request.key.native()) == EVP_PKEY_RSA &&
      std::ranges::count(subject.wanted.profile.extended_key_usage, ExtendedKeyUsage::server_auth) > 0;
  ByteView const wanted = may_decrypt ? ByteView(kSignatureAndEncipherment) : ByteView(kSignature);
  int const at = X509_get_ext_by_NID(subject.certificate, NID_key_usage, -1);
  if (!same(octets_of(X509_EXTENSION_get_data(X509_get_ext(subject.certificate, at))), wanted))
    return "key usage is not exactly what the key and the profile need";
  return kFine;
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

// What OpenSSL says to every constraint between here and the root, before anything is signed.
Finding check_constraints_of(X509* certificate, X509* issuer) {
  NameConstraintsPtr const constraints(extension_of<NAME_CONSTRAINTS>(issuer, NID_name_constraints, nullptr));
  if (constraints == nullptr) {
    if (X509_get_ext_by_NID(issuer, NID_name_constraints, -1) >= 0) return "the name constraints above are unreadable";
    return kFine;
  }
  int verdict = NAME_CONSTRAINTS_check(certificate, constraints.get());
  if (verdict == X509_V_OK) verdict = NAME_CONSTRAINTS_check_CN(certificate, constraints.get());
  if (verdict != X509_V_OK) return std::string("name constraints: ") + X509_verify_cert_error_string(verdict);
  return kFine;
}

Finding rule_4_2_1_10_name_constraints(Subject const& subject) {
  if (auto found = check_constraints_of(subject.certificate, subject.wanted.issuer.native())) return found;
  for (x509::Certificate const& above : subject.wanted.above)
    if (auto found = check_constraints_of(subject.certificate, above.native())) return found;
  return kFine;
}

Finding rule_4_2_1_12_extended_key_usage(Subject const& subject) {
  int critical = 0;
  UsagesPtr const usages(extension_of<EXTENDED_KEY_USAGE>(subject.certificate, NID_ext_key_usage, &critical));
  if (usages == nullptr) return "extended key usage is missing";
  if (critical != 0) return "extended key usage is critical";
  std::set<int> found;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i)
    found.insert(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)));
  std::set<int> wanted;
  for (ExtendedKeyUsage usage : subject.wanted.profile.extended_key_usage)
    wanted.insert(usage == ExtendedKeyUsage::server_auth   ? NID_server_auth
                  : usage == ExtendedKeyUsage::client_auth ? NID_client_auth
                                                           : NID_OCSP_sign);
  // Who answers for all certificates of the issuer does nothing else (RFC 6960 4.2.2.2).
  if (wanted.contains(NID_OCSP_sign) && wanted.size() != 1) return "extended key usage joins OCSP with another";
  if (found != wanted || static_cast<std::size_t>(sk_ASN1_OBJECT_num(usages.get())) != wanted.size())
    return "extended key usage is not the profile's";
  return kFine;
}

// Which list a certificate belongs to, from its serial number as OpenSSL reads it; not as crl_places.cc does.
std::string expected_crl_url(Subject const& subject) {
  CrlPlaces const& places = subject.wanted.crl_places;
  if (places.parts == 1) return places.base + ".crl";
  ossl::BnPtr const number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(subject.certificate), nullptr));
  ossl::check(number != nullptr, "a serial number");
  if (BN_num_bits(number.get()) > 32) ossl::check(BN_mask_bits(number.get(), 32) == 1, "BN_mask_bits");
  auto const part = static_cast<unsigned>(BN_mod_word(number.get(), places.parts));
  return places.base + "/" + std::to_string(places.parts) + "-" + std::to_string(part) + ".crl";
}

Finding rule_4_2_1_13_crl_distribution_points(Subject const& subject) {
  int critical = 0;
  PointsPtr const points(extension_of<CRL_DIST_POINTS>(subject.certificate, NID_crl_distribution_points, &critical));
  bool const is_served = !subject.wanted.crl_places.base.empty() && !signs_ocsp(subject);
  if (points == nullptr) {
    if (critical != -1) return "CRL distribution points are unreadable";
    if (is_served) return "CRL distribution points are missing";
    return kFine;
  }
  if (!is_served) return "names a revocation list though none is served";
  if (critical != 0) return "CRL distribution points are critical";
  if (sk_DIST_POINT_num(points.get()) != 1) return "CRL distribution points are more than one";
  DIST_POINT const* point = sk_DIST_POINT_value(points.get(), 0);
  if (point->reasons != nullptr) return "CRL distribution point is for some reasons alone";
  if (point->CRLissuer != nullptr) return "CRL distribution point names another issuer";
  if (point->distpoint == nullptr || point->distpoint->type != 0) return "CRL distribution point has no full name";
  GENERAL_NAMES const* names = point->distpoint->name.fullname;
  if (sk_GENERAL_NAME_num(names) != 1 || sk_GENERAL_NAME_value(names, 0)->type != GEN_URI)
    return "CRL distribution point is not one URL";
  std::string_view const url = as_text(octets_of(sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier));
  if (url != expected_crl_url(subject)) return "revocation list's URL is not that of the list it belongs to";
  if (!url.starts_with("http://")) return "revocation list's URL is not plain HTTP: TLS would ask for the list again";
  return kFine;
}

// What is served, and nothing else: the issuer's certificate, and answers to who asks whether this one is revoked.
Finding rule_4_2_2_1_authority_info_access(Subject const& subject) {
  std::set<std::pair<int, std::string>> wanted;
  if (!signs_ocsp(subject)) {
    if (!subject.wanted.ca_issuers_url.empty()) wanted.emplace(NID_ad_ca_issuers, subject.wanted.ca_issuers_url);
    if (!subject.wanted.ocsp_url.empty()) wanted.emplace(NID_ad_OCSP, subject.wanted.ocsp_url);
  }
  int critical = 0;
  AccessPtr const access(extension_of<AUTHORITY_INFO_ACCESS>(subject.certificate, NID_info_access, &critical));
  if (access == nullptr) {
    if (critical != -1) return "authority information access is unreadable";
    if (!wanted.empty()) return "authority information access is missing";
    return kFine;
  }
  if (critical != 0) return "authority information access is critical";
  std::set<std::pair<int, std::string>> found;
  for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
    ACCESS_DESCRIPTION const* one = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (one->location->type != GEN_URI) return "authority information access holds something else than URLs";
    std::string const url(as_text(octets_of(one->location->d.uniformResourceIdentifier)));
    if (!url.starts_with("http://")) return "holds a URL that is not plain HTTP: checking TLS with it goes in circles";
    if (!found.emplace(OBJ_obj2nid(one->method), url).second) return "authority information access says a thing twice";
  }
  for (int const method : {NID_ad_OCSP, NID_ad_ca_issuers}) {
    auto const is_of = [method](auto const& place) { return place.first == method; };
    std::string const what = method == NID_ad_OCSP ? "the OCSP responder's URL" : "the issuer's URL";
    auto const there = std::ranges::find_if(found, is_of);
    auto const expected = std::ranges::find_if(wanted, is_of);
    if (there == found.end() && expected != wanted.end()) return what + " is missing";
    if (there != found.end() && expected == wanted.end()) return what + " is named, and nothing is served there";
    if (there != found.end() && *there != *expected) return what + " is not that of the settings";
  }
  if (found.size() != wanted.size()) return "authority information access holds more than is served";
  return kFine;
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

struct Rule {
  std::string_view name;
  Finding (*check)(Subject const& subject);
};

constexpr Rule kRules[] = {
    {"5280-4.1-der", rule_4_1_der},
    {"5280-4.1.2.1-version", rule_4_1_2_1_version},
    {"5280-4.1.2.2-serial", rule_4_1_2_2_serial},
    {"5280-4.1.2.3-signature", rule_4_1_2_3_signature},
    {"5280-4.1.2.4-issuer", rule_4_1_2_4_issuer},
    {"5280-4.1.2.5-time-form", rule_4_1_2_5_time_form},
    {"5280-4.1.2.5-validity", rule_4_1_2_5_validity},
    {"5280-4.1.2.6-subject", rule_4_1_2_6_subject},
    {"5280-4.1.2.7-key", rule_4_1_2_7_key},
    {"5280-4.1.2.8-unique-ids", rule_4_1_2_8_unique_ids},
    {"5280-4.2-extensions", rule_4_2_extensions},
    {"5280-4.2.1.1-authority-key-id", rule_4_2_1_1_authority_key_id},
    {"5280-4.2.1.2-subject-key-id", rule_4_2_1_2_subject_key_id},
    {"5280-4.2.1.3-key-usage", rule_4_2_1_3_key_usage},
    {"5280-4.2.1.6-names", rule_4_2_1_6_names},
    {"5280-4.2.1.9-basic-constraints", rule_4_2_1_9_basic_constraints},
    {"5280-4.2.1.10-name-constraints", rule_4_2_1_10_name_constraints},
    {"5280-4.2.1.12-extended-key-usage", rule_4_2_1_12_extended_key_usage},
    {"5280-4.2.1.13-crl-distribution-points", rule_4_2_1_13_crl_distribution_points},
    {"5280-4.2.2.1-authority-info-access", rule_4_2_2_1_authority_info_access},
    {"6960-4.2.2.2.1-nocheck", rule_6960_4_2_2_2_1_nocheck},
};

using LibraryPtr = Ptr<OSSL_LIB_CTX, OSSL_LIB_CTX_free>;
using ProviderPtr = Ptr<OSSL_PROVIDER, OSSL_PROVIDER_unload>;

// A corner of OpenSSL that knows no keys. Its parser makes an EVP_PKEY of every certificate's key, by ten times the
// work of all the rest; here it fails at once, and the octets of the key, which is what the rules look at, stay as they
// are.
OSSL_LIB_CTX* without_keys() {
  struct Corner {
    LibraryPtr library{OSSL_LIB_CTX_new()};
    ProviderPtr provider{library ? OSSL_PROVIDER_load(library.get(), "null") : nullptr};
  };
  static Corner const corner;
  ossl::check(corner.provider != nullptr, "OpenSSL's null provider");
  return corner.library.get();
}

// The octets as a certificate that OpenSSL reads: under the algorithm that they name themselves and a signature of
// zeros, which nobody verifies. Null when they cannot be read.
ossl::X509Ptr parse_unsigned(ByteView tbs) {
  ByteView rest = tbs;
  Element whole;
  if (!take_element(rest, whole)) return nullptr;
  ByteView inside = whole.content;
  Element skipped;  // [0] version, serial number
  if (inside.empty() || !take_element(inside, skipped)) return nullptr;
  if (skipped.tag == 0xa0 && !take_element(inside, skipped)) return nullptr;
  ByteView const from_algorithm = inside;
  Element algorithm;
  if (!take_element(inside, algorithm)) return nullptr;
  ByteView const algorithm_octets = from_algorithm.first(from_algorithm.size() - inside.size());

  constexpr std::uint8_t kNoSignature[] = {0x03, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  std::size_t const length = tbs.size() + algorithm_octets.size() + sizeof kNoSignature;
  if (length > 0xffffff) return nullptr;
  Bytes der{0x30, 0x83, static_cast<std::uint8_t>(length >> 16), static_cast<std::uint8_t>(length >> 8 & 0xff),
            static_cast<std::uint8_t>(length & 0xff)};  // OpenSSL takes the long form of a length anywhere
  der.insert(der.end(), tbs.begin(), tbs.end());
  der.insert(der.end(), algorithm_octets.begin(), algorithm_octets.end());
  der.insert(der.end(), std::begin(kNoSignature), std::end(kNoSignature));
  unsigned char const* at = der.data();
  ossl::X509Ptr certificate(static_cast<X509*>(static_cast<void*>(
      ASN1_item_d2i_ex(nullptr, &at, static_cast<long>(der.size()), ASN1_ITEM_rptr(X509), without_keys(), nullptr))));
  if (certificate == nullptr || at != der.data() + der.size()) {
    ossl::take_errors();
    return nullptr;
  }
  // Fills what NAME_CONSTRAINTS_check reads. A verdict on purposes is not wanted here.
  X509_check_purpose(certificate.get(), -1, 0);
  return certificate;
}

}  // namespace

std::vector<std::string_view> lint_rules() {
  std::vector<std::string_view> names;
  for (Rule const& rule : kRules) names.push_back(rule.name);
  return names;
}

std::vector<std::string> lint_findings(ByteView tbs, LintContext const& context) {
  auto const certificate = parse_unsigned(tbs);
  if (certificate == nullptr) return {"5280-4.1-der: cannot be read as a certificate"};
  std::vector<std::string> findings;
  Subject const subject{tbs, certificate.get(), context};
  for (Rule const& rule : kRules)
    if (auto found = rule.check(subject)) findings.push_back(std::string(rule.name) + ": " + *found);
  ossl::take_errors();
  return findings;
}

Result<> lint(ByteView tbs, LintContext const& context) {
  auto const findings = lint_findings(tbs, context);
  if (findings.empty()) return {};
  std::string all = "the certificate was not signed, because it would break a rule:";
  for (std::string const& finding : findings) all += " [" + finding + "]";
  return Error(Errc::internal, std::move(all));
}

}  // namespace lenscap::ca
