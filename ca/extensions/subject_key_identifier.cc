// RFC 5280 4.2.1.2: the key's own name, so that chains are found without trying signatures.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_subject_key_identifier(Template const& what) {
  return ExtensionValue{false, der::octet_string(key_id(what.key))};
}

}  // namespace lenscap::ca
