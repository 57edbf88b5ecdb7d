// RFC 5280 4.2.1.9: critical in every CA certificate; in a leaf an empty value, since cA is FALSE by default.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_basic_constraints(Template const& what) {
  if (!what.is_ca) return ExtensionValue{true, der::sequence({})};
  return ExtensionValue{
      true, der::sequence({der::boolean_true(), what.path_length ? der::small_integer(*what.path_length) : Bytes{}})};
}

}  // namespace lenscap::ca
