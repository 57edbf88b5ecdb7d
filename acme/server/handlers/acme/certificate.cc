// A certificate with its chain, for the account that ordered it (RFC 8555 7.4.2).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"
#include "ca/ledger.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> certificate(App& app, SignedRequest const& request) {
  if (!request.is_post_as_get()) co_return Error(Errc::malformed, "a certificate takes no payload: send an empty one");
  auto load = [&](store::ReadTxn& txn) -> Result<x509::Certificate> {
    auto const& serial = request.params.at("certificate");
    if (serial.size() > 40) return not_found();  // 20 octets
    auto const record = ca::find_by_serial(txn, serial);
    if (!record || record->subscriber != request.account().id) return not_found();  // 8555-7.4.2-2
    auto found = ca::find_certificate(txn, serial);
    if (!found) return not_found();
    return *std::move(found);
  };
  CO_TRY(auto const leaf, co_await app.db.read(load));
  co_return bytes_response(200, names::kPemChain, app.authority->chain_pem(leaf));  // 8555-9.1-1
}

}  // namespace lenscap::acme
