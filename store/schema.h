// The format version of a store, and the ordered steps from each version to the next. Version 1 is the first; step i
// leads to version i + 2. All missing steps run in one transaction: a store is never between two versions.
#pragma once

#include <span>

#include "store/store.h"

namespace lenscap::store {

constexpr Table kMeta{"meta"};  // key "version": the format version in decimal

struct Upgrade {
  char const* what;  // one sentence for the release notes and the log
  void (*run)(WriteTxn& txn);
};

// The steps of this program.
std::span<Upgrade const> upgrades();

// Can this program read a store of that version? Errc::settings, with what to do.
Result<> check_version(std::string_view version, std::span<Upgrade const> steps);

// Marks an empty store with the newest version, brings an older one up to date, and refuses (Errc::settings) one that
// is newer than `steps` or that holds records without a version: then it is not ours.
Result<> bring_up_to_date(Store& store, std::span<Upgrade const> steps);

// For a store that is only read: refuses any format but the newest.
Result<> check_current(Store& store, std::span<Upgrade const> steps);

}  // namespace lenscap::store
