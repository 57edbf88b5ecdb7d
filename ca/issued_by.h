// Who issued a certificate: one step of a certification path (RFC 5280 6.1).
#pragma once

#include "base/x509/certificate.h"

namespace lenscap::ca {

// Does the certificate name the issuer, and is it signed by its key? NOT whether the issuer is a CA, nor any dates.
bool is_issued_by(x509::Certificate const& certificate, x509::Certificate const& issuer);

}  // namespace lenscap::ca
