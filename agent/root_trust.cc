#include "agent/root_trust.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "agent/records.h"

namespace lenscap::agent {
namespace {

constexpr store::Table kRootTrust{"root_trust"};
constexpr std::string_view kKey = "1";

bool has(std::vector<x509::Certificate> const& list, x509::Certificate const& one) {
  return std::ranges::find(list, one) != list.end();
}

// Neither a path length nor usages: an issuing certificate, whose key is at work every day, has both.
bool is_as_free_as_a_root(x509::Certificate const& certificate) {
  return certificate.is_ca() && X509_get_pathlen(certificate.native()) == -1 &&
         (X509_get_extension_flags(certificate.native()) & EXFLAG_XKUSAGE) == 0;
}

bool vouches(x509::Certificate const& voucher, x509::Certificate const& root) {
  return is_as_free_as_a_root(voucher) && voucher.key() == root.key() && voucher.subject_der() == root.subject_der() &&
         voucher.name_constraints() == root.name_constraints();
}

bool is_valid(x509::Certificate const& certificate, Time now) {
  return certificate.not_before() <= now && now <= certificate.not_after();
}

acme::TrustReport report_of(std::vector<x509::Certificate> const& roots) {
  acme::TrustReport report;
  for (auto const& root : roots) report.trusts.push_back(root.fingerprint());
  return report;
}

void save_asked(store::Store& store, Time when) {
  json::Object const record{{"v", 1}, {"next", to_rfc3339(when)}};
  store.write([&](store::WriteTxn& txn) { return txn.put(kRootTrust, kKey, json::write(record)), true; });
}

}  // namespace

std::vector<x509::Certificate> vouched_for(std::vector<x509::Certificate> const& trusted,
                                           std::vector<x509::Certificate> const& offered, Time now) {
  auto all = trusted;
  std::vector<x509::Certificate> fresh;
  auto const is_next = [&](x509::Certificate const& root) {
    if (all.size() >= kRootsKept || has(all, root) || !is_as_free_as_a_root(root) || !is_valid(root, now) ||
        !root.is_signed_by(root.key()))
      return false;
    return std::ranges::any_of(offered, [&](x509::Certificate const& voucher) {
      if (!vouches(voucher, root) || !is_valid(voucher, now)) return false;
      return std::ranges::any_of(all, [&](x509::Certificate const& one) {
        return is_valid(one, now) && one.not_before() < root.not_before() && voucher.is_signed_by(one.key());
      });
    });
  };
  for (auto found = std::ranges::find_if(offered, is_next); found != offered.end();
       found = std::ranges::find_if(offered, is_next)) {
    all.push_back(*found);
    fresh.push_back(*found);
  }
  return fresh;
}

bool wants_roots(store::ReadTxn& txn, Time now) {
  auto const record = txn.get(kRootTrust, kKey);
  if (!record) return true;
  auto const object = json::parse_object(*record, {.bytes = store::kValueBytesMax});
  if (!object.ok()) records::broken(kRootTrust.name, kKey, object.error());
  auto const next = records::need_time(*object, "next");
  if (!next.ok()) records::broken(kRootTrust.name, kKey, next.error());
  return now >= *next || *next - now > kAskRoots;  // a clock that ran ahead must not make it silent
}

net::Awaitable<Result<std::size_t>> follow_roots(Workshop& shop) {
  auto membership = Membership{shop.membership.directory_url, shop.membership.account_url,
                               x509::PrivateKey::from_evp(shop.membership.account_key.native()).value(),
                               shop.membership.server_roots, shop.membership.device_roots};
  auto offered = co_await shop.acme.roots(report_of(membership.device_roots));
  save_asked(shop.store, shop.clock.now() + (offered.ok() ? kAskRoots : kAskRootsAgain));
  if (!offered.ok()) co_return offered.error();
  auto const of_devices = vouched_for(membership.device_roots, *offered, shop.clock.now());
  auto const of_server = vouched_for(membership.server_roots, *offered, shop.clock.now());
  if (of_devices.empty() && of_server.empty()) co_return std::size_t{0};
  membership.device_roots.insert(membership.device_roots.end(), of_devices.begin(), of_devices.end());
  membership.server_roots.insert(membership.server_roots.end(), of_server.begin(), of_server.end());
  shop.store.write([&](store::WriteTxn& txn) { return save_membership(txn, shop.sealer, membership), true; });
  for (auto const& root : of_devices)
    shop.log.info("root.trusted", {{"subject", root.subject()}, {"sha256", to_hex(root.fingerprint())}});
  auto const told = co_await shop.acme.roots(report_of(membership.device_roots));
  if (!told.ok()) co_return told.error();
  co_return of_devices.size();
}

}  // namespace lenscap::agent
