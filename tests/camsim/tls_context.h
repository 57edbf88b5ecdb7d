// The TLS settings of a camera's web server as an OpenSSL context. No ALPN, the server name is ignored (6.4).
#pragma once

#include <string>
#include <vector>

#include "tests/camsim/keys.h"
#include "tests/camsim/switches.h"

namespace lenscap::camsim {

// Null when OpenSSL cannot serve these: no usable cipher, or a key that does not fit. The caller leaves HTTPS shut
// then.
ossl::SslCtxPtr make_tls_context(Switches const& switches, std::vector<std::string> const& ciphers,
                                 std::vector<Bytes> const& chain, EVP_PKEY* key);

}  // namespace lenscap::camsim
