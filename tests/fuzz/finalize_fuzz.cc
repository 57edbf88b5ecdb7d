// finalize's payload: what is accepted without padding is accepted with it, and is the same; the difference is at most
// two signs of padding; no more comes through than a CSR may have.
#include "acme/wire/order.h"
#include "base/limits.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  auto const strict = acme::parse_finalize(text);
  auto const lenient = acme::parse_finalize(text, acme::CsrPadding::allow);
  if (strict.ok() && (!lenient.ok() || *lenient != *strict)) bug("padding changes what has none");
  if (lenient.ok() && !strict.ok() && text.find('=') == text.npos && text.find("\\u") == text.npos)
    bug("more than padding was passed over");
  for (auto const* csr : {&strict, &lenient}) {
    if (!csr->ok()) {
      if (csr->error().code() != Errc::malformed && csr->error().code() != Errc::bad_csr) bug("another code");
      continue;
    }
    if ((*csr)->size() > limits::kCsrBytes) bug("a CSR without bounds");
    if (acme::parse_finalize(json::write(acme::finalize_to_json(**csr))).value() != **csr) bug("another CSR");
  }
  return 0;
}
