#include "acme/server/records/live_names.h"

#include <set>

#include "acme/server/records/fields.h"

namespace lenscap::acme {
namespace {

using store::ReadTxn;
using store::Table;
using store::WriteTxn;

using namespace records;

constexpr Table kLiveNames{"live_names"};  // account id / type:identifier -> end of the latest certificate

}  // namespace

LiveNames load_live_names(ReadTxn& txn, std::string_view account, Scope const& scope,
                          std::vector<Identifier> const& identifiers, Time now) {
  LiveNames live;
  if (!scope.live_names_max) return live;

  std::set<std::string> wanted;
  for (auto const& identifier : identifiers) wanted.insert(tagged(identifier));
  store::scan_prefix(txn, kLiveNames, std::string(account) + "/", [&](std::string_view key, std::string_view until) {
    if (std::stoll(std::string(until)) <= to_unix(now)) return true;
    ++live.count;
    auto const name = after_slash(key);
    if (!wanted.contains(name)) return true;
    auto const colon = name.find(':');
    if (auto identifier = Identifier::parse(name.substr(0, colon), name.substr(colon + 1))) {
      if (identifier->dns() != nullptr) live.wanted.dns.insert(*identifier->dns());
      if (identifier->ip() != nullptr) live.wanted.ip.insert(*identifier->ip());
    }
    return true;
  });
  return live;
}

void record_live_names(WriteTxn& txn, std::string_view account, x509::NameSet const& names, Time not_after) {
  for (auto const& identifier : to_identifiers(names)) {
    auto const key = joined(account, tagged(identifier));
    auto const before = txn.get(kLiveNames, key);
    if (before && std::stoll(*before) >= to_unix(not_after)) continue;
    txn.put(kLiveNames, key, std::to_string(to_unix(not_after)));
  }
}

void replace_live_name(WriteTxn& txn, std::string_view account, Identifier const& identifier,
                       std::optional<Time> not_after) {
  auto const key = joined(account, tagged(identifier));
  if (!txn.get(kLiveNames, key)) return;
  if (not_after)
    txn.put(kLiveNames, key, std::to_string(to_unix(*not_after)));
  else
    txn.erase(kLiveNames, key);
}

void remove_ended_names(WriteTxn& txn, std::string_view account, std::vector<Identifier> const& identifiers, Time now) {
  for (auto const& identifier : identifiers) {
    auto const key = joined(account, tagged(identifier));
    auto const until = txn.get(kLiveNames, key);
    if (until && std::stoll(*until) <= to_unix(now)) txn.erase(kLiveNames, key);
  }
}

}  // namespace lenscap::acme
