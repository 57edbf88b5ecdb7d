// The judge of what a crash leaves: every invariant of a store, as `lenscap-ca store verify` looks at them.
#pragma once

#include <string>

#include "acme/server/store_check.h"

namespace lenscap::acme::test {

// What is broken, a line for each finding; empty when nothing is.
inline std::string broken_promises(store::Store& store, CheckedBy const& by) {
  std::string text;
  store.read([&](store::ReadTxn& txn) {
    text.clear();
    for (auto const& checked : check_store(txn, by, 100))
      for (auto const& finding : checked.first)
        text += std::string(checked.invariant->name) + " " + finding.record + ": " + finding.what + "\n";
  });
  return text;
}

inline std::string broken_promises(store::Store& store, Time now) {
  return broken_promises(store, CheckedBy{.now = now});
}

}  // namespace lenscap::acme::test
