// Certificates, for the operator: found by name, account, end or serial number; shown; revoked one at a time
// (revoke_many.h: many), also those that are not on record.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// `cert.list`: at most one of `name`, `account`, `expiring_seconds` and `serial`; `status`, `limit`, `after`. A page of
// certificates; "next" is what `after` has to be for the page behind it, and absent on the last one. Where no index
// knows the status, a page ends as well when so many were looked at, however few are on it.
Result<json::Object> list_certificates(OperationContext const& context, json::Object const& arguments);
// `cert.show` `serial`
Result<json::Object> show_certificate(OperationContext const& context, json::Object const& arguments);
// The issuing certificate of the issuer of this name, as in `issuer list`. Errc::usage, with those that there are.
Result<x509::Certificate> find_issuing(OperationContext const& context, std::string const& name);
// `cert.revoke_unknown` `serial`, `reason`, `issuer` (its name), `until` (a day or time): what the store does not know,
// since it was restored, or since the key was used past it.
Result<json::Object> revoke_unknown(OperationContext const& context, json::Object const& arguments);
// `cert.revoke` `serial`, `reason`, `dry_run` (then what would be revoked)
Result<json::Object> revoke_certificate(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
