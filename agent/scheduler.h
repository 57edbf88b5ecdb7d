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

// Runs all jobs, at most settings.parallel at once, and keeps the task and its results in the store. The first
// exception of a job (the store broke) ends the task and comes out here.
net::Awaitable<std::vector<TaskResult>> run_task(Workshop& shop, std::string what, std::vector<Job> jobs);

}  // namespace lenscap::agent
