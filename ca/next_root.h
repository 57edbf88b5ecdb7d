// The root that comes after a root, and the two certificates by which each of them vouches for the other: so whoever
// trusts one alone can verify what stands below either. Pure: keys and time are parameters.
#pragma once

#include <string>

#include "base/x509/certificate.h"
#include "ca/root_crl.h"

namespace lenscap::ca {

struct NextRoot {
  x509::PrivateKey key;
  x509::Certificate root;            // self-signed
  x509::Certificate by_former;       // the next root's key and name, signed by the former root
  x509::Certificate former_by_this;  // the former root's, signed by the next
  RootCrl crl;                       // the next root's first
};

// `name` is the CA's, as in the ceremony. The next root has the former's name constraints, a number behind its common
// name ("Example Cameras Root CA 2"), a P-384 key, and the lifetime of a new root; the two other certificates are valid
// while both roots are. With `lists_url`, as CeremonySettings has it, each of the two names the list of the root that
// has signed it. Errc::settings when the key is not the former root's, or that one has ended.
Result<NextRoot> make_next_root(std::string const& name, x509::Certificate const& former,
                                x509::PrivateKey const& former_key, Time now, std::string const& lists_url = {});

// "Example Cameras Root CA" -> "Example Cameras Root CA 2" -> "Example Cameras Root CA 3"
std::string next_common_name(std::string const& common_name);

}  // namespace lenscap::ca
