// What issuer install, issuer import and root import have in common: the files that people give, what this server asks
// of a chain beyond the rules for parents, and telling what was installed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/server/commands/commands.h"
#include "base/x509/bundle.h"
#include "ca/installed_issuers.h"
#include "ca/name_limits.h"
#include "ca/parent_rules.h"

namespace lenscap::acme {

// Errc::conflict where the CA has a root of its own, Errc::file where there is none.
Result<> need_intermediate(CommandLine const& line);

// Ends what an earlier command that was broken off has left in keys/ and ca.toml, and says on standard error what came
// of it: also when this command is then refused, the files are not as they were. To be called before settings are read.
Result<> settle_keys(CommandLine const& line);

// Is the key that this CA has the one of its request? Errc::conflict when it is another. Not looked at where a user of
// the signer's own has it; nor where a passphrase is to be had of the service's credentials or a terminal and is not,
// which is the warning that comes back, otherwise empty.
Result<std::string> check_key_is_here(Settings const& settings, x509::PublicKey const& requested);
// The same of whichever key, see key_holder.h: one that the signer does not have.
Result<std::string> check_key_is_here(Settings const& settings, std::string const& key,
                                      x509::PublicKey const& requested);

// All of the files together. `passphrase_file` is of what is encrypted among them: "-" is standard input, and without
// one the person is asked, once.
Result<x509::Bundle> read_bundles(std::vector<std::string> const& files, std::string const& passphrase_file);

// The certificates of all of the files; a file with a key, or one that is encrypted, is refused, and `instead` says
// what to do with it.
Result<std::vector<x509::Certificate>> read_certificates(std::vector<std::string> const& files,
                                                         std::string const& instead);

// The constraints that an issuing certificate for this CA is asked for with.
Result<x509::NameConstraints> permitted_by(Settings const& settings);

struct Installation {
  ca::ParentVerdict verdict;
  std::vector<ca::NameLimit> limits;
  std::vector<std::string> warnings;
};
// Errc::conflict when another key, subject or subject key identifier is installed; Errc::settings when the server's own
// name could not be certified below this chain.
Result<Installation> judge_installation(ca::ParentVerdict verdict, Settings const& settings);
// The same for another issuer of the first one's line, which the parent has certified (ca/pending_issuer.h) or renews;
// `before` is the certificate that it has. Also Errc::conflict when the chain leads to another root than the first
// issuer's, or when it bears the name of another issuer.
Result<Installation> judge_installation(ca::ParentVerdict verdict, Settings const& settings, ca::InstalledIssuer place,
                                        std::optional<x509::Certificate> const& before);
// `more` is told as well.
void print_installation(CommandLine const& line, Installation const& made, json::Object const& more = {});

}  // namespace lenscap::acme
