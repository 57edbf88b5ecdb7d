#include "acme/flow/revocation_rules.h"

#include <algorithm>

#include "acme/wire/identifier.h"

namespace lenscap::acme {
namespace {

using x509::RevocationReason;

bool holds(std::span<Authorization const> authorizations, std::string const& account_id, Identifier const& identifier,
           Time now) {
  return std::any_of(authorizations.begin(), authorizations.end(), [&](Authorization const& authorization) {
    return authorization.account_id == account_id && authorization.status == AuthorizationStatus::valid &&
           now < authorization.expires && ordered_identifier(authorization) == identifier;
  });
}

bool holds_all(Revocable const& certificate, Account const& account, std::span<Authorization const> authorizations,
               Time now) {
  auto const identifiers = to_identifiers(certificate.names);
  if (identifiers.empty()) return false;  // of no name everything is true
  return std::all_of(identifiers.begin(), identifiers.end(),
                     [&](Identifier const& identifier) { return holds(authorizations, account.id, identifier, now); });
}

// Not in the table: cACompromise and aACompromise speak of other keys than a subscriber's, certificateHold could be
// taken back while a revocation is for good, removeFromCRL belongs to delta CRLs.
struct ReasonRow {
  RevocationReason reason;
  bool account, authorized_account, certificate_key, administrator;
};
constexpr ReasonRow kReasons[] = {
    {RevocationReason::unspecified, true, true, true, true},
    // Bans the key for ever: for those who know something of it. Control over the names says nothing about the key.
    {RevocationReason::key_compromise, true, false, true, true},
    {RevocationReason::affiliation_changed, true, true, true, true},
    {RevocationReason::superseded, true, true, true, true},
    {RevocationReason::cessation_of_operation, true, true, true, true},
    // A judgement on the subscriber; nobody passes it on himself.
    {RevocationReason::privilege_withdrawn, false, false, false, true},
};

bool allows(ReasonRow const& row, Revoker revoker) {
  switch (revoker) {
    case Revoker::account:
      return row.account;
    case Revoker::authorized_account:
      return row.authorized_account;
    case Revoker::certificate_key:
      return row.certificate_key;
    case Revoker::administrator:
      return row.administrator;
  }
  bug("unknown Revoker");
}

std::string text_of(RevocationReason reason) {
  return std::to_string(static_cast<int>(reason)) + " (" + std::string(x509::to_string(reason)) + ")";
}

}  // namespace

std::string_view to_string(Revoker revoker) {
  switch (revoker) {
    case Revoker::account:
      return "account";
    case Revoker::authorized_account:
      return "authorized account";
    case Revoker::certificate_key:
      return "certificate key";
    case Revoker::administrator:
      return "operator";
  }
  bug("unknown Revoker");
}

Result<Revoker> may_revoke(Revocable const& certificate, Account const* account, x509::PublicKey const& key,
                           std::span<Authorization const> authorizations, Time now) {
  if (account == nullptr) {
    if (key == certificate.key) return Revoker::certificate_key;
    return Error(Errc::unauthorized,
                 "the key that signed this is not the certificate's; sign with that, or with an account (kid)");
  }
  CHECK_OK(check_valid(*account));
  if (!certificate.account_id.empty() && certificate.account_id == account->id) return Revoker::account;
  if (holds_all(certificate, *account, authorizations, now)) return Revoker::authorized_account;
  return Error(Errc::unauthorized,
               "the certificate was issued to another account, and this one does not hold valid authorizations for "
               "all of its names");
}

Result<std::optional<RevocationReason>> check_reason(std::optional<std::int64_t> code, Revoker revoker) {
  if (!code) return std::optional<RevocationReason>();
  std::string allowed;
  for (auto const& row : kReasons) {
    if (!allows(row, revoker)) continue;
    if (static_cast<std::int64_t>(row.reason) == *code)
      return row.reason == RevocationReason::unspecified ? std::nullopt : std::optional(row.reason);
    allowed += (allowed.empty() ? "" : ", ") + text_of(row.reason);
  }
  auto const known = x509::revocation_reason_of(*code);
  return Error(Errc::bad_revocation_reason, "reason " + (known ? text_of(*known) : std::to_string(*code)) +
                                                " is not taken here; allowed: " + allowed);
}

}  // namespace lenscap::acme
