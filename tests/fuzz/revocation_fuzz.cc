// A request to revoke: what is accepted holds a certificate, and survives being written and read.
#include "acme/wire/revocation.h"
#include "tests/fuzz/objects.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_revocation);
  if (auto const request = acme::parse_revocation(text); request.ok()) {
    if (request->certificate.empty()) bug("a revocation of nothing");
    if (!(acme::parse_revocation(json::write(acme::to_json(*request))).value() == *request)) bug("another revocation");
  }
  return 0;
}
