// What `issuer create` and `issuer roll-over` have in common: the key of an issuer that is to be made, who certifies
// it, and what the person hears of it. All of it is done beside the server, which takes what was made at its next start
// or reload; the root's key is used and not kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/root_key.h"
#include "acme/server/settings.h"
#include "ca/installed_issuers.h"

namespace lenscap::acme {

struct IssuerKeyOptions {
  RootKeyOptions root;      // below an own root
  std::string issuing_key;  // below a parent, where the signer has a user of its own: a file of his
  std::string key;          // of the new issuer, in a token
};

void add_key_options(CLI::App& command, IssuerKeyOptions& options);

// Whoever signs opens every issuer's key with one passphrase.
Result<> check_kind_of_key(Settings const& settings, IssuerKeyOptions const& options);

struct NewKey {
  x509::PublicKey public_key;
  std::optional<x509::PrivateKey> in_memory;  // none: a token has it
};

Result<NewKey> new_key(CommandLine const& line, IssuerKeyOptions const& options, SecretBytes const& passphrase);
// Errc::conflict: an issuer has this key already.
Result<> check_is_new(x509::PublicKey const& key, std::vector<ca::InstalledIssuer> const& issuers);

struct WantedIssuer {
  std::string name;         // of the folder
  std::string common_name;  // of the certificate
  x509::NameConstraints constraints;
  std::vector<ca::ExtendedKeyUsage> usages;
  ca::IssuerNote note;
};

// What a further issuer stands beside or, below a parent, below.
ca::InstalledIssuer const& signer_of(std::vector<ca::InstalledIssuer> const& issuers, Time now);

// Everything that may refuse comes before the folder appears.
Result<ca::InstalledIssuer> make_issuer(CommandLine const& line, Settings const& settings,
                                        IssuerKeyOptions const& options,
                                        std::vector<ca::InstalledIssuer> const& issuers, WantedIssuer wanted, Time now);

json::Object to_json(ca::InstalledIssuer const& issuer, ca::IssuerRule const& rule, Time now);
void print_made(CommandLine const& line, ca::InstalledIssuer const& made, std::vector<std::string> const& warnings,
                bool has_signer_of_its_own, Time now);

}  // namespace lenscap::acme
