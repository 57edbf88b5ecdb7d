// The back ends by name, for open.cc and for tests; everybody else calls store::open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/store.h"

namespace lenscap::store {

// Lives in memory and ends with the object. The reference for the meaning of store.h.
std::unique_ptr<Store> make_memory_store();

struct LmdbOptions {
  // Address space, not disk space: the file grows as it fills. It cannot be changed while the store is open.
  std::uint64_t map_bytes = kGrowsTo;
};

// One LMDB environment in `directory`. Refusals: see open() in store.h.
Result<std::unique_ptr<Store>> open_lmdb_store(std::string const& directory, LmdbOptions const& options = {});

// Reads alone, beside a process that writes. Never makes or changes anything. Not twice in one process.
Result<std::unique_ptr<Store>> open_lmdb_reader(std::string const& directory, LmdbOptions const& options = {});

}  // namespace lenscap::store
