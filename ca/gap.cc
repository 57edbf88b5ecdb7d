#include "ca/gap.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "ca/clock_mark.h"
#include "ca/crl_schedule.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

constexpr std::string_view kKey = "gap";
constexpr std::string_view kRestoredKey = "restored";

Result<Gap> parse_gap(std::string_view text) {
  TRY(auto const object, json::parse_object(text));
  TRY(auto const from, json::need_int(object, "from"));
  TRY(auto const until, json::need_int(object, "until"));
  return Gap{from_unix(from), from_unix(until)};
}

}  // namespace

void open_gap(store::WriteTxn& txn, Gap const& gap) {
  json::Object const object{{"from", to_unix(gap.from)}, {"until", to_unix(gap.until)}};
  txn.put(tables::kState, kKey, json::write(object));
}

std::optional<Gap> find_gap(store::ReadTxn& txn) {
  auto const text = txn.get(tables::kState, kKey);
  if (!text) return std::nullopt;
  auto gap = parse_gap(*text);
  if (!gap.ok()) throw store::Broken("the ledger's note of a restore cannot be read: " + gap.error().detail());
  return *std::move(gap);
}

std::optional<Time> restored_at(store::ReadTxn& txn) {
  if (auto const gap = find_gap(txn)) return gap->until;
  auto const text = txn.get(tables::kState, kRestoredKey);
  if (!text) return std::nullopt;
  long long seconds = 0;
  std::from_chars(text->data(), text->data() + text->size(), seconds);
  return from_unix(seconds);
}

Result<> check_no_gap(store::ReadTxn& txn) {
  auto const gap = find_gap(txn);
  if (!gap) return {};
  return Error(Errc::unavailable, "this store was restored from a back-up of " + to_rfc3339(gap->from) +
                                      ", and what was issued and revoked since is not on record; nothing is issued "
                                      "until somebody has agreed to that: lenscap-ca restore confirm");
}

std::optional<Gap> close_gap(store::WriteTxn& txn, Time now) {
  auto const gap = find_gap(txn);
  if (!gap) return std::nullopt;
  txn.erase(tables::kState, kKey);
  auto const mark = std::max({clock_mark(txn).value_or(now), gap->until, now});
  txn.put(tables::kState, kRestoredKey, std::to_string(to_unix(gap->until)));
  lift_crl_numbers(txn, gap->from, mark);
  txn.put(tables::kState, "clock", std::to_string(to_unix(mark)));
  return gap;
}

}  // namespace lenscap::ca
