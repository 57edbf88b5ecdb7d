// RFC 5280 4.2.2.1: where the issuer's certificate is, for devices that send their own alone.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_authority_info_access(Template const& what) {
  if (what.ca_issuers_url.empty()) return std::nullopt;
  constexpr int kUri = 6;  // GeneralName uniformResourceIdentifier
  return ExtensionValue{
      false, der::sequence({der::sequence(
                 {der::oid("1.3.6.1.5.5.7.48.2"), der::element(der::context(kUri), as_bytes(what.ca_issuers_url))})})};
}

}  // namespace lenscap::ca
