// How many devices at once, and what to do in a round. A task is a batch with a result for each of its devices.
#pragma once

#include "agent/plan.h"
#include "agent/runner.h"

namespace lenscap::agent {

struct Job {
  std::string serial;
  Purpose purpose;
};

// What a round has to do by itself: journals to go on with, devices without a certificate, certificates that are due;
// only where the back-off is over and no person has to look first. Pure but for the reading.
std::vector<Job> due_jobs(store::ReadTxn& txn, Time now);

// Runs all jobs, at most settings.parallel at once, and keeps the task and its results in the store. Results come by
// serial number. The first exception of a job (the store broke) comes out here: no further job is begun, those under
// way go on to their end, and the task is kept as one that was interrupted. No two jobs may be for the same device.
net::Awaitable<std::vector<TaskResult>> run_task(Workshop& shop, std::string what, std::vector<Job> jobs);

}  // namespace lenscap::agent
