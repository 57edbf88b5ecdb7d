// What the commands do with a store: EAB keys, lists of certificates and accounts. One function for each, JSON in and
// out, so that the same code serves the admin socket of a running server and a command that opened the store itself.
// Blocking. What create_eab gives out is secret: it is shown once and kept nowhere but sealed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "acme/server/metrics.h"
#include "acme/server/settings.h"
#include "base/json.h"
#include "base/seal.h"
#include "base/x509/certificate.h"
#include "ca/audit.h"
#include "ca/issuer_choice.h"
#include "store/store.h"

namespace lenscap::acme {

struct OperationContext {
  Settings const& settings;
  store::Store& store;
  Sealer const* sealer = nullptr;  // only for what says needs_sealer
  x509::Certificate const& root;
  std::vector<ca::NameLimit> const& limits;
  Time now;
  std::size_t looked_at_most = 10'000;  // records, for one page of a list: a tenth of a second
  Metrics* metrics = nullptr;           // of the server that runs, for what is counted there
  std::string actor = "operator";       // for the audit trail: see operator_by()
  // Those that the server knows, or that lie in the state directory; asked for where an issuer is named.
  std::function<Result<std::vector<ca::IssuerRule>>()> issuers = {};
};
// "operator uid 0": a person, by the number of the user of this machine that asks for him.
std::string operator_by(unsigned user);

struct Operation {
  std::string_view name;  // "eab.create"
  bool writes;
  bool needs_sealer;
  Result<json::Object> (*run)(OperationContext const& context, json::Object const& arguments);
};
Operation const* find_operation(std::string_view name);  // nullptr: unknown

// Runs it. What changes something and is refused leaves an entry of the audit trail at once, as what is done does; no
// client waits for that. A fault of ours leaves none (acme/flow/refusal_rules.h), nor does what only reads.
Result<json::Object> run_on_record(Operation const& operation, OperationContext const& context,
                                   json::Object const& arguments);

// An entry of the audit trail for what the operator did, in the transaction that does it.
void note_operation(store::WriteTxn& txn, OperationContext const& context, ca::AuditEvent event,
                    std::string const& subject, std::string detail);

}  // namespace lenscap::acme
