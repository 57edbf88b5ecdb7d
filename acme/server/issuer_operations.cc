#include "acme/server/issuer_operations.h"

#include <algorithm>

#include "ca/installed_issuers.h"

namespace lenscap::acme {

Result<json::Object> note_issuer_revocation(OperationContext const& context, json::Object const& arguments) {
  TRY(auto const name, json::need_string(arguments, "issuer"));
  TRY(auto const issuers, ca::load_issuers(context.settings.state_dir));
  auto const found = std::ranges::find(issuers, name, &ca::InstalledIssuer::name);
  if (found == issuers.end() || !found->revoked_at)
    return Error(Errc::conflict, "no list of a root names the issuer " + name);
  auto const serial = found->chain.issuing.serial_hex();
  context.store.write([&](store::WriteTxn& txn) {
    note_operation(txn, context, ca::AuditEvent::certificate_revoked, serial,
                   "the issuer " + name + ", " + found->chain.issuing.subject() + ", by the list of its root");
    return true;
  });
  return json::Object{{"serial", serial}, {"revoked_at", to_rfc3339(*found->revoked_at)}};
}

}  // namespace lenscap::acme
