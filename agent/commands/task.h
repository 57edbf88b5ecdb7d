// What enroll and renew share: choosing devices, running a task over them, and showing its results.
#pragma once

#include "agent/commands/desk.h"
#include "agent/scheduler.h"

namespace lenscap::agent {

// All devices, or those named: each must be found, and comes once however often it is named.
Result<std::vector<Device>> choose(Desk& desk, std::vector<std::string> const& named, bool all);

// Nothing to do is done as well.
ExitCode run_and_report(Global const& global, Desk& desk, std::string what, std::vector<Job> jobs);

}  // namespace lenscap::agent
