// The one word with which an agent joins a server: where the directory is, the root's hash, and EAB credentials.
//   "lenscap1." base64url({"directory":…,"root_url":…,"root_sha256":…,"eab_kid":…,"eab_mac_key":…})
// The word holds a secret: whoever has it may bind an account until the key's bind-by passes.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/secret.h"

namespace lenscap::acme {

struct JoinString {
  std::string directory = {};  // https URL
  std::string root_url = {};   // http or https URL where the root is found; its hash makes plain HTTP good enough
  Sha256 root_sha256{};        // of the root's DER
  std::string eab_kid = {};
  SecretBytes eab_mac_key = {};
};

SecretBytes make_join_string(JoinString const& join);
// Strict: all five members and no other, URLs with the right scheme, 32 octets of hash, a MAC key of 32 octets or more.
// Blanks around the word are forgiven, since people paste it. Errc::usage; the text never repeats the word.
Result<JoinString> parse_join_string(std::string_view word);

}  // namespace lenscap::acme
