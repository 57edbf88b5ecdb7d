// A PKCS#10 certificate signing request (RFC 2986), read as hostile input: what it says, nothing of what it asks for.
#pragma once

#include "base/x509/key.h"
#include "base/x509/name.h"

namespace lenscap::x509 {

struct Csr {
  PublicKey key;
  // Names of the subjectAltName request; without one, the common name when it is a DNS name (8555-7.4-5).
  NameSet names;
  // The subject's common name as text, empty when there is none.
  std::string common_name;
  bool has_subject_alt_name = false;
  Bytes der;
};

// Strict DER, whole input, version 0, at most 16 KiB, good self-signature by a hash of the SHA-2 family, good key
// (check_key), at most one extensionRequest, names only DNS and IP. Anything else is Errc::bad_csr or bad_public_key
// with the reason: see the table in tests/data/csr. CA:TRUE and unknown critical extensions are refused; all other
// requests are ignored.
Result<Csr> parse_csr(ByteView der);

// PEM "CERTIFICATE REQUEST" or bare DER in base64, as devices give it.
Result<Csr> parse_csr_text(std::string_view text);

// Makes a request: the subject is empty unless `common_name`; names as subjectAltName unless empty. For our own keys
// and tests.
Bytes make_csr(PrivateKey const& key, NameSet const& names, std::string_view common_name = {});

}  // namespace lenscap::x509
