// RFC 5280 4.2.2.1: where the issuer's certificate is, for devices that send their own alone; and who answers whether
// this certificate is revoked (RFC 6960 3.1).
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {
namespace {

Bytes access_description(std::string_view method, std::string_view url) {
  constexpr int kUri = 6;  // GeneralName uniformResourceIdentifier
  if (url.empty()) return {};
  return der::sequence({der::oid(method), der::element(der::context(kUri), as_bytes(url))});
}

}  // namespace

std::optional<ExtensionValue> encode_authority_info_access(Template const& what) {
  if (what.ca_issuers_url.empty() && what.ocsp_url.empty()) return std::nullopt;
  return ExtensionValue{false, der::sequence({access_description("1.3.6.1.5.5.7.48.1", what.ocsp_url),
                                              access_description("1.3.6.1.5.5.7.48.2", what.ca_issuers_url)})};
}

}  // namespace lenscap::ca
