#include "acme/server/readings.h"

#include <algorithm>
#include <filesystem>

#include "acme/server/app.h"
#include "acme/server/backup_note.h"
#include "ca/audit_break.h"
#include "ca/audit_head.h"

namespace lenscap::acme {
namespace {

std::uint64_t bytes_below(std::string const& directory) {
  std::uint64_t sum = 0;
  std::error_code error;
  std::filesystem::directory_iterator each(directory, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    std::error_code unknown;
    if (auto const size = each->file_size(unknown); !unknown) sum += size;
  }
  return sum;
}

void read_store_files(App const& app, Metrics::Readings& readings) {
  constexpr std::string_view kLmdb = "lmdb:";
  if (!app.settings.store_url.starts_with(kLmdb)) return;
  std::filesystem::path const directory(app.settings.store_url.substr(kLmdb.size()));
  readings.store_bytes = bytes_below(app.settings.state_dir / directory);
}

void read_room(App const& app, Metrics::Readings& readings) {
  auto const left = app.room.left();
  readings.store_used = left.store_used;
  readings.store_max = left.store_max;
  readings.disk_free = left.disk_free;
  switch (judge_room(left, app.settings.free_space_min).room) {
    case Room::enough:
      readings.shortage = Metrics::Shortage::none;
      return;
    case Room::low:
      readings.shortage = Metrics::Shortage::low;
      return;
    case Room::for_old_alone:
      readings.shortage = Metrics::Shortage::nothing_new;
      return;
  }
}

void read_root_lists(App const& app, Metrics::Readings& readings) {
  if (!app.authority->issuer().crl_places().is_served()) return;
  auto const& lists = app.authority->root_crls();
  for (std::size_t i = 0; i < lists.size(); ++i)
    if (auto const& list = lists[i])
      readings.root_lists[app.authority->roots().roots[i].common_name()] = {list->this_update, list->next_update,
                                                                            list->revoked.size()};
}

bool signer_is_ready(ca::Authority const& authority) {
  return std::ranges::all_of(authority.issuers(), [](ca::KnownIssuer const& each) {
    return each.issuer->check_ready().ok() && !each.issuer->last_signature_failed();
  });
}

void read_audit(App const& app, Metrics::Readings& readings) {
  std::optional<ca::AuditHead> trail;
  std::optional<ca::SignedAuditHead> last;
  app.store->read([&](store::ReadTxn& txn) {
    trail = ca::find_audit_head(txn);
    last = ca::last_audit_head(txn);
    readings.audit_trail_is_good = !ca::find_audit_break(txn);
  });
  if (last) readings.audit_head_at = last->at;
  auto const signed_to = last ? last->head.number : 0;  // beyond the trail's end, when that was cut off
  if (trail && trail->number > signed_to) readings.audit_entries_unsigned = trail->number - signed_to;
}

}  // namespace

Metrics::Readings take_readings(App const& app) {
  auto const now = app.clock.now();
  Metrics::Readings readings{.now = now, .signer_is_ready = signer_is_ready(*app.authority)};
  for (auto const& each : app.authority->issuers()) readings.issuer_ends[each.rule.name] = each.issuer->ends();
  for (auto const& each : app.authority->issuers())
    readings.issuer_revoked[each.rule.name] = each.rule.revoked_at.has_value();
  read_root_lists(app, readings);
  for (auto const& [name, list] : app.crls.made()) readings.lists[name] = {list.at, list.next_update, list.entries};
  if (auto const condition = app.crls.condition(now); condition != CrlCondition::none_served)
    readings.lists_are_good = condition == CrlCondition::good;
  if (auto const condition = app.ocsp.condition(now); condition != OcspCondition::none_served)
    readings.ocsp_is_good = condition == OcspCondition::good;
  if (auto const backup = last_backup(app.settings.state_dir); backup.ok()) readings.last_backup = *backup;
  read_store_files(app, readings);
  try {
    read_room(app, readings);
    read_audit(app, readings);
  } catch (store::Broken const&) {
    // The service ends by whoever waits for a write; until then the other figures are of use.
  }
  return readings;
}

}  // namespace lenscap::acme
