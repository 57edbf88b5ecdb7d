#include "acme/wire/names.h"
#include "agent/solver.h"

namespace lenscap::agent {
namespace {

constexpr Solver kSolvers[] = {
    // type                 can_solve          *.     present          wait     clean_up
    {acme::names::kHttp01, can_solve_http_01, false, present_http_01, nullptr, clean_up_http_01},  // RFC 8555 8.3
};

}  // namespace

std::span<Solver const> solvers() { return kSolvers; }

}  // namespace lenscap::agent
