#include "acme/server/recovery.h"

#include <algorithm>
#include <span>
#include <vector>

#include "acme/server/app.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "ca/gap.h"
#include "ca/ledger_visits.h"
#include "ca/signing_ledger_check.h"

namespace lenscap::acme {
namespace {

using ca::WasSigned;

// Of a busy moment there are some hundred: as many as wait for the signer.
constexpr std::size_t kPerWrite = 64;

// An intent without certificate, and what is to become of it.
struct Lost {
  ca::CertificateRecord record;
  WasSigned was_signed = WasSigned::unknown;
  bool is_new = false;  // not given up yet
  bool is_to_be_revoked = false;
};

// What has ended is in no list, and what was ruled out need not be. An operator may have been faster.
bool wants_revocation(ca::CertificateRecord const& intent, std::optional<Time> restored, Time now) {
  return !intent.revocation && intent.not_after >= now && (!restored || intent.recorded_at > *restored);
}

std::vector<Lost> find_lost(App& app, std::optional<ca::RecentlySigned> const& of_late, Time now) {
  auto const look = [&](store::ReadTxn& txn) {
    std::vector<Lost> lost;
    std::optional<ca::SignedOfLate> signer;
    if (of_late) signer.emplace(txn, *of_late, now);
    auto const restored = ca::restored_at(txn);
    ca::visit_possibly_issued(txn, Time::max(), [&](ca::CertificateRecord const& record) {
      bool const is_decided = record.given_up_at && (record.revocation || record.not_after < now);
      if (is_decided) return true;
      auto& one = lost.emplace_back(Lost{.record = record, .is_new = !record.given_up_at});
      if (signer) one.was_signed = signer->tell(record);
      // It is ruled out at the first look or never: what the signer tells of late does not reach back for ever.
      if (!one.is_new && one.was_signed == WasSigned::no) one.was_signed = WasSigned::unknown;
      one.is_to_be_revoked = app.settings.crl.revokes_possibly_issued && one.was_signed != WasSigned::no &&
                             wants_revocation(record, restored, now);
      return true;
    });
    return lost;
  };
  return app.db.read_blocking(look);
}

Result<> settle(store::WriteTxn& txn, Lost const& lost, Time now, Recovered& recovered) {
  auto const& serial = lost.record.serial_hex;
  bool const is_ruled_out = lost.was_signed == WasSigned::no;
  if (lost.is_new) {
    CHECK_OK(ca::give_up_intent(
        txn, serial, is_ruled_out ? ca::CertificateStatus::not_issued : ca::CertificateStatus::possibly_issued, now));
    ++recovered.given_up;
    recovered.not_issued += is_ruled_out ? 1 : 0;
    if (is_ruled_out) free_names(txn, lost.record);
  }
  if (lost.is_to_be_revoked) {
    // By a clock that stands wrong it was not revoked before it was there.
    ca::Revocation const revocation{
        .at = std::max(now, lost.record.recorded_at), .reason = x509::RevocationReason::superseded, .by = "server"};
    CHECK_OK(revoke(txn, serial, revocation));
    ++recovered.revoked;
  }
  if (!lost.is_new) return {};
  auto order = load_order(txn, lost.record.reference);
  if (!order || order->status != OrderStatus::processing) return {};
  TRY(auto ready, return_to_ready(*std::move(order)));
  save_order(txn, expire_order(std::move(ready), now));
  ++recovered.returned_to_ready;
  return {};
}

void tell(App& app, Lost const& lost) {
  auto const& record = lost.record;
  if (lost.was_signed == WasSigned::no) {
    app.log.info("certificate.not_issued",
                 {{"serial", record.serial_hex}, {"order", record.reference}, {"names", record.names.text()}});
    return;
  }
  if (lost.is_to_be_revoked) app.metrics.revoked(x509::RevocationReason::superseded);
  app.log.warning("certificate.possibly_issued", {{"serial", record.serial_hex},
                                                  {"order", record.reference},
                                                  {"names", record.names.text()},
                                                  {"was_signed", ca::to_string(lost.was_signed)},
                                                  {"revoked", lost.is_to_be_revoked || record.revocation}});
}

void add(Recovered& all, Recovered const& some) {
  all.given_up += some.given_up;
  all.revoked += some.revoked;
  all.not_issued += some.not_issued;
  all.returned_to_ready += some.returned_to_ready;
}

}  // namespace

Result<Recovered> recover(App& app, std::optional<ca::RecentlySigned> const& of_late, Time now) {
  Recovered all;
  auto const lost = find_lost(app, of_late, now);
  for (std::span<Lost const> rest(lost); !rest.empty();) {
    auto const some = rest.first(std::min(rest.size(), kPerWrite));
    rest = rest.subspan(some.size());
    auto const body = [&](store::WriteTxn& txn) -> Result<Recovered> {
      Recovered recovered;
      for (auto const& each : some) CHECK_OK(settle(txn, each, now, recovered));
      return recovered;
    };
    bool const changes =
        std::ranges::any_of(some, [](Lost const& each) { return each.is_new || each.is_to_be_revoked; });
    if (changes) {
      TRY(auto const recovered, app.db.write_blocking(body));
      add(all, recovered);
    }
    for (auto const& each : some) tell(app, each);
  }
  if (all != Recovered{})
    app.log.info("sweeper.recovered", {{"returned_to_ready", all.returned_to_ready},
                                       {"given_up", all.given_up},
                                       {"revoked", all.revoked},
                                       {"not_issued", all.not_issued}});
  return all;
}

}  // namespace lenscap::acme
