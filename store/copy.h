// One store as text and back: a line of JSON for each record, so that a back-up can be read by people, is independent
// of the back end, and a stranger's file meets our parser and not LMDB's.
//   {"lenscap_store":1,"version":"1"}
//   {"t":"devices","k":"ACCC8E68D4D2","v":"{...}"}      "k64", "v64" (base64) where the octets are no plain text
//   {"records":1,"crc32c":"..."}                        of all lines before this one: a file that was cut is refused
// The text holds what the store holds: sealed secrets stay sealed, everything else is in the clear.
#pragma once

#include <iosfwd>

#include "store/store.h"

namespace lenscap::store {

// One moment of the store; returns the number of records. Keep it short on a busy LMDB: pages are not used again while
// it reads. Errc::file when `out` fails.
Result<std::size_t> dump(Store& store, std::ostream& out);

// Fills an empty store and brings it up to date. Refuses (Errc::conflict) a store that holds anything, (Errc::settings)
// a dump that is newer than this program, and (Errc::malformed) a text that is not a whole dump, with its line. After a
// refusal in the middle the store stays unusable, and open() says so: remove it.
Result<std::size_t> load(Store& store, std::istream& in);

}  // namespace lenscap::store
