// Base32 (RFC 4648 section 6) without padding, for secrets that people read, write down and type: letters and the
// digits 2 to 7, which nobody takes for letters. `base32` of coreutils reads and writes the same.
#pragma once

#include <string_view>

#include "base/secret.h"

namespace lenscap {

SecretBytes to_base32(ByteView octets);  // upper case
// Either case; blanks, tabs and hyphens anywhere are skipped. Errc::malformed for other characters, impossible lengths
// and trailing bits that are not zero. The refusal repeats nothing of the text.
Result<SecretBytes> from_base32(std::string_view text);

}  // namespace lenscap
