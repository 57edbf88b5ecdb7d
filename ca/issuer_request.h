// The request of an issuing key to a parent CA (PKCS#10, RFC 2986): what this CA wants to be. It does NOT expect that
// the parent follows it: parent_rules.h judges what comes back.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/x509/key.h"
#include "base/x509/name_constraints.h"
#include "ca/profile.h"

namespace lenscap::ca {

// Asks for CA:TRUE with this path length (how many CA certificates may stand below: 1 where there are to be further
// issuers, further_issuer.h), keyCertSign and cRLSign, these usages, and these name constraints, under the name that
// `organization` gives our first issuing CA, or `common_name` where it is not empty. PEM.
std::string make_issuer_request(x509::PrivateKey const& key, std::string const& organization,
                                x509::NameConstraints const& constraints,
                                std::vector<ExtendedKeyUsage> const& usages = {ExtendedKeyUsage::server_auth,
                                                                               ExtendedKeyUsage::client_auth},
                                int path_length = 0, std::string const& common_name = {});
// The same where somebody else holds the key; what `sign` refuses is the refusal.
using Signing = std::function<Result<Bytes>(HashAlgorithm hash, ByteView data)>;
Result<std::string> make_issuer_request(x509::PublicKey const& key, Signing const& sign,
                                        std::string const& organization, x509::NameConstraints const& constraints,
                                        std::vector<ExtendedKeyUsage> const& usages, int path_length,
                                        std::string const& common_name = {});

// The key that such a request is for. Errc::file when it is none, or not signed by that key.
Result<x509::PublicKey> requested_key(std::string_view pem);

// The common name that it asks for. Errc::file.
Result<std::string> requested_common_name(std::string_view pem);

// The usages that it asks for, of those that profiles know; none where it asks for none. Errc::file.
Result<std::vector<ExtendedKeyUsage>> requested_usages(std::string_view pem);

// The path length that it asks for; 0 where it asks for none. Errc::file.
Result<int> requested_path_length(std::string_view pem);

}  // namespace lenscap::ca
