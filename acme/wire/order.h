// The order object (RFC 8555 7.1.3) and the requests newOrder and finalize (7.4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/wire/identifier.h"
#include "acme/wire/status.h"
#include "base/time.h"

namespace lenscap::acme {

struct OrderObject {
  OrderStatus status = OrderStatus::pending;
  std::optional<Time> expires = {};          // required when pending or valid (8555-7.1.3-1)
  std::vector<Identifier> identifiers = {};  // as asked for
  std::optional<Time> not_before = {};
  std::optional<Time> not_after = {};
  std::string profile = {};                      // empty: none (profiles draft)
  std::string replaces = {};                     // empty: none (RFC 9773 5)
  std::optional<Error> error = {};               // when invalid
  std::vector<std::string> authorizations = {};  // URLs
  std::string finalize = {};                     // URL
  std::string certificate = {};                  // URL, only when valid
};
json::Object to_json(OrderObject const& order);
Result<OrderObject> parse_order(std::string_view body);

// newOrder's payload. Unknown members are ignored. Identifiers are refused one by one: see read_identifiers.
struct NewOrderRequest {
  std::vector<Identifier> identifiers = {};
  std::optional<Time> not_before = {};
  std::optional<Time> not_after = {};
  std::optional<std::string> profile = {};
  std::optional<std::string> replaces = {};  // RFC 9773: a certificate's id; not checked here

  bool operator==(NewOrderRequest const&) const = default;
};
json::Object to_json(NewOrderRequest const& request);
Result<NewOrderRequest> parse_new_order(std::string_view payload);

// May the CSR's base64url end in "="? Some appliances pad it (8555-6.1-5 says no: `allow` is a compatibility switch).
enum class CsrPadding { refuse, allow };

// finalize's payload {"csr": base64url of DER}: the DER, neither parsed nor checked (x509::parse_csr does that).
// Errc::malformed, or bad_csr for one over limits::kCsrBytes.
Result<Bytes> parse_finalize(std::string_view payload, CsrPadding padding = CsrPadding::refuse);
json::Object finalize_to_json(ByteView csr_der);

}  // namespace lenscap::acme
