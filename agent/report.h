// What people and programs see of the devices: the status table, in the words of the guide that its users know, and the
// results of the last tasks. Pure: records in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/journal.h"
#include "base/exit_code.h"

namespace lenscap::agent {

struct StatusRow {
  std::string mac;  // the serial number: 12 digits, as the guide prints it
  std::string status;
  std::string address;  // with the port when it is not 443
  std::string model;
  std::string firmware;
  std::string server;
  std::string https;    // "Unsupported firmware", "Disabled (Missing server certificate)", "Disabled", "Enabled"
  std::string expires;  // "61 days", or "-"
  std::string next;     // "renew in 31 days", or what to do with the number of the error
  bool attention = false;
  bool due = false;

  // For programs.
  std::optional<Time> not_after;
  std::optional<Time> renew_at;
  std::string error;  // code of the last failure; empty: none
  bool chain_incomplete = false;
  std::vector<std::string> names;
  std::string moves_from;   // directory of the CA that the device is still at; empty: it is not being moved
  std::string fingerprint;  // SHA-256 of the live leaf, hex; empty: none
};

constexpr Seconds kWarnBefore = 14 * kDay;  // "Certificate about to expire", when renewal should have been long done

StatusRow status_row(Device const& device, Journal const* journal, Time now, Seconds warn_before = kWarnBefore);

std::string status_table(std::vector<StatusRow> const& rows);    // with the summary line below
std::string status_summary(std::vector<StatusRow> const& rows);  // "4 devices: 1 OK, 1 due, 2 need attention"
json::Value status_json(std::vector<StatusRow> const& rows);
ExitCode status_exit_code(std::vector<StatusRow> const& rows);  // attention, or done

// ---- results of tasks

constexpr store::Table kTasks{"tasks"};      // key: task id
constexpr store::Table kResults{"results"};  // key: task id "/" serial
constexpr int kTasksKept = 50;

struct Task {
  std::string id;    // new_id()
  std::string what;  // "enroll", "renew", "verify"
  Time begun;
  std::optional<Time> ended;  // nothing: still running, or interrupted
};

constexpr char kFinished[] = "Finished";  // the guide's word for a success

struct TaskResult {
  std::string task;
  std::string serial;
  std::string address;
  std::string status;  // "Finished", "Failed", "Rolled back", "Rollback failed", "Waiting", "Skipped"
  std::string description;
  std::string error;              // code; empty: none
  std::optional<Time> try_again;  // when the agent tries by itself
  Time at;
};

// What a task did for a device, from the journal it left.
TaskResult result_of(std::string task, Device const& device, Journal const& journal, Time now);

void save_task(store::WriteTxn& txn, Task const& task);  // and forgets the oldest beyond kTasksKept
void save_result(store::WriteTxn& txn, TaskResult const& result);
std::vector<Task> recent_tasks(store::ReadTxn& txn);  // newest first
// Of one task; empty id: of the newest one.
std::vector<TaskResult> results_of(store::ReadTxn& txn, std::string_view task);

// The overall line and a row for each device: MAC, address, status, description.
std::string results_table(Task const& task, std::vector<TaskResult> const& results);
json::Value results_json(Task const& task, std::vector<TaskResult> const& results);
// done, failed (all), partly_done.
ExitCode results_exit_code(std::vector<TaskResult> const& results);

}  // namespace lenscap::agent
