// Who makes the signatures of an issuer: a key in this process (key_signer.h), or a process of its own that builds and
// judges again what it signs (remote_signer.h). The issuer verifies whatever comes back.
#pragma once

#include "base/x509/key.h"

namespace lenscap::ca {

class Draft;     // issuer.h
class CrlDraft;  // crl.h

// Safe from any thread. May block.
class Signer {
 public:
  virtual ~Signer() = default;
  // Can it sign with the private half of this key? One that holds the keys of several issuers knows by a draft's issuer
  // which of them is meant.
  virtual bool has_key(x509::PublicKey const& key) const = 0;
  // The signature over the draft's octets, once. Errc::unavailable when the key cannot be reached.
  virtual Result<Bytes> sign(Draft const& draft, HashAlgorithm hash) = 0;
  virtual Result<Bytes> sign(CrlDraft const& draft, HashAlgorithm hash) = 0;

  // Would a signature be made now? Errc::unavailable with a time to come again, before anything is claimed for it.
  virtual Result<> check_ready() const { return {}; }
  // Does sign() never block, and is it over in a tenth of a millisecond or so?
  virtual bool signs_at_once() const { return false; }
  // Is the work of a signature done elsewhere? Then many may wait at the same time.
  virtual bool is_elsewhere() const { return false; }
};

}  // namespace lenscap::ca
