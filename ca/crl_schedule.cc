#include "ca/crl_schedule.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/json.h"
#include "ca/clock_mark.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using tables::kCrls;
using tables::kSignedCrls;

std::string state_key(std::string_view issuer, std::string_view scope) {
  return std::string(issuer) + "|" + std::string(scope);
}

// The number that lists go above which the store does not know.
constexpr std::string_view kFloorKey = "crls_above";
// A list of a new issuer begins there, too, and its signer takes no first number above a million.
constexpr std::uint64_t kFloorMax = 500'000;

std::uint64_t floor_of(store::ReadTxn& txn) {
  auto const text = txn.get(tables::kState, kFloorKey);
  std::uint64_t floor = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), floor);
  return floor;
}

Result<std::uint64_t> need_count(json::Object const& object, std::string_view name) {
  TRY(auto value, json::need_int(object, name));
  if (value < 0) return Error(Errc::malformed, std::string(name) + " is negative");
  return static_cast<std::uint64_t>(value);
}

Result<CrlState> parse_state(json::Object const& object) {
  CrlState state;
  TRY(state.number, need_count(object, "number"));
  TRY(auto this_update, json::need_int(object, "this_update"));
  state.this_update = from_unix(this_update);
  TRY(auto next_update, json::need_int(object, "next_update"));
  state.next_update = from_unix(next_update);
  TRY(state.revocations, need_count(object, "revocations"));
  return state;
}

Result<SignedCrlState> parse_signed(json::Object const& object) {
  SignedCrlState state;
  TRY(static_cast<CrlState&>(state), parse_state(object));
  if (object.find("tag") == nullptr) return state;
  TRY(state.entries, need_count(object, "entries"));
  TRY(state.tag, json::need_string(object, "tag"));
  return state;
}

json::Object to_object(CrlState const& state) {
  return json::Object{{"number", static_cast<std::int64_t>(state.number)},
                      {"this_update", to_unix(state.this_update)},
                      {"next_update", to_unix(state.next_update)},
                      {"revocations", static_cast<std::int64_t>(state.revocations)}};
}

std::string to_json(CrlState const& state) { return json::write(to_object(state)); }

template <typename State>
std::optional<State> find_state(store::ReadTxn& txn, store::Table table, std::string_view issuer,
                                std::string_view scope, Result<State> parse(json::Object const&)) {
  auto const text = txn.get(table, state_key(issuer, scope));
  if (!text) return std::nullopt;
  auto const object = json::parse_object(*text);
  auto state = object.ok() ? parse(*object) : Result<State>(object.error());
  if (!state.ok()) throw store::Broken("the state of a revocation list cannot be read: " + state.error().detail());
  return *std::move(state);
}

}  // namespace

Time crl_due_at(CrlPlan const& plan, std::optional<CrlState> const& last, std::uint64_t revocations, Time now) {
  if (!last || last->this_update > now + kClockStepBack) return now;
  Time const half = last->this_update + (last->next_update - last->this_update) / 2;
  if (revocations == last->revocations) return half;
  return std::min(half, last->this_update + plan.after_revocation);
}

std::optional<CrlState> find_begun_crl(store::ReadTxn& txn, std::string_view issuer, std::string_view scope) {
  return find_state(txn, kCrls, issuer, scope, parse_state);
}

std::optional<SignedCrlState> find_signed_crl(store::ReadTxn& txn, std::string_view issuer, std::string_view scope) {
  return find_state(txn, kSignedCrls, issuer, scope, parse_signed);
}

void visit_crl_scopes(store::ReadTxn& txn, std::string_view issuer,
                      std::function<void(std::string_view)> const& visit) {
  auto const prefix = state_key(issuer, "");
  store::scan_prefix(txn, kCrls, prefix, [&](std::string_view key, std::string_view) {
    visit(key.substr(prefix.size()));
    return true;
  });
}

CrlBegin begin_crl(store::WriteTxn& txn, CrlPlan const& plan, std::string_view issuer, std::string_view scope,
                   Time now) {
  auto const last = find_begun_crl(txn, issuer, scope);
  // Where none was signed, one of before this was recorded may have been.
  auto const signed_last = find_signed_crl(txn, issuer, scope);
  auto const stood_in = signed_last ? signed_last->this_update : last ? last->this_update : now;
  CrlBegin begin{.state = {.number = (last ? last->number : floor_of(txn)) + 1,
                           .this_update = now,
                           .next_update = now + plan.lifetime,
                           .revocations = count_revocations(txn, issuer)},
                 .ends_from = std::min(stood_in, now)};
  txn.put(kCrls, state_key(issuer, scope), to_json(begin.state));
  return begin;
}

void record_signed_crl(store::WriteTxn& txn, std::string_view issuer, std::string_view scope,
                       SignedCrlState const& state) {
  auto object = to_object(state);
  object.set("entries", static_cast<std::int64_t>(state.entries)).set("tag", state.tag);
  txn.put(kSignedCrls, state_key(issuer, scope), json::write(object));
}

bool note_signed_crl(store::WriteTxn& txn, std::string_view issuer, std::string_view scope, std::uint64_t number,
                     Time at) {
  auto const last = find_begun_crl(txn, issuer, scope);
  if (last && last->number >= number) return false;
  CrlState state = last.value_or(CrlState{.this_update = at, .next_update = at});
  state.number = number;
  txn.put(kCrls, state_key(issuer, scope), to_json(state));
  return true;
}

void lift_crl_numbers(store::WriteTxn& txn, Time from, Time now) {
  auto const seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - from).count()));
  auto const jump = kCrlsPerSecond * seconds + kCrlsAtOnce;
  std::vector<std::pair<std::string, std::string>> all;
  txn.scan(kCrls, "", [&](std::string_view key, std::string_view) {
    auto const bar = key.find('|');
    all.emplace_back(key.substr(0, bar), key.substr(bar + 1));
    return true;
  });
  for (auto const& [issuer, scope] : all) {
    auto state = find_begun_crl(txn, issuer, scope).value();
    state.number += jump;
    txn.put(kCrls, state_key(issuer, scope), to_json(state));
  }
  txn.put(tables::kState, kFloorKey, std::to_string(std::min(floor_of(txn) + jump, kFloorMax)));
}

}  // namespace lenscap::ca
