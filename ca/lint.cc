// The tables of rules, of leaves and of CAs, in the order of their clauses of RFC 5280, and reading the octets for
// them; the rules are in lint_rules/.
#include "ca/lint.h"

#include <openssl/provider.h>

#include "ca/lint_rules/rules.h"

namespace lenscap::ca {
namespace {

using namespace linting;

template <class Of>
struct Rule {
  std::string_view name;
  Finding (*check)(Of const& subject);
};

// A clause that asks for nothing but the octets stands in both tables.
template <Finding (*rule)(Octets const& octets)>
constexpr auto of_octets = [](auto const& subject) { return rule(subject); };

constexpr Rule<Subject> kRules[] = {
    {"5280-4.1-der", of_octets<rule_4_1_der>},
    {"5280-4.1.2.1-version", of_octets<rule_4_1_2_1_version>},
    {"5280-4.1.2.2-serial", rule_4_1_2_2_serial},
    {"5280-4.1.2.3-signature", rule_4_1_2_3_signature},
    {"5280-4.1.2.4-issuer", rule_4_1_2_4_issuer},
    {"5280-4.1.2.5-time-form", of_octets<rule_4_1_2_5_time_form>},
    {"5280-4.1.2.5-validity", rule_4_1_2_5_validity},
    {"5280-4.1.2.6-subject", rule_4_1_2_6_subject},
    {"5280-4.1.2.7-key", rule_4_1_2_7_key},
    {"5280-4.1.2.8-unique-ids", of_octets<rule_4_1_2_8_unique_ids>},
    {"5280-4.2-extensions", rule_4_2_extensions},
    {"5280-4.2.1.1-authority-key-id", rule_4_2_1_1_authority_key_id},
    {"5280-4.2.1.2-subject-key-id", of_octets<rule_4_2_1_2_subject_key_id>},
    {"5280-4.2.1.3-key-usage", rule_4_2_1_3_key_usage},
    {"5280-4.2.1.6-names", rule_4_2_1_6_names},
    {"5280-4.2.1.9-basic-constraints", rule_4_2_1_9_basic_constraints},
    {"5280-4.2.1.10-name-constraints", rule_4_2_1_10_name_constraints},
    {"5280-4.2.1.12-extended-key-usage", rule_4_2_1_12_extended_key_usage},
    {"5280-4.2.1.13-crl-distribution-points", rule_4_2_1_13_crl_distribution_points},
    {"5280-4.2.2.1-authority-info-access", rule_4_2_2_1_authority_info_access},
    {"6960-4.2.2.2.1-nocheck", rule_6960_4_2_2_2_1_nocheck},
};

constexpr Rule<CaSubject> kCaRules[] = {
    {"5280-4.1-der", of_octets<rule_4_1_der>},
    {"5280-4.1.2.1-version", of_octets<rule_4_1_2_1_version>},
    {"5280-4.1.2.2-serial", of_octets<ca_rule_4_1_2_2_serial>},
    {"5280-4.1.2.3-signature", ca_rule_4_1_2_3_signature},
    {"5280-4.1.2.4-issuer", ca_rule_4_1_2_4_issuer},
    {"5280-4.1.2.5-time-form", of_octets<rule_4_1_2_5_time_form>},
    {"5280-4.1.2.5-validity", ca_rule_4_1_2_5_validity},
    {"5280-4.1.2.6-subject", ca_rule_4_1_2_6_subject},
    {"5280-4.1.2.7-key", ca_rule_4_1_2_7_key},
    {"5280-4.1.2.8-unique-ids", of_octets<rule_4_1_2_8_unique_ids>},
    {"5280-4.2-extensions", of_octets<ca_rule_4_2_extensions>},
    {"5280-4.2.1.1-authority-key-id", ca_rule_4_2_1_1_authority_key_id},
    {"5280-4.2.1.2-subject-key-id", of_octets<rule_4_2_1_2_subject_key_id>},
    {"5280-4.2.1.3-key-usage", of_octets<ca_rule_4_2_1_3_key_usage>},
    {"5280-4.2.1.9-basic-constraints", ca_rule_4_2_1_9_basic_constraints},
    {"5280-4.2.1.10-name-constraints", ca_rule_4_2_1_10_name_constraints},
    {"5280-4.2.1.12-extended-key-usage", ca_rule_4_2_1_12_extended_key_usage},
    {"5280-4.2.1.13-crl-distribution-points", ca_rule_4_2_1_13_crl_distribution_points},
    {"5280-4.2.2.1-authority-info-access", ca_rule_4_2_2_1_authority_info_access},
};

using LibraryPtr = ossl::Ptr<OSSL_LIB_CTX, OSSL_LIB_CTX_free>;
using ProviderPtr = ossl::Ptr<OSSL_PROVIDER, OSSL_PROVIDER_unload>;

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

template <class Of>
std::vector<std::string_view> names_of(std::span<Rule<Of> const> rules) {
  std::vector<std::string_view> names;
  for (auto const& rule : rules) names.push_back(rule.name);
  return names;
}

template <class Of, class Context>
std::vector<std::string> findings_of(std::span<Rule<Of> const> rules, ByteView tbs, Context const& context) {
  auto const certificate = parse_unsigned(tbs);
  if (certificate == nullptr) return {"5280-4.1-der: cannot be read as a certificate"};
  std::vector<std::string> findings;
  Of const subject{{tbs, certificate.get()}, context};
  for (auto const& rule : rules)
    if (auto found = rule.check(subject)) findings.push_back(std::string(rule.name) + ": " + *found);
  ossl::take_errors();
  return findings;
}

Result<> verdict_of(std::vector<std::string> const& findings) {
  if (findings.empty()) return {};
  std::string all = "the certificate was not signed, because it would break a rule:";
  for (std::string const& finding : findings) all += " [" + finding + "]";
  return Error(Errc::internal, std::move(all));
}

}  // namespace

std::vector<std::string_view> lint_rules() { return names_of<Subject>(kRules); }

std::vector<std::string_view> ca_lint_rules() { return names_of<CaSubject>(kCaRules); }

std::vector<std::string> lint_findings(ByteView tbs, LintContext const& context) {
  return findings_of<Subject>(kRules, tbs, context);
}

std::vector<std::string> lint_findings(ByteView tbs, CaLintContext const& context) {
  return findings_of<CaSubject>(kCaRules, tbs, context);
}

Result<> lint(ByteView tbs, LintContext const& context) { return verdict_of(lint_findings(tbs, context)); }

Result<> lint(ByteView tbs, CaLintContext const& context) { return verdict_of(lint_findings(tbs, context)); }

}  // namespace lenscap::ca
