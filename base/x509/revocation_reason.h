// Why a certificate was revoked: the reason codes of a CRL entry (RFC 5280 5.3.1). Which of them somebody may give is
// not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace lenscap::x509 {

// The values are those of the standard, which has no 7.
enum class RevocationReason {
  unspecified = 0,  // as good as none: RFC 5280 asks to leave the code out instead
  key_compromise = 1,
  ca_compromise = 2,
  affiliation_changed = 3,
  superseded = 4,
  cessation_of_operation = 5,
  certificate_hold = 6,
  remove_from_crl = 8,
  privilege_withdrawn = 9,
  aa_compromise = 10,
};

std::string_view to_string(RevocationReason reason);  // the standard's own spelling: "keyCompromise"
std::optional<RevocationReason> revocation_reason_of(std::int64_t code);
Result<RevocationReason> parse_revocation_reason(
    std::string_view text);  // "keyCompromise"; Errc::bad_revocation_reason

}  // namespace lenscap::x509
