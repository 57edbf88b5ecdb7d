// A parsed view of a certificate (RFC 5280), PEM bundles, and chain checks by OpenSSL's verifier.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "base/x509/key.h"
#include "base/x509/name.h"
#include "base/x509/name_constraints.h"

namespace lenscap::x509 {

// Immutable; copies share what they hold. Safe from any thread.
class Certificate {
 public:
  static Result<Certificate> from_der(ByteView der);          // Errc::malformed; trailing octets are refused
  static Result<Certificate> from_pem(std::string_view pem);  // exactly one CERTIFICATE block
  static Result<Certificate> from_native(X509* certificate);  // borrows
  // One that we made ourselves: OpenSSL, which takes its time, is asked only when somebody wants what it alone knows.
  // Octets, serial, dates and fingerprint need no asking. Errc::malformed where even the frame is not that of a
  // certificate; what else is wrong is a bug, found when it is asked.
  static Result<Certificate> of_ours(Bytes der);

  Bytes const& der() const;
  std::string pem() const;     // LF, final newline, nothing else
  Sha256 fingerprint() const;  // SHA-256 of the DER

  PublicKey const& key() const;
  Bytes serial() const;            // content octets, big-endian, no sign octet
  std::string serial_hex() const;  // lower case
  std::string subject() const;     // RFC 2253 text
  std::string issuer() const;
  std::string common_name() const;  // empty when there is none
  Time not_before() const;
  Time not_after() const;
  NameSet names() const;  // DNS and IP of the subjectAltName; bad ones are left out
  bool is_ca() const;
  bool is_self_issued() const;
  Bytes subject_key_id() const;  // empty when absent
  Bytes authority_key_id() const;
  Bytes subject_der() const;
  std::optional<NameConstraints> name_constraints() const;
  Bytes tbs() const;  // the to-be-signed octets
  bool is_signed_by(PublicKey const& issuer) const;
  X509* native() const;  // borrowed

  bool operator==(Certificate const& other) const { return der() == other.der(); }

 private:
  struct State;
  explicit Certificate(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// "-----BEGIN CERTIFICATE REQUEST-----" and so on: LF, lines of 64 characters, a final newline.
std::string pem_block(std::string_view label, ByteView der);
// Only CERTIFICATE blocks, at most 64 KiB and 10 certificates; a private key or any other block is refused
// (8555-11.4-1).
Result<std::vector<Certificate>> parse_pem_chain(std::string_view pem);
std::string to_pem(std::vector<Certificate> const& chain);  // nothing but certificates, in the order given (8555-9.1-1)

// Does `leaf` chain through `intermediates` to one of `roots` at `now`, as a TLS server certificate (serverAuth, name
// constraints and all)? The refusal (Errc::tls) says what the verifier said. Names are checked by `covers`, apart.
Result<> verify_chain(Certificate const& leaf, std::vector<Certificate> const& intermediates,
                      std::vector<Certificate> const& roots, Time now);

// Does the certificate name the host (RFC 6125, wildcard left-most label only) or address? Never looks at the common
// name.
bool covers(Certificate const& certificate, DnsName const& host);
bool covers(Certificate const& certificate, IpAddress const& address);

}  // namespace lenscap::x509
