// RFC 5280: certificates that come out. What the CA does to CRLs is with revocation.
#include <openssl/x509v3.h>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

void serials(Probe& p) {
  auto const& first = p.issued().chain.front();
  auto const second = p.issue(p.account(), {{"dns", p.fresh_name()}});
  for (auto const* leaf : {&first, &second.chain.front()}) {
    auto const* number = X509_get0_serialNumber(leaf->native());
    p.expect(ASN1_STRING_type(number) != V_ASN1_NEG_INTEGER, "a serial number is negative");
    auto const octets = leaf->serial();
    p.expect(octets.size() <= 20 && (octets.size() < 20 || octets[0] < 0x80),
             "a serial number has more than 20 octets");
    p.expect(octets.size() >= 8, "a serial number of so few octets can be guessed: " + leaf->serial_hex());
  }
  p.expect(first.serial() != second.chain.front().serial(), "two certificates have one serial number");
}

void times(Probe& p) {
  auto const& chain = p.issued().chain;
  for (auto const& certificate : chain) {
    for (auto const* time : {X509_get0_notBefore(certificate.native()), X509_get0_notAfter(certificate.native())}) {
      bool const late =
          (time == X509_get0_notAfter(certificate.native()) ? certificate.not_after() : certificate.not_before()) >=
          from_unix(2'524'608'000);
      p.expect((ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME) == late,
               "a time is not UTCTime before 2050 and GeneralizedTime after");
    }
    p.expect(certificate.not_before() < certificate.not_after(), "a certificate ends before it begins");
  }
  if (chain.size() < 2) return;
  p.expect(chain[0].not_before() >= chain[1].not_before() && chain[0].not_after() <= chain[1].not_after(),
           "the leaf's time is not inside its issuer's");
}

void key_identifiers(Probe& p) {
  auto const& chain = p.issued().chain;
  p.expect(!chain[0].authority_key_id().empty(), "the leaf has no authority key identifier");
  for (std::size_t i = 0; i + 1 < chain.size(); ++i)
    p.expect(chain[i].authority_key_id() == chain[i + 1].subject_key_id(),
             "the key identifiers of a certificate and its issuer do not match");
}

// -1: absent; 0: not critical; 1: critical.
int criticality(x509::Certificate const& certificate, int nid) {
  auto const at = X509_get_ext_by_NID(certificate.native(), nid, -1);
  if (at < 0) return -1;
  return X509_EXTENSION_get_critical(X509_get_ext(certificate.native(), at)) != 0 ? 1 : 0;
}

void alt_names(Probe& p) {
  auto const& leaf = p.issued().chain.front();
  auto const critical = criticality(leaf, NID_subject_alt_name);
  p.expect(critical >= 0, "the leaf has no subjectAltName");
  if (leaf.subject().empty()) p.expect(critical == 1, "the subject is empty and the subjectAltName is not critical");
}

void issuers(Probe& p) {
  auto const& chain = p.issued().chain;
  if (chain.size() < 2) p.skip("the chain has no issuer");
  auto const& issuer = chain[1];
  p.expect(issuer.is_ca() && criticality(issuer, NID_basic_constraints) == 1,
           "the issuer's basicConstraints are not critical with CA:TRUE");
  p.expect((X509_get_key_usage(issuer.native()) & KU_KEY_CERT_SIGN) != 0,
           "the issuer's key usage does not allow to sign certificates");
}

void constraints(Probe& p) {
  auto const& chain = p.issued().chain;
  if (chain.size() < 2) p.skip("the chain has no issuer");
  auto const& issuer = chain[1];
  auto const critical = criticality(issuer, NID_name_constraints);
  if (critical < 0) p.skip("the issuer has no name constraints");
  p.expect(critical == 1, "the name constraints are not critical");
  auto const read = issuer.name_constraints();
  p.require(read.has_value(),
            "the name constraints cannot be read (address masks of another length than the address?)");
  p.expect(read->test(chain[0].names()).ok(), "the leaf is outside of its issuer's name constraints");
}

constexpr Check kX509Checks[] = {
    {"5280-4.1.2.2-1", "serial numbers are positive, at most 20 octets, unique", serials},
    {"5280-4.1.2.5-1", "times switch form at 2050, and lie inside the issuer's", times},
    {"5280-4.2.1.1-1", "authority and subject key identifiers match along the chain", key_identifiers},
    {"5280-4.2.1.6-1", "the subjectAltName is critical when the subject is empty", alt_names},
    {"5280-4.2.1.9-1", "an issuer's basicConstraints are critical", issuers},
    {"5280-4.2.1.10-1", "name constraints are critical, addresses with masks of the same length", constraints},
};

}  // namespace

std::span<Check const> x509_checks() { return kX509Checks; }

}  // namespace lenscap::conformance
