#include "acme/flow/terms_rules.h"

namespace lenscap::acme {

Result<> check_agreed(Account const& account, Policy const& policy) {
  if (policy.terms_of_service.empty()) return {};
  if (account.terms_of_service_agreed && account.terms_of_service == policy.terms_of_service) return {};
  Error error(Errc::user_action_required,
              "the terms of service have changed: somebody has to read and agree to them for this account, at the "
              "address in `instance`");
  error.url = policy.terms_of_service;
  return error;
}

Account agree(Account account, Policy const& policy) {
  account.terms_of_service_agreed = true;
  account.terms_of_service = policy.terms_of_service;
  return account;
}

}  // namespace lenscap::acme
