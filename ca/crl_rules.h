// May these octets be signed as a revocation list? The signer's own judgement, apart from the builder's: reads every
// octet and compares what must be so (RFC 5280 5.1). Pure. It does NOT know which number comes next, nor whether what
// the list says of certificates is true: that is the front end's to say.
//
// A list of a million entries has 50 MB, so it is judged while it comes: what is kept of it is its heading, the
// beginning of one entry, and its extensions, together a few kilobytes whatever it says of its own length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ca/crl_places.h"

namespace lenscap::ca {

struct SeenCrl {
  std::string scope;  // see crl_places.h
  std::uint64_t number = 0;
  Time this_update{};
};

// Passes a list of this issuer, complete or one of the parts that `places` can have, of now, in force for at most a
// year, with entries in the one form that ours have. It is the same whatever pieces the octets come in.
class CrlJudge {
 public:
  // Borrows both.
  CrlJudge(x509::Certificate const& issuer, CrlPlaces const& places);

  // The octets that follow those before. Errc::malformed with what is wrong, as soon as that is known: the judge has
  // nothing to do any more then.
  Result<> add(ByteView octets);
  // All of them have come. Errc::malformed. Nothing of the list has passed before this says so.
  Result<SeenCrl> finish(Time now) &&;

 private:
  Result<> read_heading();
  Result<> read_on(ByteView octets);
  Result<> read_entries(ByteView octets);
  Result<> judge_entry(ByteView entry);

  x509::Certificate const& issuer_;
  CrlPlaces const& places_;
  std::size_t const heading_most_;  // octets; with the header of what follows
  bool has_heading_ = false;
  Bytes heading_;  // until it is read: all that has come; then: version to nextUpdate
  Time this_update_{}, next_update_{};
  std::size_t entries_left_ = 0;     // octets
  Bytes entry_;                      // the beginning of one
  CrlPartsSeen parts_;               // of the entries' serial numbers
  std::size_t extensions_left_ = 0;  // octets
  Bytes extensions_;
};

}  // namespace lenscap::ca
