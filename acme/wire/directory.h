// The directory object (RFC 8555 7.1.1).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace lenscap::acme {

// URLs as text; an empty one is not offered and not written.
struct Directory {
  std::string new_nonce = {};    // required
  std::string new_account = {};  // required
  std::string new_order = {};    // required
  std::string new_authz = {};    // left out without pre-authorization (8555-7.1.1-1)
  std::string revoke_cert = {};
  std::string key_change = {};
  std::string renewal_info = {};  // RFC 9773
  std::string roots = {};         // of lenscap: see roots.h; where a root follows another

  // `meta`
  std::string terms_of_service = {};
  std::string website = {};
  std::vector<std::string> caa_identities = {};
  bool external_account_required = false;
  std::vector<std::pair<std::string, std::string>> profiles = {};  // name, description (profiles draft)

  bool operator==(Directory const&) const = default;
};

json::Object to_json(Directory const& directory);
// Unknown members are ignored. Errc::malformed without the three required URLs.
Result<Directory> parse_directory(std::string_view body);

}  // namespace lenscap::acme
