// RFC 6960 4.2.2.2.1: whoever checks an OCSP answer need not ask whether its signer is revoked. That would be asking
// the same server, for an answer by the same signer.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_ocsp_no_check(Template const& what) {
  if (!what.signs_ocsp()) return std::nullopt;
  return ExtensionValue{false, der::null()};
}

}  // namespace lenscap::ca
