// Rules for accounts (RFC 8555 7.3): create, find, update, deactivate, bind to an external account key.
// Signatures, nonces and URLs of the outer request were checked before; so was the key's quality (read_jwk).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/policy.h"
#include "acme/wire/account.h"
#include "acme/wire/jws.h"

namespace lenscap::acme {

struct Account {
  std::string id = {};
  x509::PublicKey key;
  AccountStatus status = AccountStatus::valid;
  std::vector<std::string> contact = {};
  bool terms_of_service_agreed = false;
  std::string terms_of_service = {};                          // URL of those that it agreed to; see terms_rules.h
  std::string eab_kid = {};                                   // empty: none, the open scope counts
  std::optional<json::Object> external_account_binding = {};  // as verified, for reflection (8555-7.3.4-5)
  Time created{};
  std::vector<std::string> trusts = {};  // SHA-256 in hex of the roots that it said it trusts; empty: it never said
  std::optional<Time> trusts_at = {};    // when it said so

  bool operator==(Account const&) const = default;
};

// An EAB key that was found for the kid of a request, with its opened MAC key (borrowed).
struct FoundEabKey {
  EabKey key;
  SecretBytes const* mac_key = nullptr;
};

struct NewAccount {
  Account account;
  bool created = false;              // 201, else 200
  std::optional<EabKey> bound = {};  // the EAB key with this use written in: save it in the same transaction
};

// newAccount. `existing` is the account that has this key already, whatever its status: it is answered as it is and the
// request's fields are ignored (8555-7.3.1-1); a deactivated one is refused (8555-7.3.6-2). `found` is the key of the
// binding's kid, or nullptr when there is none or no binding was sent. `url` is newAccount's own.
//   Errc::account_does_not_exist     onlyReturnExisting and no such account (8555-7.3.1-2); needs neither EAB nor terms
//   Errc::external_account_required  no binding, and the policy wants one (8555-7.3.4-3)
//   Errc::user_action_required       terms of service not agreed to (8555-7.3-5)
//   Errc::unauthorized               the binding is not good: all causes that tell about keys read alike
//   Errc::malformed, invalid_contact, unsupported_contact
// Two requests that use one single-use key at once: run it inside the transaction that saves (8555-7.3.4-6).
Result<NewAccount> new_account(std::optional<Account> existing, NewAccountRequest const& request,
                               x509::PublicKey const& key, std::string_view url, FoundEabKey const* found,
                               Policy const& policy, Time now);

// The five checks of 7.3.4 and the key's own state; gives the EAB key with one account more.
Result<EabKey> bind(EabJws const& binding, FoundEabKey const* found, std::string_view url, x509::PublicKey const& key,
                    Time now);

// Update and deactivation. Errc::account_deactivated for an account that is not valid.
Result<Account> update_account(Account account, AccountUpdate const& update);
// Administrator's act; an account that is deactivated already stays that.
Account revoke_account(Account account);

// May it sign requests at all? Errc::account_deactivated (401) if not (8555-7.3.6-2).
Result<> check_valid(Account const& account);

// Each a mailto URL of one address without header fields (8555-7.3-4); at most ten.
Result<> check_contacts(std::vector<std::string> const& contacts);

}  // namespace lenscap::acme
