// revokeCert (RFC 8555 7.6): by the account that has the certificate, by one that is authorized for all of its names,
// or by the certificate's own key, with or without an account.
#include "acme/flow/revocation_rules.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "acme/wire/revocation.h"

namespace lenscap::acme {
namespace {

struct Judged {
  std::string serial;
  Revoker by;
  std::optional<x509::RevocationReason> reason;
};

// The right is asked for before anything else is told (8555-7.6-1).
Result<Judged> judge(store::ReadTxn& txn, SignedRequest const& request, x509::Certificate const& certificate,
                     std::optional<std::int64_t> reason) {
  constexpr std::size_t kSerialCharactersMax = 40;  // 20 octets
  auto const serial = certificate.serial_hex();
  auto const not_ours = Error(Errc::not_found, "this CA did not issue this certificate");
  if (serial.size() > kSerialCharactersMax) return not_ours;
  auto const record = ca::find_by_serial(txn, serial);
  if (!record || ca::find_certificate(txn, serial) != certificate) return not_ours;  // 8555-7.6-5: octet by octet

  auto const* account = request.signer ? &*request.signer : nullptr;
  Revocable const subject{certificate.key(), record->names, record->subscriber};
  auto const held = account == nullptr ? std::vector<Authorization>()
                                       : load_held(txn, account->id, to_identifiers(record->names), request.now);
  TRY(auto const by, may_revoke(subject, account, request.key, held, request.now));
  TRY(auto const checked, check_reason(reason, by));
  return Judged{serial, by, checked};
}

}  // namespace

net::Awaitable<Result<net::Response>> revoke_cert(App& app, SignedRequest const& request) {
  CO_TRY(auto const wish, parse_revocation(request.payload));
  auto const certificate = x509::Certificate::from_der(wish.certificate);
  if (!certificate) co_return Error(Errc::malformed, "certificate: " + certificate.error().detail());

  // Asked twice: first without the store's writer, for those who have no right to it and may be anybody.
  auto ask = [&](store::ReadTxn& txn) { return judge(txn, request, *certificate, wish.reason); };
  CO_TRY(auto const judged, co_await app.db.read(ask));
  auto const actor = std::string(to_string(judged.by)) + (request.signer ? " " + request.signer->id : "");
  auto act = [&](store::WriteTxn& txn) -> Result<ca::CertificateRecord> {
    TRY(auto const again, judge(txn, request, *certificate, wish.reason));
    return revoke(txn, again.serial, {.at = request.now, .reason = again.reason, .by = actor});
  };
  CO_TRY(auto const record, co_await app.db.write(act));
  app.crls.look_again();
  app.metrics.revoked(judged.reason);
  auto const reason = judged.reason.value_or(x509::RevocationReason::unspecified);
  app.log.info("certificate.revoked", {{"serial", record.serial_hex},
                                       {"by", actor},
                                       {"reason", x509::to_string(reason)},
                                       {"names", record.names.text()},
                                       {"peer", request.peer}});
  co_return net::Response{.status = 200, .headers = {}, .body = {}};
}

}  // namespace lenscap::acme
