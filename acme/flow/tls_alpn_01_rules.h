// tls-alpn-01 without the network (RFC 8737 3, RFC 8738 6): what is asked for in the handshake and what counts as the
// answer.
#pragma once

#include <string>

#include "acme/wire/identifier.h"

namespace lenscap::acme {

inline constexpr std::string_view kAcmeTlsProtocol = "acme-tls/1";  // alone in the ALPN list (8737-3-1)

// The name itself; of an address its reverse name, in-addr.arpa or ip6.arpa (8738-6-1).
std::string tls_alpn_01_server_name(Identifier const& identifier);

// 8737-3-2: `certificate` (DER) is self-signed, its one subjectAltName is the name (in either case) or the address, and
// its acmeIdentifier the SHA-256 of the key authorization. Its dates, subject and key do not matter.
// Errc::incorrect_response; nothing of what the certificate holds is in the text.
Result<> judge_tls_alpn_01(ByteView certificate, Identifier const& identifier, std::string_view key_authorization,
                           std::string const& where);

}  // namespace lenscap::acme
