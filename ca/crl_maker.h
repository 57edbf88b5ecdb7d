// Makes and signs the revocation lists of an issuer: number from the store, entries from the ledger, signature from the
// key. It does NOT know when a list is due (crl_schedule.h) or who serves it.
#pragma once

#include <vector>

#include "ca/crl_schedule.h"
#include "ca/issuer.h"

namespace lenscap::ca {

struct SignedCrl {
  std::string scope;  // see crl_places.h
  CrlState state;
  Bytes der;
  std::size_t entries = 0;
  std::string tag;  // see crl_tag()
};

// Hex: tells a list from every other one, also of its own number, where both have good signatures.
std::string crl_tag(ByteView der);

// All lists of one division of the issuer's certificates: the whole list when `parts` is 1. One scan of the index for
// all of them. Refuses (Errc::unavailable) when the clock has run back or the issuing certificate has ended, and passes
// on why the key did not sign: numbers that were taken by then are left out for good. Lifts the clock's mark. The store
// knows of the lists as signed once all of them are. Blocks.
Result<std::vector<SignedCrl>> make_crls(store::Store& store, Issuer const& issuer, unsigned parts, CrlPlan const& plan,
                                         Time now);

// The divisions for which the issuer ever had lists, each a number of parts. Certificates that name them may live
// still, so they go on being made.
std::vector<unsigned> crl_divisions(store::ReadTxn& txn, std::string_view issuer);

}  // namespace lenscap::ca
