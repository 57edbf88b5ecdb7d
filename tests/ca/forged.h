// Certificates that no judge of ours has read: what the thief of a key could make, and what other people's CAs make.
#pragma once

#include "ca/template.h"

namespace lenscap::ca::test {

inline x509::Certificate forge(Template const& what, x509::PrivateKey const& key) {
  auto const algorithm = signature_algorithm(key.public_key());
  Bytes const tbs = encode_tbs(what, algorithm);
  return x509::Certificate::from_der(assemble_certificate(tbs, algorithm, key.sign(algorithm.hash, tbs))).value();
}

}  // namespace lenscap::ca::test
