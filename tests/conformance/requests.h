// Certificate requests that ask for what they should not, by OpenSSL itself.
#pragma once

#include <string>

#include "base/x509/key.h"

namespace lenscap::conformance {

// `alt_names`: as in OpenSSL's configuration, "DNS:a.example,email:x@a.example". `more`: other extensions, each a name
// and its value: {"basicConstraints", "critical,CA:TRUE"}.
Bytes csr_with(x509::PrivateKey const& key, std::string const& common_name, std::string const& alt_names,
               std::vector<std::pair<std::string, std::string>> const& more = {});

}  // namespace lenscap::conformance
