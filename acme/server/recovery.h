// What an earlier run left half made: intents without certificate (ca/ledger.h), and the orders that they were for.
// Every one of them is given up, for whoever was to sign it is gone with its process or with the App before this one.
// Where the signer's ledger does not rule out that it was signed, a certificate may exist that nobody has on record, so
// it is revoked ([crl] revoke_possibly_issued). An order goes back to `ready`: its next attempt has a new serial
// number.
//
// Guaranteed: an intent, its revocation and its order change in one transaction; a run that dies in between leaves the
// rest to the next one, and one that comes again changes nothing. Certificates that are being made now would be given
// up, too: so it is called while nobody makes any.
#pragma once

#include <optional>

#include "base/result.h"
#include "ca/signing_ledger.h"

namespace lenscap::acme {

struct App;

// Of this run.
struct Recovered {
  std::size_t given_up = 0;           // intents without certificate, those of the next two among them
  std::size_t revoked = 0;            // since they were possibly issued
  std::size_t not_issued = 0;         // by the signer's ledger
  std::size_t returned_to_ready = 0;  // orders

  bool operator==(Recovered const&) const = default;
};

// Once at each start and reload, before requests are served. `of_late`: what the signer tells of its ledger, where it
// has one. Those of before a restore are given up and not revoked: their clients mostly have them, as they have what
// was issued in the gap (docs/back-up-and-restore.md), and a person decides. Blocks.
Result<Recovered> recover(App& app, std::optional<ca::RecentlySigned> const& of_late, Time now);

}  // namespace lenscap::acme
