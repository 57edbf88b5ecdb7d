// From names and a CSR to a certificate chain, over one ACME order that can be taken up again after a crash:
// place_order gives the order's URL to write down, complete_order goes on from whatever state that order is in.
//
// Bounded: at most kRequestsPerOrder looks at the order, kOrderDeadline in all, and one look at each authorization. The
// server is asked to issue once in each call, whatever states the order goes through. A server that sends something
// else than what was ordered (other key, other names, not valid now) is refused before anything reaches a device.
#pragma once

#include "agent/client/acme_client.h"
#include "base/x509/csr.h"

namespace lenscap::agent {

// Waits; a test's own returns at once.
using Sleep = std::function<net::Awaitable<>(Seconds)>;

constexpr int kRequestsPerOrder = 40;
constexpr Seconds kOrderDeadline = 10 * kMinute;

// `replaces` is the predecessor's identifier (RFC 9773 5), or empty. It is sent to a server that has renewal
// information; one that refuses the order for it, or may have, gets the order once more without.
net::Awaitable<Result<std::string>> place_order(AcmeClient& client, x509::NameSet names, std::string profile,
                                                std::string replaces);

struct CompleteOrder {
  std::string order_url;
  x509::NameSet names;
  x509::Csr csr;
};

// The chain, leaf first. Refusals worth telling apart:
//   not_found                 the order is gone: the server does not know it (any more), or it expired, or ended
//                             invalid without a reason; place a new one. With a reason, the reason's own code
//   order_not_ready           the order wants a proof that the agent cannot give (the text says of which name)
//   incorrect_response        the server answered against its own protocol, or issued something else
net::Awaitable<Result<std::vector<x509::Certificate>>> complete_order(AcmeClient& client, CompleteOrder request,
                                                                      Sleep sleep, Clock const& clock);

// Is this the chain for the CSR and the names, and valid at `now`? Pure. Errc::incorrect_response with the reason.
Result<> check_issued(std::vector<x509::Certificate> const& chain, x509::Csr const& csr, x509::NameSet const& names,
                      Time now);

}  // namespace lenscap::agent
