// Does the ledger keep what it promises? One function for each invariant that the ledger can be a witness of, over one
// moment of a store: what an operator asks after an accident, and what judges the tests that kill the program.
//
// Reads through the tables one record at a time, so memory does not grow with their number. It finds what a crash, a
// bug or a damaged disk can leave. NOT what somebody arranged who can write to the store: that is the audit's work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "ca/crl_schedule.h"
#include "store/store.h"

namespace lenscap::ca {

struct Finding {
  std::string record;  // "ca_records/0169..."
  std::string what;    // what is wrong with it
  std::string to_do;

  bool operator==(Finding const&) const = default;
};
using Findings = std::function<void(Finding)>;

// I1: what was signed is what an earlier intent said, octet for octet, and the issuer signed it. The signature is
// looked at where the issuer of the record is among `issuers`: of another time's issuer the certificate may be gone.
void check_intents(store::ReadTxn& txn, std::vector<x509::Certificate> const& issuers, Findings const& report);
// I2: no serial number stands twice: under each stands what bears it, and nothing is an intent and a certificate.
// Every record that cannot be read at all is found here.
void check_serials(store::ReadTxn& txn, Findings const& report);
// Of I3: a certificate that is on record as issued is there.
void check_certificates(store::ReadTxn& txn, Findings const& report);
// Of I6: records say of their certificates what those say themselves, and every index has its rows and no others,
// those of revocations with the time and the reason of the record.
void check_ledger_indexes(store::ReadTxn& txn, Findings const& report);
// I8: what is revoked and has not ended stands among the rows that revocation lists are made of, and where lists are
// made, one that is in force was signed in time since; of an issuer whose certificates have all ended there need be
// none.
void check_revocations(store::ReadTxn& txn, CrlPlan const& plan, Time now, Findings const& report);
// Of I8, where the service revokes by itself what was possibly issued: every intent that was given up, has not ended
// and was not ruled out is revoked, but for those of before a restore.
void check_given_up(store::ReadTxn& txn, Time now, Findings const& report);

}  // namespace lenscap::ca
