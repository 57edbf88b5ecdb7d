// The extensions that our certificates may carry, in the order in which they are written. The order means nothing to
// readers; this one follows what people look for first in `openssl x509 -text`.
#include <array>

#include "ca/extension.h"

namespace lenscap::ca {
namespace {

constexpr Extension kExtensions[] = {
    // name                     oid                   encode                                   when
    {"basicConstraints", "2.5.29.19", encode_basic_constraints},                 // always
    {"keyUsage", "2.5.29.15", encode_key_usage},                                 // always
    {"extKeyUsage", "2.5.29.37", encode_extended_key_usage},                     // leaves, issuing CAs
    {"subjectKeyIdentifier", "2.5.29.14", encode_subject_key_identifier},        // always
    {"authorityKeyIdentifier", "2.5.29.35", encode_authority_key_identifier},    // always
    {"nameConstraints", "2.5.29.30", encode_name_constraints},                   // CAs
    {"authorityInfoAccess", "1.3.6.1.5.5.7.1.1", encode_authority_info_access},  // where something is served over HTTP
    {"cRLDistributionPoints", "2.5.29.31", encode_crl_distribution_points},      // leaves, where a list is served
    {"ocsp-nocheck", "1.3.6.1.5.5.7.48.1.5", encode_ocsp_no_check},              // what signs OCSP answers
    {"subjectAltName", "2.5.29.17", encode_subject_alt_name},                    // leaves
};

}  // namespace

std::span<Extension const> extensions() { return kExtensions; }

}  // namespace lenscap::ca
