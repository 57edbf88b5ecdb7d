// Every ACME object and request that is accepted is written, read back and found equal.
#include <cstdint>

#include "acme/wire/account.h"
#include "acme/wire/authorization.h"
#include "acme/wire/directory.h"
#include "acme/wire/join.h"
#include "acme/wire/order.h"
#include "acme/wire/revocation.h"
#include "base/bytes.h"

using namespace lenscap;

namespace {

template <class Parse>
void round_trip(std::string_view text, Parse parse) {
  auto const value = parse(text);
  if (!value.ok()) return;
  auto const written = json::write(acme::to_json(*value));
  auto const again = parse(written);
  if (!again.ok() || json::write(acme::to_json(*again)) != written) bug("an object does not survive a round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_new_order);
  round_trip(text, acme::parse_order);
  round_trip(text, acme::parse_authorization);
  round_trip(text, acme::parse_challenge);
  round_trip(text, acme::parse_new_account);
  round_trip(text, acme::parse_account_update);
  round_trip(text, acme::parse_account);
  round_trip(text, acme::parse_directory);
  round_trip(text, acme::parse_revocation);
  (void)acme::parse_challenge_response(text);
  (void)acme::parse_deactivation(text);
  if (auto const identifier = acme::parse_new_authz(text); identifier.ok()) {
    if (!(acme::parse_new_authz(json::write(acme::new_authz_to_json(*identifier))).value() == *identifier))
      bug("another identifier");
  }
  if (auto const csr = acme::parse_finalize(text, acme::CsrPadding::allow); csr.ok()) {
    if (acme::parse_finalize(json::write(acme::finalize_to_json(*csr))).value() != *csr) bug("another CSR");
  }
  if (auto const request = acme::parse_new_order(text); request.ok()) {
    if (acme::to_name_set(request->identifiers).size() != request->identifiers.size()) bug("a name is twice there");
  }
  if (auto const join = acme::parse_join_string(text); join.ok()) {
    if (!acme::parse_join_string(acme::make_join_string(*join).text()).ok()) bug("a join string does not survive");
  }
  return 0;
}
