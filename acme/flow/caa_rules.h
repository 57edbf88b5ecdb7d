// CAA: may this CA issue for a name, says the name's own zone (RFC 8659), and to which account by which challenge
// (RFC 8657). Values only; the looking up is in acme/server/caa.h. Addresses have no CAA.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "acme/flow/authorization.h"
#include "base/bytes.h"

namespace lenscap::acme {

enum class CaaMode {
  off,      // never asked for
  lenient,  // records count; when they cannot be looked up the name passes, with a warning in the log
  strict,   // what cannot be looked up is refused
};

struct CaaQuestion {
  x509::DnsName name;  // without "*."
  bool wildcard = false;
  std::string account_uri = {};
  std::string method = {};  // the challenge type
};

// The validation method of a name that is granted to its account and proved by nobody: RFC 8657 4 leaves labels that
// begin with "ca-" to each CA.
inline constexpr std::string_view kGrantedMethod = "ca-granted";

// The names whose records are asked for, in order; the first that has any decides (8659-3-1).
std::vector<std::string> caa_climb(x509::DnsName const& name);

// Does the deciding set of records (in wire form) allow it? `identities` are the names that stand for this CA.
// Errc::caa when a property restricts the name and none of them allows this CA, this account and this method; when a
// property that nobody here knows is critical (8659-4-1); when a record cannot be read.
Result<> judge_caa(std::span<Bytes const> records, CaaQuestion const& question,
                   std::span<std::string const> identities);

// Where the zone's owner wants to hear of refusals, for the log.
std::vector<std::string> caa_iodef(std::span<Bytes const> records);

// What was looked up at validation counts for eight hours; a granted name is asked for at every issuance. Never for an
// address.
bool is_caa_due(Authorization const& authorization, Time now);
CaaQuestion caa_question(Authorization const& authorization, std::string account_uri);

}  // namespace lenscap::acme
