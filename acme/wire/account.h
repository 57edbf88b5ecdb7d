// The account object (RFC 8555 7.1.2) and the requests that make and change one (7.3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/wire/status.h"
#include "base/json.h"

namespace lenscap::acme {

// What the server shows (8555-7.1.2-1).
struct AccountObject {
  AccountStatus status = AccountStatus::valid;
  std::vector<std::string> contact = {};                      // URLs; none are written as an empty array
  bool terms_of_service_agreed = false;                       // written when true
  std::optional<json::Object> external_account_binding = {};  // the verified one, reflected (8555-7.3.4-5)
  std::string orders = {};                                    // URL of the list of orders

  bool operator==(AccountObject const&) const = default;
};
json::Object to_json(AccountObject const& account);
Result<AccountObject> parse_account(std::string_view body);

// newAccount's payload. Unknown members, and `status` and `orders`, are ignored (8555-7.3-3).
struct NewAccountRequest {
  std::vector<std::string> contact = {};
  bool terms_of_service_agreed = false;
  bool only_return_existing = false;
  std::optional<json::Object> external_account_binding = {};  // an inner JWS: read_eab

  bool operator==(NewAccountRequest const&) const = default;
};
json::Object to_json(NewAccountRequest const& request);
Result<NewAccountRequest> parse_new_account(std::string_view payload);

// A payload posted to the account's URL (7.3.2, 7.3.6). `{}` changes nothing and is fine. Members that may not be
// changed are ignored, also any `status` but "deactivated" (8555-7.3.2-1).
struct AccountUpdate {
  std::optional<std::vector<std::string>> contact = {};  // absent: keep them; empty: remove them
  bool deactivate = false;

  bool operator==(AccountUpdate const&) const = default;
};
json::Object to_json(AccountUpdate const& update);
Result<AccountUpdate> parse_account_update(std::string_view payload);

// The list behind `orders` (7.1.2.1).
json::Object orders_list_to_json(std::vector<std::string> const& order_urls);
Result<std::vector<std::string>> parse_orders_list(std::string_view body);

}  // namespace lenscap::acme
