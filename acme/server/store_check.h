// What `store verify` asks of a whole store: the invariants of issuance (I1 to I8), each with the function that looks
// for what breaks it. Reads one moment of a store and changes nothing; memory does not grow with the number of
// certificates. docs/when-something-is-wrong.md says what each invariant promises and what to do when it is broken.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ca/ledger_check.h"
#include "store/store.h"

namespace lenscap::acme {

// What a store is held against.
struct CheckedBy {
  Time now{};
  ca::CrlPlan crl_plan{};                       // of the settings
  std::vector<x509::Certificate> issuers = {};  // whose signatures are looked at
  bool revokes_possibly_issued = true;          // by the settings, the service by itself
};

struct Invariant {
  std::string_view name;     // "I1"
  std::string_view promise;  // one sentence
  void (*check)(store::ReadTxn& txn, CheckedBy const& by, ca::Findings const& report);
};
std::span<Invariant const> invariants();

struct Checked {
  Invariant const* invariant = nullptr;
  std::size_t count = 0;                // of findings
  std::vector<ca::Finding> first = {};  // of them
};
// All of them, in order, each with its first `kept` findings. What makes a check impossible (a damaged page) is a
// finding of that check.
std::vector<Checked> check_store(store::ReadTxn& txn, CheckedBy const& by, std::size_t kept);

}  // namespace lenscap::acme
