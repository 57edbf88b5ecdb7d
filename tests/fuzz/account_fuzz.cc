// Accounts and the requests that make and change them: what is accepted survives being written and read; a request to
// change says no more than it holds; a binding that is read names a key and a URL.
#include "acme/wire/account.h"
#include "acme/wire/jws.h"
#include "tests/fuzz/objects.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_account);
  round_trip(text, acme::parse_new_account);
  round_trip(text, acme::parse_account_update);
  if (auto const update = acme::parse_account_update(text); update.ok()) {
    bool const says = text.find("deactivated") != text.npos || text.find("\\u") != text.npos;
    if (update->deactivate && !says) bug("deactivated without a word of it");
  }
  if (auto const request = acme::parse_new_account(text); request.ok() && request->external_account_binding) {
    auto const eab = acme::read_eab(*request->external_account_binding);
    if (eab.ok() && (eab->kid.empty() || eab->url.empty() || eab->mac.empty())) bug("a binding of nothing");
    if (eab.ok() && acme::verify(*eab, SecretBytes(Bytes(32, 1))).ok()) bug("a MAC that nobody made");
  }
  if (auto const orders = acme::parse_orders_list(text); orders.ok()) {
    if (acme::parse_orders_list(json::write(acme::orders_list_to_json(*orders))).value() != *orders)
      bug("other orders");
  }
  return 0;
}
