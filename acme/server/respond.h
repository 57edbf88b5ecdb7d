// Answers of the server: objects, problem documents and PEM, with the header fields that RFC 8555 asks for. What every
// ACME answer carries (Replay-Nonce, Link rel="index") is put on in one place, finish_acme.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/net/http.h"
#include "base/time.h"

namespace lenscap::acme {

class Nonces;
class Urls;

net::Response json_response(int status, json::Object const& object);
net::Response bytes_response(int status, std::string_view content_type, std::string body);

// application/problem+json with the status of the refusal's row; Retry-After, Location and Link where the error has
// them (8555-6.6-2, 8555-6.7-1, 8555-7.3.5-4).
// A fault of our own tells its reader no more than `request_id`, under which the log has the rest.
net::Response problem_response(Error const& error, std::string_view request_id = {});
// A refusal of the HTTP layer, with any status; `detail` is shown as it is.
net::Response problem_response(int status, Error const& error);

// Has the client what bears this tag (quoted, as in ETag) and is of this time? RFC 9110 13.1.2, 13.1.3; then 304 is the
// answer. A date counts only where there is no tag.
bool is_known_to(net::Request const& request, std::string_view tag, Time last_modified);

void add_link(net::Response& response, std::string_view url, std::string_view relation);
void add_location(net::Response& response, std::string url);
// Whole seconds, 1 to 600: acme.sh gives up on more and cannot read a date.
void add_retry_after(net::Response& response, Seconds after);

enum class Resource { directory, cacheable, other };
// A fresh nonce on every ACME answer, errors too (8555-6.5-1, -2, -6), never cached, but for what many may read from
// one cache; the directory's link on all but the directory (8555-7.1-2).
void finish_acme(net::Response& response, Nonces& nonces, Urls const& urls, Resource resource);

}  // namespace lenscap::acme
