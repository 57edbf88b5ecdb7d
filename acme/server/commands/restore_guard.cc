#include "acme/server/commands/restore_guard.h"

#include "ca/gap.h"
#include "store/store.h"

namespace lenscap::acme {

Result<> check_restore_confirmed(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  TRY(bool const is_there, has_store(line, settings));
  if (!is_there) return {};
  TRY(auto const store, store::open_read_only(settings.store_url, line.state, settings.store_size_max));
  Result<> confirmed;
  try {
    store->read([&](store::ReadTxn& txn) { confirmed = ca::check_no_gap(txn); });
  } catch (store::Broken const& broken) {
    return Error(Errc::file, broken.what());
  }
  if (confirmed) return {};
  return Error(confirmed.error()).with_context("nothing was changed: ");
}

}  // namespace lenscap::acme
