// An issuing certificate for our key by a CA key that its owner brings along this once: of a root that exists already,
// or of an issuing CA without constraints, under which a constrained one is to work. The key is used and not kept.
// Pure.
#pragma once

#include "base/x509/bundle.h"
#include "ca/parent_rules.h"
#include "ca/profile.h"

namespace lenscap::ca {

// The one private key among what the files held, which is then empty of keys. Errc::settings in plain words when there
// is none or several, or when its two halves do not belong together.
Result<x509::PrivateKey> take_only_key(x509::Bundle& bundle);

struct Below {
  std::string name;                   // of our CA, as in the ceremony
  std::string common_name;            // of the issuer, as its request asks for it
  x509::PublicKey key;                // our issuing key
  x509::NameConstraints constraints;  // what the new certificate permits
  std::vector<ExtendedKeyUsage> usages = {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
  int path_length = 0;  // 1 leaves room for further issuers
};

// `bundle` is all that the files held, in any order: the CA's key, its certificate, and all above it up to the root.
// The new certificate begins a day back and lives as long as an issuer of our own would, but never outside its chain;
// and it permits, is good for, and leaves room for no more than that does, whatever is wanted. Errc::settings in plain
// words: what take_only_key() and judge_parent_chain() refuse, a key without its certificate, a signer that has ended
// or has no room below it, and a chain that leaves nothing of what is wanted.
Result<ParentVerdict> certify_below(x509::Bundle bundle, Below const& wanted, Time now);

}  // namespace lenscap::ca
