// The signer's end of the socket: the loop around IssuerProcess::answer(), for a front end that started it, or for one
// that is another user's. It gives up every right that signing does not need before it looks at the first request. A
// front end that says what cannot be read is let go.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/log.h"
#include "base/time.h"
#include "ca/issuer_process.h"

namespace lenscap::ca {

// The signer's whole life on its end of the socket: takes the passphrase, opens, gives up every right that signing does
// not need, and answers until the other end is closed. Refusals to start go to the other end.
void serve_signing(int socket, IssuerProcessSettings const& settings, Clock const& clock, Log const& log);

// Takes the passphrase, opens all of it but the ledger, says so or the refusal, and that is all.
void rehearse_signing(int socket, IssuerProcessSettings const& settings, Log const& log);

// The same as serve_signing() for a front end of another user, who has neither the passphrase nor the signer's files:
// opens, says that it is `ready`, gives up its rights, and takes one front end after the other at a socket that
// listens. Another user than `front` is sent away. Ends with the refusal to start, or with Errc::file when the ledger
// can no longer be written.
Result<> serve_signing_at(int listening, uid_t front, SecretBytes const& passphrase,
                          IssuerProcessSettings const& settings, std::function<void()> const& ready, Clock const& clock,
                          Log const& log);

}  // namespace lenscap::ca
