// RFC 5280 4.2.1.13: where the list is that would name this certificate. One place, which serves the list for every
// reason and is signed by the certificate's own issuer.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_crl_distribution_points(Template const& what) {
  if (what.crl_url.empty()) return std::nullopt;
  constexpr int kUri = 6;  // GeneralName uniformResourceIdentifier
  Bytes const full_name =
      der::element(der::context_constructed(0), der::element(der::context(kUri), as_bytes(what.crl_url)));
  Bytes const point = der::sequence({der::element(der::context_constructed(0), full_name)});
  return ExtensionValue{false, der::sequence({point})};
}

}  // namespace lenscap::ca
