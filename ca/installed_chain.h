// The certificates of STATE/keys: what this CA works under. With a root of its own they are root.pem and issuing.pem;
// under a parent chain.pem is all that counts, the issuing certificate first and the root last, so that one rename
// changes everything at once; issuing.pem beside it is a copy for people. It does NOT hold keys.
#pragma once

#include <string>
#include <vector>

#include "base/file_set.h"
#include "base/x509/certificate.h"
#include "ca/name_limits.h"
#include "ca/name_rules.h"

namespace lenscap::ca {

struct InstalledChain {
  x509::Certificate issuing;
  std::vector<x509::Certificate> above;  // up to and with the root
  bool has_parent = false;               // the root is somebody else's

  x509::Certificate const& root() const { return above.back(); }
};

// Errc::settings, saying what to do, when a parent's chain is still to come; Errc::file when there is no CA at all.
Result<InstalledChain> load_chain(std::string const& state_dir);

// Was this CA made without a root of its own? Whether or not its chain is installed.
bool is_intermediate(std::string const& state_dir);

// May `next` take the place of the issuing certificate that is installed below a parent, if one is? Whatever was issued
// under that one is looked up by its key, subject and subject key identifier: revocation lists, their addresses, OCSP
// answers, the ledger. Under another of these no list would name it and no answer know it. Errc::conflict, saying what
// was there, what came, and what to ask the parent for.
Result<> check_follows(std::string const& state_dir, x509::Certificate const& next);
// The same for a certificate of whichever issuer, which the parent made, too.
Result<> check_follows(x509::Certificate const& before, x509::Certificate const& next);

// Replaces the chain of an intermediate as a whole, or changes nothing. Errc::conflict as above. Who judged it:
// parent_rules.h.
Result<> install_chain(std::string const& state_dir, x509::Certificate const& issuing,
                       std::vector<x509::Certificate> const& above);

// What makes up such a chain, for replace_files(): the file that counts comes last.
std::vector<ReplacedFile> chain_files(std::string const& state_dir, x509::Certificate const& issuing,
                                      std::vector<x509::Certificate> const& above);
// To be called before settings, key, request or chain of an intermediate are read to be changed: ends what a crash left
// of an earlier change, and says which way. Errc::file.
Result<Settled> settle_chain(std::string const& state_dir);

// The request for the parent (PKCS#10, PEM), as it was made with the key.
std::string request_file(std::string const& state_dir);
std::string key_file(std::string const& state_dir);

// What limits the CA's names beside its chain: under a parent what the settings permit, since a parent may be wider
// than its owner wants it, or not constrained at all; nothing where a root of our own says it. Errc::settings when the
// settings permit nothing, or cannot be read.
Result<std::vector<NameLimit>> own_limits(InstalledChain const& chain, std::vector<std::string> const& permit_dns,
                                          std::vector<std::string> const& permit_ip, NameRules const& rules = {});
// All of them: those of the chain and these.
Result<std::vector<NameLimit>> name_limits(InstalledChain const& chain, std::vector<std::string> const& permit_dns,
                                           std::vector<std::string> const& permit_ip, NameRules const& rules = {});

}  // namespace lenscap::ca
