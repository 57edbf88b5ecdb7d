// The issuers of STATE. The default is that of STATE/keys (installed_chain.h); each further one is a folder:
//   STATE/issuers/NAME/issuing.pem   its certificate, and those above it up to and with the root
//   STATE/issuers/NAME/issuing.key   its key, under the passphrase of the default's; none where it is in a token
//   STATE/issuers/NAME/issuer.toml   what the certificate does not say:
//     profiles    = ["dot1x"]                # that it serves; empty: all
//     active_from = "2026-07-01T00:00:00Z"   # signs from then on; without it from the beginning
//     replaces    = "plant4"                 # the issuer that signs nothing any more from then on; "default" is one
//     key         = "pkcs11:..."             # of a key in a token, which has the default's as well
// A folder appears whole or not at all. Below a parent there are two kinds. One that an issuing certificate of this CA
// has signed stands below that one as it is now, whatever its own file says: it may have been renewed. One that the
// parent has certified, in the place of the first (pending_issuer.h), has above it what its own file says. It does NOT
// choose among issuers: issuer_choice.h does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "ca/installed_chain.h"
#include "ca/issuer_choice.h"
#include "ca/known_roots.h"

namespace lenscap::ca {

// What issuer.toml says.
struct IssuerNote {
  std::vector<std::string> profiles = {};
  std::optional<Time> active_from = {};
  std::string replaces = {};
  std::string key = {};  // of a token; empty: in the file

  bool operator==(IssuerNote const&) const = default;
};
Result<IssuerNote> parse_issuer_note(std::string_view toml, std::string_view file_name);  // Errc::settings
std::string to_toml(IssuerNote const& note);

struct InstalledIssuer {
  std::string name;
  InstalledChain chain;
  std::string key;  // of a further one, see key_holder.h; of the default the settings say it
  IssuerNote note;
  std::optional<Time> revoked_at = {};  // by the list of its root, where that is our own
  // Below a parent: the issuer of this CA that has signed it. Empty: the parent has, and renews it.
  std::string signed_by = {};

  bool is_of_parent() const { return chain.has_parent && signed_by.empty(); }
};

// Lower-case letters, digits and hyphens, as in a host name; at most 32 characters. Errc::usage.
Result<> check_issuer_name(std::string_view name);

// The default first, the others by name. Errors as load_chain() and load_root_crls(); Errc::settings where a folder
// lacks something, has another root, has no room above it, or replaces what there is not.
Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir);
// The same with another chain of the default: one that is about to be installed.
Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir, InstalledChain own);
// The same with `next` in the place of the one of that name, or beside the others where there is none.
Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir, InstalledIssuer next);

// Of the default's line, the one whose time it is: below a parent it signs further issuers. Pointing into `all`.
InstalledIssuer const& in_charge(std::vector<InstalledIssuer> const& all, Time now);

// With the chains that lead to the root that they are to lead to: what an issuer may do, and until when, is by these.
std::vector<InstalledIssuer> as_chains_lead(std::vector<InstalledIssuer> issuers, KnownRoots const& known);

// One issuer's line: the first, and each that took the place of the one before; all of them for whichever of their
// names. Empty: there is no such issuer. In pointers into `all`.
std::vector<InstalledIssuer const*> line_of(std::vector<InstalledIssuer> const& all, std::string_view name);

// What choose_issuer() goes by, in the same order; of the default's line the settings limit the names as well.
// `further`: see own_limits().
std::vector<IssuerRule> rules_of(std::vector<InstalledIssuer> const& issuers, std::vector<NameLimit> const& further);

// Who forbids what a profile is for by its extended key usage, where that is so in the chain of every issuer: the
// server does not start with such a profile. Of the first issuer; nothing where one may serve it.
std::optional<Forbidden> who_forbids(std::vector<InstalledIssuer> const& issuers, Profile const& profile);

// "STATE/issuers/NAME".
std::string issuer_directory(std::string const& state_dir, std::string const& name);
// What is no issuer yet, beside them: pending_issuer.h.
constexpr std::string_view kPendingSuffix = ".pending";

// What the parent has certified anew for the key of one of is_of_parent(): its chain is replaced as a whole.
Result<> renew_issuer(std::string const& state_dir, std::string const& name, x509::Certificate const& issuing,
                      std::vector<x509::Certificate> const& above);

// Makes STATE/issuers/NAME. Errc::conflict when it is there. Takes about 1 s: scrypt. Without `key` it is where
// note.key says, and the passphrase is not used. `then` comes last, and what it refuses leaves no new issuer.
Result<> install_issuer(std::string const& state_dir, std::string const& name, x509::Certificate const& issuing,
                        std::vector<x509::Certificate> const& above, x509::PrivateKey const* key,
                        SecretBytes const& passphrase, IssuerNote const& note,
                        std::function<Result<>()> const& then = {});
inline Result<> install_issuer(std::string const& state_dir, std::string const& name, x509::Certificate const& issuing,
                               std::vector<x509::Certificate> const& above, x509::PrivateKey const& key,
                               SecretBytes const& passphrase, IssuerNote const& note) {
  return install_issuer(state_dir, name, issuing, above, &key, passphrase, note);
}

}  // namespace lenscap::ca
