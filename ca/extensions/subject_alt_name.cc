// RFC 5280 4.2.1.6: the names; critical when the subject is empty.
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_subject_alt_name(Template const& what) {
  if (what.names.empty()) return std::nullopt;
  constexpr int kDnsName = 2;
  constexpr int kIpAddress = 7;
  Bytes all;
  for (x509::DnsName const& name : what.names.dns)
    all = der::join({all, der::element(der::context(kDnsName), as_bytes(name.text()))});
  for (x509::IpAddress const& address : what.names.ip)
    all = der::join({all, der::element(der::context(kIpAddress), address.octets())});
  return ExtensionValue{what.has_empty_subject(), der::element(der::kSequence, all)};
}

}  // namespace lenscap::ca
