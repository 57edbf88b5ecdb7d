// Why a step did not succeed, as the journal and the inventory keep it: from a device or from the ACME server.
#pragma once

#include <optional>
#include <string>

#include "agent/device_error.h"
#include "base/json.h"

namespace lenscap::agent {

struct Failure {
  std::string code;  // the spelling of a DeviceErrc or of an Errc; report.cc knows a sentence for each
  Retry retry = Retry::never;
  std::string text;  // for the list of results; no secrets

  bool operator==(Failure const&) const = default;
};

Failure to_failure(DeviceError const& error);
// The ACME side: what may pass by itself (unreachable, rate limited, the server's own trouble) is tried later; what the
// server decided gives this certificate up and is asked anew, ever more seldom: whoever runs the CA may change a scope
// or a profile, and renewals must not wait for somebody to tell the agent of it. What a request with the same key and
// settings meets again for ever is not tried.
Failure to_failure(Error const& error);

// What the server issued is not what was ordered (check_issued). Given up and ordered anew, unless time may put it
// right; with_outcome (outcome.h) says when that was tried often enough.
constexpr std::string_view kWrongCertificate = "wrong_certificate";
Failure wrong_certificate(Error const& error);

json::Object to_json(Failure const& failure);
Result<Failure> parse_failure(json::Object const& object);

}  // namespace lenscap::agent
