// What a certificate will say (RFC 5280 4.1), as values, and its to-be-signed octets. Pure: time, serial and issuer are
// parameters. It does NOT judge names or keys (issuer.h does) and the linter does not share its code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/x509/certificate.h"
#include "ca/profile.h"

namespace lenscap::ca {

// One request for a certificate. `ca` knows nothing of accounts and orders.
struct IssueRequest {
  std::string profile;      // its name
  x509::PublicKey key;      // the subject's, as it stood in the CSR
  x509::NameSet names;      // already authorized; the certificate gets exactly these
  std::string common_name;  // a wish (the CSR's common name): taken when the profile allows a common name and it is one
                            // of `names.dns`, otherwise ignored
  // Asked for, and then to the second; the profile's where they are empty. Only ever narrower than the profile: the
  // issuer refuses what is not.
  std::optional<Time> not_before = {};
  std::optional<Time> not_after = {};
};

// How an issuing key signs: derived from the key, P-256 with SHA-256 and so on.
struct SignatureAlgorithm {
  HashAlgorithm hash;
  Bytes der;  // AlgorithmIdentifier
};
SignatureAlgorithm signature_algorithm(x509::PublicKey const& issuer_key);

// What a template needs of the issuer.
struct IssuerView {
  // One whose chain is valid as long as itself.
  IssuerView(x509::Certificate const& own, std::string const& url)
      : IssuerView(own, url, own.not_before(), own.not_after()) {}
  IssuerView(x509::Certificate const& own, std::string const& url, Time chain_begins, Time chain_ends,
             std::string crl = {}, std::string ocsp = {})
      : certificate(own),
        ca_issuers_url(url),
        begins(chain_begins),
        ends(chain_ends),
        crl_url(std::move(crl)),
        ocsp_url(std::move(ocsp)) {}

  x509::Certificate const& certificate;
  std::string const& ca_issuers_url;  // http URL of the issuer's own certificate; empty: no AIA extension
  Time begins, ends;                  // validity of its whole chain; both ends are included
  std::string crl_url;                // http URL of the list that would name the certificate; empty: no CDP extension
  std::string ocsp_url;               // http URL that answers for the certificate; empty: none
};

// Everything a certificate says; leaf and CA alike.
struct Template {
  Bytes serial;             // big-endian, positive, at most 20 octets
  Bytes issuer_name;        // DER Name
  Bytes subject_name;       // DER Name; an empty SEQUENCE is an empty subject
  std::string common_name;  // as in subject_name, for records
  Time not_before{};
  Time not_after{};  // inclusive
  x509::PublicKey key;
  x509::NameSet names;
  bool is_ca = false;
  std::optional<int> path_length;
  std::vector<ExtendedKeyUsage> extended_key_usage;
  Bytes authority_key_id;
  std::string ca_issuers_url;
  std::string crl_url = {};
  std::string ocsp_url = {};
  std::optional<x509::NameConstraints> name_constraints;

  bool has_empty_subject() const;
  bool signs_ocsp() const;  // as Profile::signs_ocsp
};

// A leaf's template. Its validity is what was asked for, otherwise the profile's lifetime to the second, beginning at
// now - backdate; but it never begins before the issuer's chain nor ends after it. The common name is written only when
// the certificate also holds a DNS name: with a common name and addresses alone OpenSSL and GnuTLS test the common name
// against DNS constraints and refuse the chain. What signs OCSP answers is called kOcspSignerName, and names neither
// lists nor responders: who asks whether it is revoked would go in circles. `serial` comes from new_serial() or a test.
constexpr std::string_view kOcspSignerName = "OCSP responder";  // nothing that could be taken for a DNS name
Template build_template(Profile const& profile, IssueRequest const& request, IssuerView const& issuer, Bytes serial,
                        Time now);

// 19 octets: 01, which keeps it positive and of one length, the time in seconds (four octets), and 112 random bits. So
// serials rise with time, and what is kept under them lies together; 64 random bits are what the CA/Browser Forum asks
// for.
Bytes new_serial(Time now);

// RFC 7093 method 1: the leftmost 160 bits of the SHA-256 of the key's BIT STRING contents.
Bytes key_id(x509::PublicKey const& key);

// A Name of at most an organization and a common name, each left out when empty. UTF8String throughout.
Bytes encode_name(std::string_view organization, std::string_view common_name);

// TBSCertificate: DER of version 3 with the extensions of extensions/table.cc. The key's SubjectPublicKeyInfo is copied
// octet by octet.
Bytes encode_tbs(Template const& what, SignatureAlgorithm const& algorithm);

// Certificate ::= SEQUENCE { tbs, algorithm, BIT STRING signature }
Bytes assemble_certificate(ByteView tbs, SignatureAlgorithm const& algorithm, ByteView signature);

}  // namespace lenscap::ca
