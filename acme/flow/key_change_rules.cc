#include "acme/flow/key_change_rules.h"

namespace lenscap::acme {

Result<Account> change_key(Account account, KeyChange const& change, std::string_view url, std::string_view account_url,
                           std::string_view holder_url) {
  CHECK_OK(check_valid(account));
  // In the order of the steps in 7.3.5.
  if (change.url != url) return Error(Errc::malformed, "key change: the inner url is not that of the request");
  if (change.account != account_url) {
    return Error(Errc::malformed, "key change: `account` is not the account that signed the request");
  }
  if (change.old_key != account.key) {
    return Error(Errc::malformed, "key change: `oldKey` is not the key of the account");
  }
  if (!holder_url.empty()) {
    Error error(Errc::key_in_use, "key change: an account has the new key already, see Location; make another key");
    error.url = holder_url;
    return error;
  }
  account.key = change.new_key;
  return account;
}

}  // namespace lenscap::acme
