// When the next revocation list of an issuer is due, and which number it has. The lists themselves are not in
// the store: a program that starts makes new ones, with new numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ca/crl.h"
#include "store/store.h"

namespace lenscap::ca {

// What a list says of itself, and what it knew.
struct CrlState {
  std::uint64_t number = 0;
  Time this_update{};
  Time next_update{};
  std::uint64_t revocations = 0;  // of the issuer (count_revocations), as this list was begun

  bool operator==(CrlState const&) const = default;
};

// A list that was signed: which octets it has is known by its tag, so that it is found again where it was kept.
struct SignedCrlState : CrlState {
  std::uint64_t entries = 0;
  std::string tag;  // of SignedCrl (crl_maker.h); empty in what was recorded before there were tags

  bool operator==(SignedCrlState const&) const = default;
};

struct CrlPlan {
  Seconds lifetime = 7 * kDay;       // from thisUpdate to nextUpdate
  Seconds after_revocation = kHour;  // with revocations coming in, a list is made no more often than this
};

// When a list must be made: at once where there is none, or where the last one is of a clock that ran ahead; at half of
// its life in any case, so that as much time again is left to repair what prevents it; and sooner, but never sooner
// than the plan's `after_revocation`, when something was revoked since.
Time crl_due_at(CrlPlan const& plan, std::optional<CrlState> const& last, std::uint64_t revocations, Time now);

// `scope` tells the lists of one issuer apart: empty for the whole list, otherwise the name of a part. No `|` in it.
// The last list that was begun: its number is used up. It does NOT tell whether there is such a list.
std::optional<CrlState> find_begun_crl(store::ReadTxn& txn, std::string_view issuer, std::string_view scope);
// The last list that was signed (record_signed_crl): the one to go by where somebody asks what clients can know.
std::optional<SignedCrlState> find_signed_crl(store::ReadTxn& txn, std::string_view issuer, std::string_view scope);
// The scopes of the issuer's lists so far, those that were begun alone among them.
void visit_crl_scopes(store::ReadTxn& txn, std::string_view issuer,
                      std::function<void(std::string_view scope)> const& visit);

struct CrlBegin {
  CrlState state;    // of the new list
  Time ends_from{};  // visit_revoked from here on: an entry stands in one list made after its certificate's end
};
// Takes the next number, for good, also when no list comes of it; the list may be signed once this is durable. Call it
// before the entries are read, so that a revocation in between is counted for the next list rather than for none.
CrlBegin begin_crl(store::WriteTxn& txn, CrlPlan const& plan, std::string_view issuer, std::string_view scope,
                   Time now);
// A list that was begun so has its signature.
void record_signed_crl(store::WriteTxn& txn, std::string_view issuer, std::string_view scope,
                       SignedCrlState const& state);

// A list of this number was signed at this time, whatever the store says (it may have been restored): the next one gets
// a higher number. True when the store did not know of it.
bool note_signed_crl(store::WriteTxn& txn, std::string_view issuer, std::string_view scope, std::uint64_t number,
                     Time at);

// After a restore: lists may have been signed since `from` that the store does not know of. Every number from here on
// is above those, of lists that the store does not know at all, too.
void lift_crl_numbers(store::WriteTxn& txn, Time from, Time now);
// How many lists of an issuer and scope there can have been in this time, and above: three a second (the signer's own
// cap is 2.3 a second over the day, of all lists together), and as many at once as it signs in a minute. That a store
// is restored several times needs no thought: the numbers of a list never rise faster than this.
constexpr std::uint64_t kCrlsPerSecond = 3;
constexpr std::uint64_t kCrlsAtOnce = 2'000;

}  // namespace lenscap::ca
