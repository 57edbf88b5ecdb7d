// RFC 5280 4.2.1.10: what a CA may name; critical, so that who does not know it refuses.
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_name_constraints(Template const& what) {
  if (!what.name_constraints) return std::nullopt;
  return ExtensionValue{true, what.name_constraints->to_der()};
}

}  // namespace lenscap::ca
