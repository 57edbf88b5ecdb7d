// What an auditor has to know of when it changes (audit_changes.h): issuers, roots and their lists, where their keys
// are, the last back-up, and the rules that bind issuing; each thing as a line for people, so that two moments can be
// compared.
#pragma once

#include <map>
#include <string>

#include "acme/server/settings.h"
#include "ca/authority.h"

namespace lenscap::acme {

// By what it is: "issuer plant4" -> "SHA-256 of its certificate ..."
using Inventory = std::map<std::string, std::string>;

// Issuers, roots, places of keys, the last back-up. Looks at files: may block.
Inventory what_is_installed(Settings const& settings, ca::Authority const& authority);
// The rules by which this process issues and by which clients learn what was revoked: limits of names, profiles, caps,
// who may order, what has to be proved, lists and OCSP. Each setting by its own key; audit_changes_test.cc has those
// that are not here, and why.
Inventory what_binds_issuing(Settings const& settings, ca::Authority const& authority);

// What commands change beside the server, as it lies in the state directory: a server may have taken it or not, and
// what it has taken reads the same. Errc::file, settings where it cannot be read, as before there is a chain.
struct OnDisk {
  Inventory installed;
  Inventory rules;  // of the issuers
};
Result<OnDisk> what_lies_on_disk(Settings const& settings);

}  // namespace lenscap::acme
