// RFC 5280 4.2.1.3: what the key may do, critical. A BIT STRING without trailing zero bits (X.690 11.2.2).
#include <algorithm>

#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {

std::optional<ExtensionValue> encode_key_usage(Template const& what) {
  constexpr std::uint8_t kDigitalSignature = 0x80;
  constexpr std::uint8_t kKeyEncipherment = 0x20;
  constexpr std::uint8_t kKeyCertSign = 0x04;
  constexpr std::uint8_t kCrlSign = 0x02;
  if (what.is_ca) return ExtensionValue{true, der::bit_string(Bytes{kKeyCertSign | kCrlSign}, 1)};
  // TLS 1.2 key transport needs keyEncipherment of the server, which old recorders still do with RSA. A client signs.
  auto const& usages = what.extended_key_usage;
  bool const is_server = std::ranges::find(usages, ExtendedKeyUsage::server_auth) != usages.end();
  if (what.key.type() == x509::KeyType::rsa && is_server)
    return ExtensionValue{true, der::bit_string(Bytes{kDigitalSignature | kKeyEncipherment}, 5)};
  return ExtensionValue{true, der::bit_string(Bytes{kDigitalSignature}, 7)};
}

}  // namespace lenscap::ca
