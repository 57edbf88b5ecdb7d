// The issuer that the parent has yet to certify: key and request of a roll-over below a parent. It takes the place of
// the last of the first issuer's line, and so there is one at most. It lies beside the issuers:
//   STATE/issuers/NAME.pending/issuing.csr    the request (PKCS#10, PEM); it stays when there is an issuer
//   STATE/issuers/NAME.pending/issuing.key    as of an issuer
//   STATE/issuers/NAME.pending/request.toml   what is to be written into issuer.toml then:
//     replaces = "default"
//     after    = 604800                       # seconds from the installation on, until it signs
//     key      = "pkcs11:..."                 # of a key in a token
// Nothing signs with it, and whoever looks for issuers passes it over. It does NOT judge what the parent makes of the
// request: parent_rules.h does.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "ca/installed_issuers.h"

namespace lenscap::ca {

struct PendingIssuer {
  std::string name;  // that it is to have
  std::string replaces;
  Seconds after;
  std::string token_key = {};  // pkcs11: URI; empty: in the file
  std::string request = {};    // PEM

  std::string key() const;  // see key_holder.h
};

// Errc::settings where a folder lacks something, or there are two of them.
Result<std::optional<PendingIssuer>> load_pending(std::string const& state_dir);

// Makes the folder, whole or not at all; Errc::conflict when it is there. `key`: see install_issuer(). Takes about 1 s:
// scrypt.
Result<> keep_pending(std::string const& state_dir, PendingIssuer const& pending, x509::PrivateKey const* key,
                      SecretBytes const& passphrase);

// From when on it signs, where it is installed now and the old one's chain ends so: at once where that would have ended
// before. Pure.
Time begin_of(PendingIssuer const& pending, Time now, Time old_ends);

// One rename makes an issuer of it. What is refused changes nothing. Errc::conflict, file.
Result<> install_pending(std::string const& state_dir, PendingIssuer const& pending, x509::Certificate const& issuing,
                         std::vector<x509::Certificate> const& above, IssuerNote const& note);

// The request of an issuer that was made so, for the next certificate of its key. Errc::file.
Result<std::string> request_of(std::string const& state_dir, std::string const& name);

}  // namespace lenscap::ca
