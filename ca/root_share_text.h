// How shares of a root's key (root_shares.h) are written: a file for the person who keeps one, the line that this
// person types, and what stands in front of a key that is sealed in shares. The three say the same of the sealing, one
// line each:
//
//   Root       CN=Example Cameras Root CA,O=Example Cameras
//   SHA-256    0A1B 2C3D ...              the fingerprint of the root's certificate
//   Sealing    K7QX2M4D
//   Needs      3 of 5
//
// and a share's file also
//
//   Number     2
//   Share      ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567
//   Check      Q2LM
//
// Share is base32. Check is the first four characters of the base32 of the SHA-256 of "SHA-256 Sealing Needs Number
// Share" with one blank between them: the fingerprint in lower case without blanks, Needs as 3-of-5, and Share without
// blanks. So one wrong character anywhere but in Root is found, but for one time in a million. It is against mistakes,
// and NOT against people who write false shares.
#pragma once

#include <optional>

#include "ca/root_shares.h"

namespace lenscap::ca {

constexpr std::size_t kShareFileBytesMax = 16 * 1024L;  // about ten times what it has

// The file, with what its reader has to know.
SecretBytes share_file(RootShare const& share);
// Other lines are passed over. Errc::file when something is missing or does not fit its check. It repeats nothing of
// the share.
Result<RootShare> parse_share_file(std::string_view text);

// Number, Share and Check in one line, as "2 ABCD EFGH ... Q2LM". The check also fails for a share of another sealing,
// since its line does not say which it is of. Errc::malformed. It repeats nothing of the line.
Result<RootShare> parse_typed_share(Sealing const& sealing, std::string_view line);

// The lines in front of the PEM of a key, which whoever reads PEM passes over.
std::string sealing_text(Sealing const& sealing);
// What stands in front of this key; none where one passphrase opens it. Errc::file.
Result<std::optional<Sealing>> read_sealing(std::string_view key_file);

}  // namespace lenscap::ca
