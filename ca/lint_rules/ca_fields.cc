// Lint of the fields of a CA's certificate: by the clauses of fields.cc, and what is asked of CAs alone.
#include "ca/lint_rules/rules.h"

#include "base/limits.h"

namespace lenscap::ca::linting {
namespace {

bool is_root(CaSubject const& subject) { return subject.wanted.above.empty(); }

// No certificate of the chain may be over before this one is, nor begin after it; and by a cross-signed one nobody
// vouches for longer than the root itself does.
struct Limits {
  Time begin = Time::min(), end = Time::max();

  void narrow(x509::Certificate const& by) {
    begin = std::max(begin, time_of(X509_get0_notBefore(by.native())));
    end = std::min(end, time_of(X509_get0_notAfter(by.native())));
  }
};

constexpr std::size_t kNameCharactersMax = 64;  // appendix A: ub-common-name and ub-organization-name

std::size_t characters_of(ByteView utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](std::uint8_t octet) { return (octet & 0xc0) != 0x80; }));
}

bool is_attribute(X509_NAME_ENTRY const* entry, int nid, std::string const& text) {
  ASN1_STRING const* value = X509_NAME_ENTRY_get_data(entry);
  return OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == nid && ASN1_STRING_type(value) == V_ASN1_UTF8STRING &&
         as_text(octets_of(value)) == text;
}

}  // namespace

// Its serial number nobody reserves: what it has to be is a random one.
Finding ca_rule_4_1_2_2_serial(Octets const& octets) { return check_serial(octets); }

Finding ca_rule_4_1_2_3_signature(CaSubject const& subject) {
  return check_signature(subject, subject.wanted.signing_key());
}

Finding ca_rule_4_1_2_4_issuer(CaSubject const& subject) {
  X509* issuer = is_root(subject) ? subject.certificate : subject.wanted.above.front().native();
  return check_issuer(subject, X509_get_subject_name(issuer));
}

Finding ca_rule_4_1_2_5_validity(CaSubject const& subject) {
  Time const begin = time_of(X509_get0_notBefore(subject.certificate));
  Time const end = time_of(X509_get0_notAfter(subject.certificate));
  Time const now = subject.wanted.now;
  Limits limits;
  for (x509::Certificate const& above : subject.wanted.above) limits.narrow(above);
  if (begin >= end) return "ends before it begins";
  if (begin > now) return "begins in the future";
  if (end <= now) return "has ended already";
  if (begin < limits.begin) return "begins before its issuer";
  if (end > limits.end) return "ends after its issuer";
  if (begin < now - limits::kIssuerBackdate) return "is back-dated by more than a day";
  if (end - begin + Seconds(1) > subject.wanted.lifetime) return "lives longer than it is meant to";
  if (subject.wanted.vouches_for) limits.narrow(*subject.wanted.vouches_for);
  if (begin != std::max(now - limits::kIssuerBackdate, limits.begin)) return "begins at an unexpected time";
  if (end != std::min(begin + subject.wanted.lifetime - Seconds(1), limits.end)) return "ends at an unexpected time";
  return kFine;
}

Finding ca_rule_4_1_2_6_subject(CaSubject const& subject) {
  X509_NAME* name = X509_get_subject_name(subject.certificate);
  int const count = X509_NAME_entry_count(name);
  if (count == 0) return "subject is empty";
  for (int i = 0; i < count; ++i)
    if (characters_of(octets_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)))) > kNameCharactersMax)
      return "subject has an attribute of more than 64 characters";
  if (auto const& other = subject.wanted.vouches_for) {
    Bytes const theirs = ossl::to_der(X509_get_subject_name(other->native()), i2d_X509_NAME);
    if (!same(ossl::to_der(name, i2d_X509_NAME), theirs)) return "subject is not that of the root that is vouched for";
    return kFine;
  }
  std::vector<std::pair<int, std::string>> wanted;
  if (!subject.wanted.organization.empty()) wanted.emplace_back(NID_organizationName, subject.wanted.organization);
  if (!subject.wanted.common_name.empty()) wanted.emplace_back(NID_commonName, subject.wanted.common_name);
  if (static_cast<std::size_t>(count) != wanted.size()) return "subject is not the name that is wanted";
  for (int i = 0; i < count; ++i)
    if (auto const& [nid, text] = wanted[static_cast<std::size_t>(i)];
        !is_attribute(X509_NAME_get_entry(name, i), nid, text))
      return "subject is not the name that is wanted";
  return kFine;
}

Finding ca_rule_4_1_2_7_key(CaSubject const& subject) {
  if (auto found = check_key(subject, subject.wanted.key)) return found;
  if (auto const judged = x509::check_key(subject.wanted.key, false); !judged.ok())
    return "public key is not good enough: " + judged.error().detail();
  return kFine;
}

// A root may do without (4.2.1.1); ours name themselves. Where a corporation's has no identifier, what is derived from
// its key stands for it.
Finding ca_rule_4_2_1_1_authority_key_id(CaSubject const& subject) {
  X509* issuer = is_root(subject) ? subject.certificate : subject.wanted.above.front().native();
  if (ASN1_OCTET_STRING const* id = X509_get0_subject_key_id(issuer))
    return check_authority_key_id(subject, octets_of(id));
  Sha256 const hash = sha256(octets_of(X509_get0_pubkey_bitstr(issuer)));
  return check_authority_key_id(subject, ByteView(hash).first(20));
}

}  // namespace lenscap::ca::linting
