// Challenge tokens and the key authorization that answers them (RFC 8555 8.1).
#pragma once

#include <string>
#include <string_view>

#include "base/x509/key.h"

namespace lenscap::acme {

// Is this a token that may be used at all: 22 to 128 characters of base64url (128 bits or more, 8555-11.3-1)? A client
// asks this before a token comes near a path or a URL.
bool is_token(std::string_view text);

// token "." thumbprint (8555-8.1-1).
std::string key_authorization(std::string_view token, x509::PublicKey const& account_key);

}  // namespace lenscap::acme
