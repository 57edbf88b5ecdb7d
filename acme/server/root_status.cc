#include "acme/server/root_status.h"

#include <algorithm>

#include "acme/server/records.h"
#include "ca/installed_chain.h"
#include "ca/known_roots.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kLackingShown = 100;

struct Counts {
  std::vector<std::int64_t> trusted_by;  // in the order of the roots
  std::int64_t accounts = 0;
  std::int64_t silent = 0;
  std::int64_t without_newest = 0;  // that said what they trust
  json::Array lacking;              // the first of these
};

void count(Counts& counts, std::vector<std::string> const& hashes, Account const& account) {
  if (account.status != AccountStatus::valid) return;
  ++counts.accounts;
  if (account.trusts.empty()) {
    ++counts.silent;
    return;
  }
  auto const trusts = [&](std::string const& hash) {
    return std::ranges::find(account.trusts, hash) != account.trusts.end();
  };
  for (std::size_t i = 0; i < hashes.size(); ++i)
    if (trusts(hashes[i])) ++counts.trusted_by[i];
  if (trusts(hashes.back())) return;
  ++counts.without_newest;
  if (counts.lacking.size() >= kLackingShown) return;
  json::Object lacking{{"account", account.id}, {"eab", account.eab_kid}};
  if (account.trusts_at) lacking.set("said_at", to_rfc3339(*account.trusts_at));
  counts.lacking.emplace_back(std::move(lacking));
}

}  // namespace

Result<json::Object> root_status(OperationContext const& context, json::Object const&) {
  TRY(auto const chain, ca::load_chain(context.settings.state_dir));
  TRY(auto const known, ca::load_known_roots(context.settings.state_dir, chain.root()));
  std::vector<std::string> hashes;
  for (auto const& root : known.roots) hashes.push_back(to_hex(root.fingerprint()));
  Counts counts;
  context.store.read([&](store::ReadTxn& txn) {
    counts = {};
    counts.trusted_by.resize(hashes.size());
    visit_accounts(txn, [&](Account const& account) { return count(counts, hashes, account), true; });
  });
  json::Array roots;
  for (std::size_t i = 0; i < hashes.size(); ++i)
    roots.emplace_back(json::Object{{"subject", known.roots[i].subject()},
                                    {"sha256", hashes[i]},
                                    {"not_after", to_rfc3339(known.roots[i].not_after())},
                                    {"chains", i == known.leading ? "lead here" : ""},
                                    {"trusted_by", counts.trusted_by[i]}});
  return json::Object{{"roots", std::move(roots)},
                      {"accounts", counts.accounts},
                      {"silent", counts.silent},
                      {"without_newest", counts.without_newest},
                      {"lacking", std::move(counts.lacking)}};
}

}  // namespace lenscap::acme
