// RFC 5280 4.2.1.1: the issuer's key by its identifier alone; issuer name and serial would tie the certificate to one
// certificate of that key.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_authority_key_identifier(Template const& what) {
  return ExtensionValue{false, der::sequence({der::element(der::context(0), what.authority_key_id)})};
}

}  // namespace lenscap::ca
