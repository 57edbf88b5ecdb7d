// Takes one device through its journal: does a step, writes it down, asks the plan for the next. Every step is written
// down before it is begun and after it is done, so that `kill -9` between any two instructions costs nothing but time.
// It DOES NOT decide: that is agent/plan. It does not know firmware: that is the driver.
#pragma once

#include "agent/client/obtain.h"
#include "agent/device.h"
#include "agent/membership.h"
#include "agent/report.h"
#include "agent/settings.h"
#include "base/log.h"

namespace lenscap::agent {

// What the runner works with; all of it outlives every run.
struct Workshop {
  store::Store& store;
  Sealer const& sealer;
  Settings const& settings;
  Membership const& membership;
  AcmeClient& acme;
  DeviceAccess& devices;
  Clock const& clock;
  Sleep sleep;
  Log log;
  // Called after every write of a journal: the tests' place to stop the world. Empty: nothing.
  std::function<void(Journal const&)> written;
  // Looked at between two steps; the journal is then gone on with in another run. Empty: never.
  std::function<bool()> told_to_stop = {};
  SolverTools solvers = {};  // of the names that the server wants proof of

  bool is_told_to_stop() const { return told_to_stop && told_to_stop(); }
};

// Goes on with the device's journal, or begins one for `purpose`, as far as it gets now. The result is also in the
// store. Stops between two steps when told to. A broken store is an exception. Not twice at the same time for one
// device.
net::Awaitable<TaskResult> run_device(Workshop& shop, std::string serial, Purpose purpose, std::string task);

}  // namespace lenscap::agent
