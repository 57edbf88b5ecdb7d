// A certificate with those above it, as they are handed out (RFC 8555 7.4.2, 9.1): PEM, or a PKCS#7 that holds
// certificates and nothing else. Made of their octets: no certificate is parsed or checked here.
#pragma once

#include <string>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::ca {

// Of a leaf itself, or of one of its chains. The first in all of them is the leaf.
enum class ChainEnd {
  below_root,  // all but the root: what RFC 8555 9.1 expects, since who verifies has the root (8555-9.1-1)
  root,        // the root too: for installers that want the file whole
};

// What stands above every leaf of one issuer, written once.
class IssuerChain {
 public:
  // The issuing certificate and those above it, in this order; the last is the root.
  IssuerChain(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above);

  // One CERTIFICATE block after the other and nothing else: LF, lines of 64 characters, a final newline.
  std::string pem(x509::Certificate const& leaf, ChainEnd end) const;
  // DER of a SignedData without content and signatures (RFC 5652 5, RFC 8551 3.8), the leaf first. By its definition
  // that is a set: a reader must not rely on the order.
  Bytes pkcs7(x509::Certificate const& leaf, ChainEnd end) const;

 private:
  struct Above {
    std::string pem;
    Bytes der;
  };
  Above const& above(ChainEnd end) const { return end == ChainEnd::root ? with_root_ : below_root_; }

  Above below_root_;
  Above with_root_;
};

}  // namespace lenscap::ca
