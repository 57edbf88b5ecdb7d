// May these octets be signed as a revocation list? The signer's own judgement, apart from the builder's: reads every
// octet and compares what must be so (RFC 5280 5.1). Pure. It does NOT know which number comes next, nor whether what
// the list says of certificates is true: that is the front end's to say.
#pragma once

#include <cstdint>
#include <string>

#include "ca/crl_places.h"

namespace lenscap::ca {

struct SeenCrl {
  std::string scope;  // see crl_places.h
  std::uint64_t number = 0;
  Time this_update{};
};

// A list of this issuer, complete or one of the parts that `places` can have, of now, in force for at most a year, with
// entries in the one form that ours have. Errc::malformed with what is wrong.
Result<SeenCrl> judge_crl(ByteView tbs, x509::Certificate const& issuer, CrlPlaces const& places, Time now);

}  // namespace lenscap::ca
