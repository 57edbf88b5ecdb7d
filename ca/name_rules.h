// Name constraints beyond `permit_dns` and `permit_ip`, as an administrator writes them for `init` or into ca.toml.
#pragma once

#include <string>
#include <vector>

#include "base/x509/name_constraints.h"

namespace lenscap::ca {

struct NameRules {
  // "mail.example", ".example" for all hosts below, or one address. Empty: no mail addresses, and no URIs.
  std::vector<std::string> permit_email = {}, permit_uri = {};
  std::vector<std::string> permit_directory = {};  // "O=Example Cameras,C=DE" (RFC 4514). Empty: every one
  std::vector<std::string> exclude_dns = {}, exclude_ip = {}, exclude_email = {}, exclude_uri = {},
                           exclude_directory = {};

  bool operator==(NameRules const&) const = default;
};

// Errc::usage, naming the text that is no such name.
Result<> apply(NameRules const& rules, x509::NameConstraints& constraints);

}  // namespace lenscap::ca
