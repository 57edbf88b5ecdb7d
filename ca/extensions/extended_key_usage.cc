// RFC 5280 4.2.1.12: for what the key is good; not critical. In the issuing CA it limits what lies below.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {
namespace {

char const* oid_of(ExtendedKeyUsage usage) {
  switch (usage) {
    case ExtendedKeyUsage::server_auth:
      return "1.3.6.1.5.5.7.3.1";
    case ExtendedKeyUsage::client_auth:
      return "1.3.6.1.5.5.7.3.2";
    case ExtendedKeyUsage::ocsp_signing:
      return "1.3.6.1.5.5.7.3.9";
  }
  bug("unknown ExtendedKeyUsage");
}

}  // namespace

std::optional<ExtensionValue> encode_extended_key_usage(Template const& what) {
  if (what.extended_key_usage.empty()) return std::nullopt;
  Bytes all;
  for (ExtendedKeyUsage usage : what.extended_key_usage) all = der::join({all, der::oid(oid_of(usage))});
  return ExtensionValue{false, der::element(der::kSequence, all)};
}

}  // namespace lenscap::ca
