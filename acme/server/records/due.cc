#include "acme/server/records/due.h"

#include <algorithm>
#include <charconv>

#include "acme/server/records/fields.h"

namespace lenscap::acme {
namespace {

using store::ReadTxn;
using store::Table;
using store::WriteTxn;

constexpr Table kDue{"due"};  // time / kind / id -> ""

constexpr std::size_t kTimeCharacters = 10;

// Fixed width, so that byte order is the order of time.
std::string time_text(Time time) {
  auto seconds = static_cast<unsigned long long>(std::max(0LL, to_unix(time)));
  std::string text(kTimeCharacters, '0');
  for (auto i = kTimeCharacters; i > 0; --i, seconds >>= 4) text[i - 1] = "0123456789abcdef"[seconds & 15];
  return text;
}

std::string key_of(Due const& due) { return time_text(due.at) + static_cast<char>(due.kind) + due.id; }

Due read_due(std::string_view key) {
  long long seconds = 0;
  auto const time = key.substr(0, kTimeCharacters);
  auto const [end, ec] = std::from_chars(time.data(), time.data() + time.size(), seconds, 16);
  if (ec != std::errc() || key.size() <= kTimeCharacters + 1) records::broken(kDue.name, key, "its key has no time");
  return {from_unix(seconds), static_cast<DueKind>(key[kTimeCharacters]), std::string(key.substr(kTimeCharacters + 1))};
}

}  // namespace

void put_due(WriteTxn& txn, Due const& due) { txn.put(kDue, key_of(due), ""); }
void erase_due(WriteTxn& txn, Due const& due) { txn.erase(kDue, key_of(due)); }

std::vector<Due> list_due(ReadTxn& txn, Time now, std::size_t count) {
  std::vector<Due> all;
  auto const end = time_text(now + Seconds(1));
  txn.scan(kDue, "", [&](std::string_view key, std::string_view) {
    if (key >= end || all.size() == count) return false;
    all.push_back(read_due(key));
    return true;
  });
  return all;
}

std::vector<Due> list_pending_orders(ReadTxn& txn, Time from, Time until, Due const& after, std::size_t count) {
  std::vector<Due> all;
  // The key behind a given one, in byte order, is the same with an octet more.
  auto const begin = std::max(time_text(from), key_of(after) + '\x01');
  auto const end = time_text(until + Seconds(1));
  txn.scan(kDue, begin, [&](std::string_view key, std::string_view) {
    if (key >= end || all.size() == count) return false;
    if (auto due = read_due(key); due.kind == DueKind::pending_order) all.push_back(std::move(due));
    return true;
  });
  return all;
}

}  // namespace lenscap::acme
