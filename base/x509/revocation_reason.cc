#include "base/x509/revocation_reason.h"

#include <string>

namespace lenscap::x509 {
namespace {

struct Row {
  RevocationReason reason;
  std::string_view name;
};

constexpr Row kRows[] = {
    {RevocationReason::unspecified, "unspecified"},
    {RevocationReason::key_compromise, "keyCompromise"},
    {RevocationReason::ca_compromise, "cACompromise"},
    {RevocationReason::affiliation_changed, "affiliationChanged"},
    {RevocationReason::superseded, "superseded"},
    {RevocationReason::cessation_of_operation, "cessationOfOperation"},
    {RevocationReason::certificate_hold, "certificateHold"},
    {RevocationReason::remove_from_crl, "removeFromCRL"},
    {RevocationReason::privilege_withdrawn, "privilegeWithdrawn"},
    {RevocationReason::aa_compromise, "aACompromise"},
};

}  // namespace

std::string_view to_string(RevocationReason reason) {
  for (auto const& row : kRows)
    if (row.reason == reason) return row.name;
  bug("unknown RevocationReason");
}

std::optional<RevocationReason> revocation_reason_of(std::int64_t code) {
  for (auto const& row : kRows)
    if (static_cast<std::int64_t>(row.reason) == code) return row.reason;
  return std::nullopt;
}

Result<RevocationReason> parse_revocation_reason(std::string_view text) {
  for (auto const& row : kRows)
    if (row.name == text) return row.reason;
  return Error(Errc::bad_revocation_reason, "\"" + std::string(text) + "\" is not a reason of RFC 5280 5.3.1");
}

}  // namespace lenscap::x509
