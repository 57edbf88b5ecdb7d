#include <fmt/format.h>

#include "agent/solver.h"

namespace lenscap::agent {

Error refuse_ungranted(SolverTools const& tools, acme::AuthorizationObject const& authorization) {
  std::string_view const other = tools.http == nullptr
                                     ? "or set [http_01] listen in agent.toml, where the name's port 80 leads to this "
                                       "agent"
                                     : "the challenge that this agent answers, http-01, was not offered";
  return {Errc::order_not_ready,
          fmt::format("the ACME server wants proof of {} (authorization is {}), which a camera cannot give; let the "
                      "agent's EAB key grant this name: lenscap-ca eab create --grant-dns ... --grant-ip ...; {}",
                      authorization.identifier.value(), acme::to_string(authorization.status), other)};
}

}  // namespace lenscap::agent
