#include "acme/wire/key_authorization.h"

#include <algorithm>

#include "acme/wire/jwk.h"

namespace lenscap::acme {

bool is_token(std::string_view text) {
  constexpr std::size_t kLengthMin = 22;  // 128 bits
  constexpr std::size_t kLengthMax = 128;
  return text.size() >= kLengthMin && text.size() <= kLengthMax && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string key_authorization(std::string_view token, x509::PublicKey const& account_key) {
  return std::string(token) + '.' + thumbprint(account_key);
}

}  // namespace lenscap::acme
