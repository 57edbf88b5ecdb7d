// Renewal information (RFC 9773): how a certificate is named in a URL, and the object that says when to renew it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "base/x509/certificate.h"

namespace lenscap::acme {

// The unique identifier of RFC 9773 4.1: the issuer's key identifier and the serial number, each as base64url, with a
// dot between.
struct CertificateId {
  Bytes key_id;  // of the certificate's authority key identifier
  Bytes serial;  // content octets of its INTEGER: with a leading zero octet where the top bit would be set

  // Errc::malformed for anything but the one right spelling: padding, another alphabet, a sign, superfluous zeros, or
  // octets that no certificate has (9773-4.1-2).
  static Result<CertificateId> parse(std::string_view text);
  // Errc::malformed for a certificate without an authority key identifier.
  static Result<CertificateId> of(x509::Certificate const& certificate);

  std::string text() const;
  std::string serial_hex() const;  // as x509::Certificate::serial_hex() gives it
  bool operator==(CertificateId const&) const = default;
};

struct RenewalInfoObject {
  Time start;
  Time end;
  std::string explanation_url = {};  // empty: none

  bool operator==(RenewalInfoObject const&) const = default;
};
json::Object to_json(RenewalInfoObject const& info);
// Errc::malformed also for a window that does not end after its start: a client passes it over (9773-4.2-1).
Result<RenewalInfoObject> parse_renewal_info(std::string_view body);

}  // namespace lenscap::acme
