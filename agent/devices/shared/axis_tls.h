// The one SOAP switch that both Axis drivers need: what the web server's TLS configuration is, and putting a whole one
// in its place. The first half is pure: elements in, values out.
#pragma once

#include "agent/device.h"
#include "agent/devices/shared/connection.h"
#include "agent/devices/shared/soap.h"

namespace lenscap::agent::axis {

soap::Element get_tls_request();

// GetWebServerTlsConfigurationResponse. Errc::malformed when it is something else, has an unknown policy, an id that is
// no plain text, or lists beyond all reason.
Result<HttpsConfig> read_tls_config(soap::Element const& answer);

// Every element in its namespace: firmware answers "Tag mismatch" otherwise. Roles exactly as in `config`.
soap::Element set_tls_request(HttpsConfig const& config);

// Can a web server with these ciphers serve a key of this type ("EC-P256", "RSA-2048")? Old firmware has ciphers for
// RSA alone, and a switch to an EC key would leave it without HTTPS.
bool suits(std::vector<std::string> const& ciphers, std::string_view key_type);

// "A:B:C" of the parameter HTTPS.Ciphers.
std::vector<std::string> split_ciphers(std::string_view text);

// Reads it; a device that lists no ciphers is asked for the parameter HTTPS.Ciphers.
net::Awaitable<DeviceResult<HttpsConfig>> read_https(Connection& connection);

// Replaces it. Firmware differs in the roles that it takes and in whether CA certificates may stand in the set: a
// refusal for one of these is answered once with the other form.
net::Awaitable<DeviceResult<SwitchOutcome>> write_https(Connection& connection, HttpsConfig config);

}  // namespace lenscap::agent::axis
