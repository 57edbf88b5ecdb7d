// Problem documents (RFC 7807, RFC 8555 6.7): the one table that joins Errc with an ACME problem type and an HTTP
// status. The server writes an Error as a document; the client reads it back to the same Errc.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace lenscap::acme {

// The HTTP status that an answer with this refusal has. A compound one has that of its gravest part.
int http_status(Error const& error);
std::string problem_type(Errc code);  // "urn:ietf:params:acme:error:malformed"

// `type`, `detail`, `status`; `subproblems` when there are any, each with its identifier, never null (8555-6.7.1-1);
// `algorithms` for bad_signature_algorithm (8555-6.2-12); `instance` for user_action_required. The detail of
// Errc::internal and of codes that never cross the network is replaced by a sentence that tells nothing.
json::Object to_problem(Error const& error);

// Reads a document; for one kept in an object (challenge, order), `http_status` is 0 and the document's own counts.
// Never fails: what is no problem document becomes an Error by the HTTP status alone. Texts are cut to a sane length
// and freed from control characters. Retry-After is a header: the caller sets `retry_after`.
Error read_problem(std::string_view body, int http_status);
Error read_problem(json::Object const& document, int http_status = 0);

}  // namespace lenscap::acme
