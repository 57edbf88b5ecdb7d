// Rules for revocation (RFC 8555 7.6): who may revoke a certificate, and for which reasons. Signatures were checked
// before; whether the certificate is ours and revoked already, the ledger knows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "acme/flow/account_rules.h"
#include "acme/flow/authorization.h"
#include "base/x509/revocation_reason.h"

namespace lenscap::acme {

// By what right.
enum class Revoker {
  account,             // that the certificate was issued to
  authorized_account,  // another one, which holds valid authorizations for every name of the certificate
  certificate_key,     // whoever has the certificate's private key, with or without an account
  administrator,       // of this server, by a command
};
std::string_view to_string(Revoker revoker);

// A certificate as far as the right to revoke it goes.
struct Revocable {
  x509::PublicKey key;
  x509::NameSet names;          // all that stand in it
  std::string account_id = {};  // empty: the server's own
};

// `account` is the signer's, or nullptr when the request carries `key` itself (jwk). `authorizations` are the account's
// for the names of the certificate; others and those that are not valid at `now` are passed over.
// Errc::unauthorized: none of the three; also for a certificate without names (8555-7.6-1, 8555-7.6-2).
Result<Revoker> may_revoke(Revocable const& certificate, Account const* account, x509::PublicKey const& key,
                           std::span<Authorization const> authorizations, Time now);

// The reason to record: nothing for none and for `unspecified`, which says as much (8555-7.6-3).
// Errc::bad_revocation_reason, with those that this revoker may give (8555-7.6-4).
Result<std::optional<x509::RevocationReason>> check_reason(std::optional<std::int64_t> code, Revoker revoker);

}  // namespace lenscap::acme
