// What the signer signed, held against what the store knows: they agree unless there was a crash between two syncs, the
// store was restored from a back-up, or somebody had the front end in his hands.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ca/ledger.h"
#include "ca/signing_ledger.h"
#include "store/store.h"

namespace lenscap::ca {

// Does the store know this certificate, by the octets that were signed, or by a revocation of one that it does not
// know? True of whatever is no certificate. Of what the store holds for not issued it does not, until that is revoked.
bool is_known(store::ReadTxn& txn, SignedEntry const& entry);

// Every certificate of the signer's ledger that the store does not know. Nothing where there is no such ledger.
// Errc::file when it cannot be read. Also beside a running service.
Result<std::vector<SignedEntry>> find_unknown(store::Store& store, std::string const& path);

// The other way round: certificates that the store says the signer signed (CertificateRecord::by_signer), and of which
// its ledger has no line. Of those that have not ended and were recorded after the last restore: with a lost machine
// its ledger is lost, too.
struct MissingLines {
  std::size_t count = 0;
  std::vector<CertificateRecord> first = {};  // of them, newest first
};
// Keeps the first so many; memory grows by eight octets for each line of the ledger. Errc::file when it cannot be read;
// one that is not there has no line. Also beside a running service.
Result<MissingLines> find_missing(store::Store& store, std::string const& path, Time now, std::size_t kept);
// The same of the newest certificates, by what a signer tells of late: as many as are certainly among that.
MissingLines find_missing_of_late(store::ReadTxn& txn, RecentlySigned const& recent, Time now);

// An intent without certificate, left by a crash or being signed at this moment, about which nothing was decided: it is
// not revoked, nor ruled out. Did the signer write its line?
struct OpenIntent {
  std::string serial_hex;
  bool was_signed = false;
};
Result<std::vector<OpenIntent>> find_open_intents(store::Store& store, std::string const& path);

// Was what an intent says signed, by what its signer tells of late?
enum class WasSigned { yes, no, unknown };
std::string_view to_string(WasSigned was_signed);  // "yes", "no", "unknown"

// `no` is said where it is certain alone: the intent was for a signer with a ledger, what it tells reaches back to
// before the intent, the ledger lacks nothing that the store knows to be in it, and it is that of the machine on which
// the intent was recorded, as far as restores tell. The signer answers one front end after the other, so what an
// earlier one asked for is in its ledger by then or never will be.
class SignedOfLate {
 public:
  SignedOfLate(store::ReadTxn& txn, RecentlySigned const& recent, Time now);
  WasSigned tell(CertificateRecord const& intent) const;

 private:
  std::set<std::string> hashes_;
  std::optional<Time> reaches_back_to_;  // nothing: to the ledger's beginning
  std::optional<Time> restored_;
  bool is_whole_ = false;
};

}  // namespace lenscap::ca
