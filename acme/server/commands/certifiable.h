// The issuers of this CA that a parent certifies: the first one, what has taken its place, and what waits for its
// certificate. Which request is theirs, and how what came of it is installed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/server/commands/commands.h"
#include "acme/server/settings.h"
#include "ca/parent_rules.h"
#include "ca/pending_issuer.h"

namespace lenscap::acme {

struct Request {
  std::string issuer;
  std::string pem;
};

// Of the issuer `of`; where that is empty, of what waits for its certificate, or else of the last of the first issuer's
// line. Errc::usage where the parent certifies none of that name.
Result<Request> find_request(CommandLine const& line, std::string const& of);

struct Certifiable {
  std::string name;
  x509::PublicKey key;
  std::optional<ca::InstalledIssuer> installed = {};  // of one that is there, but not of the first
  std::optional<ca::PendingIssuer> pending = {};
};

// The first is the first issuer.
Result<std::vector<Certifiable>> certifiable(CommandLine const& line);

// Judges what the rules for parents do not ask, installs the chain in the issuer's place, and says so: the first one's,
// the next one of an issuer that has taken its place, or that by which what waits becomes an issuer.
Result<ExitCode> install_chain_of(CommandLine const& line, Settings const& settings, Certifiable const& whose,
                                  ca::ParentVerdict verdict);

}  // namespace lenscap::acme
