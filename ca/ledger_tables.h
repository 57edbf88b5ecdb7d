// The tables of the ledger (ledger.cc writes them) by name, for what looks at all of them: ledger_check.h.
#pragma once

#include "store/table.h"

namespace lenscap::ca::tables {

// Everything is kept under the serial, as hex. Serials rise with time (new_serial), which a B+tree likes: what is
// written together lies together, and there is no index from the serial to something else.
inline constexpr store::Table kIntents{"ca_intents"};  // serial -> record, line end, to-be-signed octets: until issued
inline constexpr store::Table kRecords{"ca_records"};  // serial -> record of an issued certificate
// serial -> record of a certificate that is known by its revocation alone
inline constexpr store::Table kUnknown{"ca_unknown"};
inline constexpr store::Table kCertificates{"ca_certificates"};  // serial -> DER
// "clock" -> seconds since 1970: clock_mark.cc; "moduli_since" -> the same: certified_moduli.cc; "revocations|" and
// "changed_reasons|" + issuer -> how many; "gap", "restored": gap.cc; "audit_...": audit_break.cc; "crls_above":
// crl_schedule.cc
inline constexpr store::Table kState{"ca_state"};
// Indexes: the value is empty unless told otherwise, and the key ends with the serial.
inline constexpr store::Table kNames{"ca_names"};              // "d:cam1.example|" + serial; "i:10.0.0.1|" + serial
inline constexpr store::Table kKeys{"ca_keys"};                // SPKI hash + "|" + serial
inline constexpr store::Table kEnds{"ca_ends"};                // notAfter + "|" + serial
inline constexpr store::Table kSubscribers{"ca_subscribers"};  // subscriber + "|" + serial
// issuer + "|" + notAfter + "|" + serial -> when, and the reason's digit: a CRL is made of one scan, and leaves out
// what has ended
inline constexpr store::Table kRevoked{"ca_revocations"};
inline constexpr store::Table kCompromised{"ca_compromised"};  // SPKI hash -> serial of the certificate that told of it
// Of RSA keys (certified_moduli.cc): SPKI hash -> modulus; number, in hex of one length -> SPKI hash
inline constexpr store::Table kModuli{"ca_moduli"};
inline constexpr store::Table kModuliOrder{"ca_moduli_order"};

// issuer + "|" + scope -> the state of its last list (crl_schedule.cc): that was begun, and that was signed
inline constexpr store::Table kCrls{"ca_crls"};
inline constexpr store::Table kSignedCrls{"ca_crls_signed"};

}  // namespace lenscap::ca::tables
