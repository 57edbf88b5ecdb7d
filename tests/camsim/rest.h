// The device configuration API: /config/rest/cert/v1 (and v1beta) and its discovery document.
#pragma once

#include "base/json.h"
#include "tests/camsim/exchange.h"

namespace lenscap::camsim {

// "PATCH certificates/{alias}", "POST create_certificate", "GET discover": the operation as faults and journal name it.
std::string rest_operation(Request const& request);
bool is_rest_operation(std::string_view name);  // one that rest_operation can give
bool rest_writes(Request const& request);       // only an admin may
Outcome serve_rest(Exchange& x);                // everything below /config/
Response rest_not_found(std::string_view path);

Response rest_ok();
Response rest_ok(json::Value data);
Response rest_error(int status, int code, std::string message);
Response rest_invalid(std::string what);  // 400 code 2 "Validation error: ..."

// The object under "data" of a request. Members outside `known` are refused or, by switch, ignored; both are
// journalled.
Result<json::Object> rest_data(Exchange& x, std::string_view known);
std::optional<Response> refuse_alias(Exchange const& x, std::string const& alias);  // bad, taken, or store full

namespace rest_certificates {
Outcome list(Exchange& x);
Outcome add(Exchange& x);
Outcome get(Exchange& x, std::string const& alias);
Outcome patch(Exchange& x, std::string const& alias);
Outcome erase(Exchange& x, std::string const& alias);
Outcome install_from_pkcs12(Exchange& x);
}  // namespace rest_certificates
namespace rest_authorities {
Outcome list(Exchange& x);
Outcome add(Exchange& x);
Outcome get(Exchange& x, std::string const& alias);
Outcome patch(Exchange& x, std::string const& alias);
Outcome erase(Exchange& x, std::string const& alias);
}  // namespace rest_authorities
namespace rest_keys {
Outcome create_certificate(Exchange& x);
Outcome get_csr(Exchange& x, std::string const& alias);
Outcome list_keystores(Exchange& x);
Outcome get_keystore(Exchange& x, std::string const& id);
Outcome get_default_keystore(Exchange& x);
Outcome set_default_keystore(Exchange& x);
}  // namespace rest_keys
Outcome serve_discovery(Exchange& x);

}  // namespace lenscap::camsim
