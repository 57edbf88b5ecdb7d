#include "acme/flow/account_rules.h"

#include <algorithm>

#include "base/random.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kContactsMax = 10;

Error bad_binding(std::string_view why) {
  return Error(Errc::unauthorized, "external account binding: " + std::string(why));
}

Result<> check_contact(std::string const& contact) {
  auto const colon = contact.find(':');
  if (colon == std::string::npos || colon == 0) return Error(Errc::invalid_contact, "a contact must be a mailto URL");
  std::string scheme = contact.substr(0, colon);
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (scheme != "mailto") {
    return Error(Errc::unsupported_contact, "contacts of this kind are not supported; use mailto:name@example.org");
  }
  std::string_view const address = std::string_view(contact).substr(colon + 1);
  if (address.find('?') != std::string_view::npos) {
    return Error(Errc::invalid_contact, "a mailto contact must not carry header fields (\"?...\")");
  }
  if (address.find(',') != std::string_view::npos) {
    return Error(Errc::invalid_contact, "a mailto contact must name one address; send one contact for each");
  }
  auto const at = address.find('@');
  Error const invalid(Errc::invalid_contact, "a mailto contact must look like mailto:name@example.org");
  if (at == std::string_view::npos || at == 0 || at > 64) return invalid;
  constexpr std::string_view kSpecial = "\"(),:;<>@[\\]%";  // of RFC 5322, and percent signs, which could hide them
  for (char const c : address.substr(0, at)) {
    if (c <= ' ' || c >= 0x7f || kSpecial.find(c) != std::string_view::npos) return invalid;
  }
  auto const domain = x509::DnsName::parse(address.substr(at + 1));
  if (!domain.ok() || domain->is_wildcard()) return invalid;
  return {};
}

}  // namespace

Result<> check_contacts(std::vector<std::string> const& contacts) {
  if (contacts.size() > kContactsMax) {
    return Error(Errc::invalid_contact, "at most " + std::to_string(kContactsMax) + " contacts are kept");
  }
  for (auto const& contact : contacts) CHECK_OK(check_contact(contact));
  return {};
}

Result<> check_valid(Account const& account) {
  if (account.status == AccountStatus::valid) return {};
  return Error(Errc::account_deactivated, "this account is " + std::string(to_string(account.status)));
}

Result<EabKey> bind(EabJws const& binding, FoundEabKey const* found, std::string_view url, x509::PublicKey const& key,
                    Time now) {
  // Until the MAC is good, an unknown key reads like a wrong MAC: ids cannot be guessed.
  bool const is_known = found != nullptr && found->mac_key != nullptr && found->key.kid == binding.kid;
  SecretBytes const nothing;
  CHECK_OK(verify(binding, is_known ? *found->mac_key : nothing));
  if (binding.url != url) return bad_binding("its url is not that of the request");
  if (binding.key != key) return bad_binding("its payload is not the key that signs the request");
  EabKey bound = found->key;
  if (bound.revoked) return bad_binding("this key is revoked; ask for a new one");
  if (bound.bind_by && now >= *bound.bind_by) {
    return bad_binding("this key could bind an account until " + to_rfc3339(*bound.bind_by) + "; ask for a new one");
  }
  if (bound.use == EabUse::single && bound.accounts != 0) {
    return bad_binding("this key was for one account and is used already; ask for a new one");
  }
  ++bound.accounts;
  return bound;
}

Result<NewAccount> new_account(std::optional<Account> existing, NewAccountRequest const& request,
                               x509::PublicKey const& key, std::string_view url, FoundEabKey const* found,
                               Policy const& policy, Time now) {
  if (existing) {  // 8555-7.3.1-1
    CHECK_OK(check_valid(*existing));
    return NewAccount{*std::move(existing), false, std::nullopt};
  }
  if (request.only_return_existing) {  // 8555-7.3-2, 8555-7.3.1-2
    return Error(Errc::account_does_not_exist, "no account has this key");
  }
  if (!policy.terms_of_service.empty() && !request.terms_of_service_agreed) {  // 8555-7.3-5
    Error error(Errc::user_action_required, "agree to the terms of service first (termsOfServiceAgreed)");
    error.url = policy.terms_of_service;
    return error;
  }
  CHECK_OK(check_contacts(request.contact));
  Account account{.id = new_id(now),
                  .key = key,
                  .status = AccountStatus::valid,
                  .contact = request.contact,
                  .terms_of_service_agreed = request.terms_of_service_agreed,
                  .terms_of_service = request.terms_of_service_agreed ? policy.terms_of_service : "",
                  .eab_kid = {},
                  .external_account_binding = {},
                  .created = now};
  if (!request.external_account_binding) {
    if (policy.eab_required) {  // 8555-7.3.4-3
      return Error(Errc::external_account_required,
                   "this server binds accounts to external account keys; ask its operator for a key id and MAC key");
    }
    return NewAccount{std::move(account), true, std::nullopt};
  }
  TRY(auto const binding, read_eab(*request.external_account_binding));
  TRY(auto bound, bind(binding, found, url, key, now));
  account.eab_kid = bound.kid;
  account.external_account_binding = request.external_account_binding;
  return NewAccount{std::move(account), true, std::move(bound)};
}

Result<Account> update_account(Account account, AccountUpdate const& update) {
  CHECK_OK(check_valid(account));
  if (update.contact) {
    CHECK_OK(check_contacts(*update.contact));
    account.contact = *update.contact;
  }
  if (update.deactivate) account.status = AccountStatus::deactivated;  // 8555-7.3.6-1
  return account;
}

Account revoke_account(Account account) {
  if (account.status == AccountStatus::valid) account.status = AccountStatus::revoked;
  return account;
}

}  // namespace lenscap::acme
