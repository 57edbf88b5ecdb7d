// From names and a CSR to a certificate chain, over one ACME order that can be taken up again after a crash:
// place_order gives the order's URL to write down, complete_order goes on from whatever state that order is in.
//
// Bounded: at most kLooksPerState looks at an order or an authorization that stays in one state, with pauses that grow,
// and kOrderDeadline in all. The server is asked to issue once in each call, and again, kFinalizesMax times in all,
// when the order comes back from `processing` to `ready`, as where the signature had to wait; and to validate once for
// each name. A server that sends something else than what was ordered is found out by check_issued: nothing may reach a
// device before it.
#pragma once

#include "agent/client/acme_client.h"
#include "agent/solver.h"
#include "base/x509/csr.h"

namespace lenscap::agent {

// Waits; a test's own returns at once.
using Sleep = std::function<net::Awaitable<>(Seconds)>;

constexpr int kLooksPerState = 10;
constexpr int kFinalizesMax = 3;  // a signer that is away for longer is left to the next attempt, minutes later
constexpr Seconds kOrderDeadline = 10 * kMinute;
constexpr Seconds kPauseMax = 2 * kMinute;  // whatever the server asks for

// How long to wait before looking again at what was seen `looks` times in the same state: what the server asks for, but
// never less than 1, 2, 4 ... seconds, so that ten looks are minutes, and never more than kPauseMax. Pure.
Seconds pause_before_next(int looks, std::optional<Seconds> retry_after);

// `replaces` is the predecessor's identifier (RFC 9773 5), or empty. It is sent to a server that has renewal
// information; one that refuses the order for it, or may have, gets the order once more without.
net::Awaitable<Result<std::string>> place_order(AcmeClient& client, x509::NameSet names, std::string profile,
                                                std::string replaces);

struct CompleteOrder {
  std::string order_url;
  x509::NameSet names;
  x509::Csr csr;
};

// The chain as the server sent it, leaf first: NOT checked, see check_issued. Refusals worth telling apart:
//   not_found                 the order is gone: the server does not know it (any more), or it expired, or had failed
//                             before this call, or it ended invalid without a reason; place a new one
//   connection, dns, tls, caa, unauthorized, incorrect_response
//                             a proof was shown and failed, and so would that of another order: wait before that
//   order_not_ready           the order wants a proof that the agent cannot give (the text says of which name)
//   incorrect_response        also when the server answered against its own protocol
// An order that ended for another reason has that reason's own code.
// Answers of `solvers` are taken away before it returns, whatever came of them.
net::Awaitable<Result<std::vector<x509::Certificate>>> complete_order(AcmeClient& client, CompleteOrder request,
                                                                      SolverTools solvers, Sleep sleep,
                                                                      Clock const& clock);

// Is this the chain for the CSR and the names, does it lead to one of the roots, and is it valid at `now`? Pure.
// Errc::incorrect_response with the reason; `retry_after` is set when time alone, or a clock that is set right, may put
// it right.
Result<> check_issued(std::vector<x509::Certificate> const& chain, x509::Csr const& csr, x509::NameSet const& names,
                      std::vector<x509::Certificate> const& roots, Time now);

}  // namespace lenscap::agent
