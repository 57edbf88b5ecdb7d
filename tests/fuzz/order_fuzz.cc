// Orders and the requests for them: what is accepted is written, read back and found equal, and names nothing twice.
#include <cstdint>

#include "acme/wire/join.h"
#include "acme/wire/order.h"
#include "tests/fuzz/objects.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_new_order);
  round_trip(text, acme::parse_order);
  if (auto const request = acme::parse_new_order(text); request.ok()) {
    if (acme::to_name_set(request->identifiers).size() != request->identifiers.size()) bug("a name is twice there");
  }
  if (auto const join = acme::parse_join_string(text); join.ok()) {
    if (!acme::parse_join_string(acme::make_join_string(*join).text()).ok()) bug("a join string does not survive");
  }
  return 0;
}
