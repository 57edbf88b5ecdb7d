// How the agent proves a name to an ACME server that asks for it: the client's side of the challenges (RFC 8555 8). A
// row says which challenge it answers and for which identifiers; a new one is a file in solvers/ and a line in
// solvers/table.cc. A solver makes an answer seen and takes it away again. It does NOT talk to the ACME server
// (client/obtain does), and writes no file: what the server sends is a token that was checked, and stays in memory.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "acme/wire/authorization.h"
#include "base/net/awaitable.h"

namespace lenscap::agent {

class HttpResponder;

// What one challenge wants to be seen.
struct Proof {
  acme::Identifier identifier;
  std::string token;              // acme::is_token is true of it
  std::string key_authorization;  // RFC 8555 8.1
};

struct SolverTools;

struct Solver {
  std::string_view type;  // of the challenge
  // Can it answer for this identifier, as the agent is set up? Never asked for a wildcard unless `wildcards`.
  bool (*can_solve)(SolverTools const& tools, acme::Identifier const& identifier);
  bool wildcards;
  // Makes the answer seen. Repeatable: after a crash the same challenge is answered once more.
  net::Awaitable<Result<>> (*present)(SolverTools const& tools, Proof proof);
  // Waits until it can be seen from elsewhere, where that takes time. nullptr: at once.
  net::Awaitable<Result<>> (*wait)(SolverTools const& tools, Proof proof);
  // Takes the answer away; once for each present that went well, whatever came of the challenge.
  void (*clean_up)(SolverTools const& tools, Proof const& proof);
};

// In the order of preference.
std::span<Solver const> solvers();

// What the solvers work with, as far as the operator set it up; borrowed.
struct SolverTools {
  HttpResponder* http = nullptr;  // nothing: http-01 is not offered to anybody
  std::span<Solver const> solvers = agent::solvers();
};

// solvers/http_01.cc
bool can_solve_http_01(SolverTools const& tools, acme::Identifier const& identifier);
net::Awaitable<Result<>> present_http_01(SolverTools const& tools, Proof proof);
void clean_up_http_01(SolverTools const& tools, Proof const& proof);

// solvers/granted.cc: a name that the agent's key grants needs no proof. What to say (Errc::order_not_ready) when the
// server wants one all the same, by challenges none of which a solver answers.
Error refuse_ungranted(SolverTools const& tools, acme::AuthorizationObject const& authorization);

}  // namespace lenscap::agent
