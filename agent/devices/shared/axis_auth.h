// Who may be spoken to, and how a login may travel. Pure: values in, a decision out.
// The rule: a password goes by Digest over plain HTTP (where the operator agreed to plain HTTP at all), by Digest or
// Basic inside TLS whose other end is believed, and never otherwise. What a 401 asks for over plain HTTP is an
// attacker's word: it can take Digest away, never bring Basic in.
#pragma once

#include <optional>

#include "agent/device.h"
#include "base/net/http_client.h"

namespace lenscap::agent {

// The best scheme that the WWW-Authenticate fields of a 401 offer: Digest before Basic.
AuthScheme offered_scheme(net::Headers const& headers);

// Was the login sent, when a request with login was answered with these challenges?
bool login_was_sent(bool over_tls, AuthScheme offered);

// How a login travels on this kind of connection.
net::HttpAuth login_rule(bool over_tls);

// The public key that may be spoken to, given what the other end served; or why none may. `spki` is the leaf's, also
// when the leaf itself did not parse (a pin needs nothing else).
DeviceResult<Sha256> judge_peer(Trust const& trust, std::vector<x509::Certificate> const& served,
                                std::optional<Sha256> const& spki, Time now);

// Which of `names` the certificate does not cover; empty when all are covered.
x509::NameSet uncovered(x509::Certificate const& certificate, x509::NameSet const& names);

}  // namespace lenscap::agent
