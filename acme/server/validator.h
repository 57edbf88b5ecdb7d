// Challenge validation by type: a row says for which identifiers a challenge is offered and how it is checked. A new
// one is a file in validators/ and a line in validators/table.cc. A validator asks the outside world once; it knows no
// store and no retries (validation.h does), and never puts into an error what it fetched: only statuses, lengths and
// reasons.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "acme/wire/identifier.h"
#include "base/limits.h"
#include "base/net/awaitable.h"
#include "base/net/http_client.h"
#include "base/time.h"

namespace lenscap::acme {

class Resolver;
class TargetLimits;

// What a validator may use, and the operator's bounds.
struct ValidationTools {
  net::HttpClient& http;
  Resolver& resolver;
  TargetLimits& targets;  // asked before each connection
  Clock const& clock;
  std::vector<x509::IpBlock> const& may_reach;  // nothing outside is ever contacted
  unsigned short http_port = 80;
  unsigned short tls_port = 443;
  bool redirects = false;                                            // of http-01
  std::chrono::milliseconds deadline = limits::kValidationDeadline;  // of one attempt, DNS and all addresses included
};

struct ChallengeToCheck {
  Identifier identifier;
  std::string token;
  std::string key_authorization;  // RFC 8555 8.1
};

struct Validator {
  std::string_view type;
  bool dns, ip, wildcard;  // offered for
  // Errc::connection, dns, tls, incorrect_response or unauthorized, with a text for the client's operator; or
  // Errc::rate_limited when the attempt was not made, and is to be made later.
  net::Awaitable<Result<>> (*validate)(ValidationTools& tools, ChallengeToCheck challenge);
};

std::span<Validator const> validators();
std::vector<std::string> validator_types();
Validator const* find_validator(std::string_view type);  // nullptr: not known

// RFC 8555 8.3, RFC 8738.
net::Awaitable<Result<>> validate_http_01(ValidationTools& tools, ChallengeToCheck challenge);
// RFC 8555 8.4.
net::Awaitable<Result<>> validate_dns_01(ValidationTools& tools, ChallengeToCheck challenge);
// RFC 8737, RFC 8738.
net::Awaitable<Result<>> validate_tls_alpn_01(ValidationTools& tools, ChallengeToCheck challenge);

}  // namespace lenscap::acme
