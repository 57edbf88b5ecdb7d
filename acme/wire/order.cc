#include "acme/wire/order.h"

#include "acme/wire/read_members.h"
#include "base/limits.h"

namespace lenscap::acme {

json::Object to_json(OrderObject const& order) {
  json::Object object{{"status", to_string(order.status)}};
  if (order.expires) object.set("expires", to_rfc3339(*order.expires));
  object.set("identifiers", to_json(order.identifiers));
  if (order.not_before) object.set("notBefore", to_rfc3339(*order.not_before));
  if (order.not_after) object.set("notAfter", to_rfc3339(*order.not_after));
  // profiles-4-2
  if (!order.profile.empty()) object.set("profile", order.profile);
  if (!order.replaces.empty()) object.set("replaces", order.replaces);
  if (order.error) object.set("error", to_problem(*order.error));
  object.set("authorizations", json::Value::strings(order.authorizations));
  object.set("finalize", order.finalize);
  if (!order.certificate.empty()) object.set("certificate", order.certificate);
  return object;
}

Result<OrderObject> parse_order(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  OrderObject order;
  TRY(auto const status_text, json::need_string(object, "status"));
  TRY(order.status, parse_order_status(status_text));
  TRY(order.expires, get_time(object, "expires"));
  TRY(auto const identifiers, json::need_array(object, "identifiers"));
  TRY(order.identifiers, read_identifiers(identifiers));
  TRY(order.not_before, get_time(object, "notBefore"));
  TRY(order.not_after, get_time(object, "notAfter"));
  TRY(auto profile, json::get_string(object, "profile"));
  order.profile = std::move(profile).value_or("");
  TRY(auto replaces, json::get_string(object, "replaces"));
  order.replaces = std::move(replaces).value_or("");
  TRY(order.error, get_problem(object, "error"));
  TRY(order.authorizations, json::need_strings(object, "authorizations"));
  TRY(order.finalize, json::need_string(object, "finalize"));
  TRY(auto certificate, json::get_string(object, "certificate"));
  order.certificate = std::move(certificate).value_or("");
  return order;
}

json::Object to_json(NewOrderRequest const& request) {
  json::Object object{{"identifiers", to_json(request.identifiers)}};
  if (request.not_before) object.set("notBefore", to_rfc3339(*request.not_before));
  if (request.not_after) object.set("notAfter", to_rfc3339(*request.not_after));
  if (request.profile) object.set("profile", *request.profile);
  if (request.replaces) object.set("replaces", *request.replaces);
  return object;
}

namespace {

// Enough for as many identifiers as fit into a body: whoever sends too many shall be told that, and not of a limit of
// JSON.
constexpr json::Limits kNewOrderLimits{.members = 8192};

}  // namespace

Result<NewOrderRequest> parse_new_order(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload, kNewOrderLimits));
  NewOrderRequest request;
  TRY(auto const identifiers, json::need_array(object, "identifiers"));
  TRY(request.identifiers, read_identifiers(identifiers));
  TRY(request.not_before, get_time(object, "notBefore"));
  TRY(request.not_after, get_time(object, "notAfter"));
  TRY(request.profile, json::get_string(object, "profile"));
  TRY(request.replaces, json::get_string(object, "replaces"));
  return request;
}

Result<Bytes> parse_finalize(std::string_view payload, CsrPadding padding) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto text, json::need_string(object, "csr"));
  if (padding == CsrPadding::allow && text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.pop_back();
  }
  auto der = from_base64url(text);
  if (!der.ok()) return std::move(der).error().with_context("csr: ");
  if (der->size() > limits::kCsrBytes) {
    return Error(Errc::bad_csr, "csr: more than " + std::to_string(limits::kCsrBytes) + " octets");
  }
  return der;
}

json::Object finalize_to_json(ByteView csr_der) { return {{"csr", to_base64url(csr_der)}}; }

}  // namespace lenscap::acme
