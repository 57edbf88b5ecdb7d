// http-01 (RFC 8555 8.3, RFC 8738): the name's port 80 leads to the agent, by the DNS or by a proxy. It proves who
// rules over that, not the camera; the keys on the camera are looked at by the agent itself before and after.
#include "agent/solver.h"
#include "agent/solvers/http_responder.h"

namespace lenscap::agent {

bool can_solve_http_01(SolverTools const& tools, acme::Identifier const& identifier) {
  return tools.http != nullptr && !identifier.is_wildcard();
}

net::Awaitable<Result<>> present_http_01(SolverTools const& tools, Proof proof) {
  co_return tools.http->present(proof.token, std::move(proof.key_authorization));
}

void clean_up_http_01(SolverTools const& tools, Proof const& proof) { tools.http->withdraw(proof.token); }

}  // namespace lenscap::agent
