#include "acme/wire/account.h"

#include "acme/wire/read_members.h"

namespace lenscap::acme {

json::Object to_json(AccountObject const& account) {
  json::Object object{{"status", to_string(account.status)}, {"contact", json::Value::strings(account.contact)}};
  if (account.terms_of_service_agreed) object.set("termsOfServiceAgreed", true);
  if (account.external_account_binding) object.set("externalAccountBinding", *account.external_account_binding);
  if (!account.orders.empty()) object.set("orders", account.orders);
  return object;
}

Result<AccountObject> parse_account(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  TRY(auto const status_text, json::need_string(object, "status"));
  TRY(auto const status, parse_account_status(status_text));
  TRY(auto contact, json::get_strings(object, "contact"));
  TRY(auto const agreed, json::get_bool(object, "termsOfServiceAgreed"));
  TRY(auto binding, json::get_object(object, "externalAccountBinding"));
  TRY(auto orders, json::get_string(object, "orders"));
  return AccountObject{status, std::move(contact).value_or(std::vector<std::string>{}), agreed.value_or(false),
                       std::move(binding), std::move(orders).value_or("")};
}

json::Object to_json(NewAccountRequest const& request) {
  json::Object object;
  if (!request.contact.empty()) object.set("contact", json::Value::strings(request.contact));
  if (request.terms_of_service_agreed) object.set("termsOfServiceAgreed", true);
  if (request.only_return_existing) object.set("onlyReturnExisting", true);
  if (request.external_account_binding) object.set("externalAccountBinding", *request.external_account_binding);
  return object;
}

Result<NewAccountRequest> parse_new_account(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto contact, json::get_strings(object, "contact"));
  TRY(auto const agreed, json::get_bool(object, "termsOfServiceAgreed"));
  TRY(auto const only_existing, json::get_bool(object, "onlyReturnExisting"));
  TRY(auto binding, json::get_object(object, "externalAccountBinding"));
  return NewAccountRequest{std::move(contact).value_or(std::vector<std::string>{}), agreed.value_or(false),
                           only_existing.value_or(false), std::move(binding)};
}

json::Object to_json(AccountUpdate const& update) {
  json::Object object;
  if (update.contact) object.set("contact", json::Value::strings(*update.contact));
  if (update.deactivate) object.set("status", to_string(AccountStatus::deactivated));
  return object;
}

Result<AccountUpdate> parse_account_update(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto contact, json::get_strings(object, "contact"));
  TRY(auto const status, json::get_string(object, "status"));
  // 8555-7.3.2-1: every other status is passed over
  return AccountUpdate{std::move(contact), status == to_string(AccountStatus::deactivated)};
}

json::Object orders_list_to_json(std::vector<std::string> const& order_urls) {
  return {{"orders", json::Value::strings(order_urls)}};
}

Result<std::vector<std::string>> parse_orders_list(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  return json::need_strings(object, "orders");
}

}  // namespace lenscap::acme
