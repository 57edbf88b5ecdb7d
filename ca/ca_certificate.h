// What the certificate of a CA says, root and issuing CA alike, and signing it once the second judge (lint.h) has read
// it. Pure: keys, times and constraints are parameters.
#pragma once

#include <string>

#include "ca/key_holder.h"
#include "ca/lint.h"
#include "ca/template.h"

namespace lenscap::ca {

// "NAME Root CA", for the key that will sign it. Valid for `lifetime` from `begin`, less the last second.
Template root_template(std::string const& name, x509::PublicKey const& key, Time begin, Seconds lifetime,
                       x509::NameConstraints const& constraints);

// "NAME Issuing CA" below `parent`: no CA below it, and for these usages alone.
Template issuer_template(std::string const& name, x509::PublicKey const& key, x509::Certificate const& parent,
                         Time begin, Seconds lifetime, x509::NameConstraints const& constraints,
                         std::vector<ExtendedKeyUsage> const& usages);

// `key` is the issuer's, and belongs together with itself. Errc::internal, and nothing is signed, when the octets are
// not those of a CA that is `wanted`.
Result<x509::Certificate> sign_ca_certificate(Template const& what, CaLintContext const& wanted,
                                              x509::PrivateKey const& key);
// The same by a key that somebody holds. Also Errc::unavailable, as KeyHolder::sign; Errc::internal for a signature
// that does not verify.
Result<x509::Certificate> sign_ca_certificate(Template const& what, CaLintContext const& wanted, KeyHolder& key);

}  // namespace lenscap::ca
