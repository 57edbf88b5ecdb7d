// A certificate's identifier has one spelling: what is accepted is written again to the letter. Renewal information
// that is accepted is written, read back and found equal, and its window is never empty.
#include <cstdint>

#include "acme/wire/renewal_info.h"
#include "base/bytes.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  if (auto const id = acme::CertificateId::parse(text); id.ok()) {
    if (id->text() != text) bug("an identifier of two spellings");
    if (id->serial_hex().empty() || id->serial_hex().size() > 42) bug("a serial number of no possible length");
  }
  if (auto const info = acme::parse_renewal_info(text); info.ok()) {
    if (info->end <= info->start) bug("an empty window");
    auto const again = acme::parse_renewal_info(json::write(acme::to_json(*info)));
    if (!again.ok() || !(*again == *info)) bug("renewal information does not survive a round trip");
  }
  return 0;
}
