// What clients would say of a chain: OpenSSL's own verifier is asked, on a certificate that is made for it below the
// chain and never leaves this process. For what parent_rules.h has no words of its own. It does NOT replace those
// rules: it knows nothing of what to ask a parent for.
#pragma once

#include <string>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::ca {

struct Objection {
  std::string whose;    // "the certificate of CN=...", or "the chain"
  std::string why;      // goes on after `whose`
  bool by_all = false;  // otherwise by clients alone that hold certificates to the letter of RFC 5280: `openssl verify
                        // -x509_strict`, and Python's default since 3.13
};

// Each once, those of the issuing certificate first.
std::vector<Objection> objections_to(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above,
                                     Time now);

}  // namespace lenscap::ca
