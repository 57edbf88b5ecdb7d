#include "agent/report.h"

#include <algorithm>
#include <array>

#include "agent/device_clock.h"
#include "agent/length_text.h"
#include "agent/plan.h"
#include "agent/records.h"
#include "base/text_table.h"
#include "base/x509/certificate.h"

namespace lenscap::agent {
namespace {

// What a failure is called in the status column, and what to do about it; the number is explained in docs/errors.md.
struct Advice {
  std::string_view code;
  std::string_view status;
  std::string_view number;
  std::string_view next;  // empty: the agent tries again by itself, and says when
};

constexpr std::string_view kLook = "see: lenscap-agent results";

constexpr std::array kAdvice = {
    // The device.
    Advice{"unreachable", "Unreachable", "E2001", ""},
    Advice{"busy_timeout", "Busy", "E2002", ""},
    Advice{"bad_answer", "Failed", "E2003", ""},
    Advice{"auth_failed", "Login failed", "E2011", "give the password: lenscap-agent add"},
    Advice{"auth_throttled", "Login blocked", "E2012", ""},
    Advice{"not_admin", "Login failed", "E2013", "give an administrator's login: lenscap-agent add"},
    Advice{"needs_setup", "Needs setup", "E2014", "set an administrator's password on the device"},
    Advice{"tls_untrusted", "Key changed", "E2021", "find out why, then approve it: lenscap-agent add"},
    Advice{"wrong_device", "Wrong device", "E2022", "give the device's new address: lenscap-agent add"},
    Advice{"clock_wrong", "Clock is wrong", "E2031", ""},
    Advice{"no_driver", "OK", "E2103", "update the firmware to 5.70 or newer"},
    Advice{"unsupported", "Failed", "E2111", kLook},
    Advice{"keytype_unsupported", "Failed", "E2104", kLook},
    Advice{"key_generation_failed", "Failed", "E2105", ""},
    Advice{"store_full", "Failed", "E2106", "remove a certificate from the device"},
    Advice{"id_in_use", "Failed", "E2107", ""},
    Advice{"key_mismatch", "Failed", "E2108", kLook},
    Advice{"bad_certificate", "Failed", "E2109", ""},
    Advice{"bad_csr", "Failed", "E2110", kLook},
    Advice{"switched_but_not_served", "Rolled back", "E2201", ""},
    Advice{"rolled_back", "Rolled back", "E2202", ""},
    Advice{"rollback_failed", "Rollback failed", "E2203", "look at the device: lenscap-agent results"},
    Advice{"partial_cleanup", "OK", "E2204", ""},
    // The ACME server; other codes of its have the number that they have everywhere (base/error.h).
    Advice{"rejected_identifier", "Refused by the CA", "E1024", "ask the CA for these names: lenscap-agent results"},
    Advice{"unauthorized", "Refused by the CA", "E1028", kLook},
    Advice{"invalid_profile", "Refused by the CA", "E1016", kLook},
    Advice{"compound", "Refused by the CA", "E1010", kLook},
    Advice{"account_does_not_exist", "Refused by the CA", "E1001", "join again: lenscap-agent join"},
    Advice{"order_lost", "Refused by the CA", "E2301", kLook},
    Advice{kWrongCertificate, "Wrong certificate", "E2302", kLook},
};

Advice advice_for(std::string_view code) {
  auto it = std::ranges::find(kAdvice, code, &Advice::code);
  if (it != kAdvice.end()) return *it;
  for (auto errc : all_errcs()) {
    if (code == to_string(errc)) return {code, "Failed", error_id(errc), ""};
  }
  return {code, "Failed", "E2000", ""};
}

std::string_view https_text(HttpsState state) {
  switch (state) {  // the guide's words
    case HttpsState::unknown:
      return "-";
    case HttpsState::unsupported_firmware:
      return "Unsupported firmware";
    case HttpsState::missing_certificate:
      return "Disabled (Missing server certificate)";
    case HttpsState::disabled:
      return "Disabled";
    case HttpsState::enabled:
      return "Enabled";
  }
  bug("HttpsState out of range");
}

std::string address_text(Endpoint const& at) {
  return at.https_port == 443 ? at.address : with_port(at.address, at.https_port);
}

std::string numbered(std::string_view text, Advice const& advice) {
  return std::string(text) + " (" + std::string(advice.number) + ")";
}

// The status word, and what comes next. The gravest thing wins: an expired certificate, a failure, work under way,
// a certificate that should have been renewed long ago.
void tell(StatusRow& row, Device const& device, Journal const* journal, Time now, Seconds warn_before) {
  bool const interrupted = journal != nullptr && next_step(*journal).has_value();
  bool expired = false;
  bool expiring = false;
  if (device.live) {
    auto const& [not_before, not_after] = device.live->validity;
    row.not_after = not_after;
    row.renew_at = renew_at(device, now);
    row.due = now >= *row.renew_at;
    expired = now >= not_after;
    // A certificate that lives a week is not "about to expire" all its life.
    expiring = not_after - now <= std::min(warn_before, (not_after - not_before) / 5);
    row.expires = expired ? length_text(now - not_after) + " ago" : length_text(not_after - now);
  }

  if (device.failure) {
    auto const advice = advice_for(device.failure->code);
    row.error = device.failure->code;
    row.status = advice.status;
    row.attention = true;
    if (device.failure->retry == Retry::never) {
      row.next = numbered(advice.next.empty() ? kLook : advice.next, advice);
    } else {
      auto at = next_try(device);
      std::string const again = at <= now ? "tries again now" : "tries again in " + length_text(at - now);
      row.next = numbered(advice.next.empty() ? again : std::string(advice.next) + "; " + again, advice);
    }
  } else if (device.https == HttpsState::unsupported_firmware) {
    auto const advice = advice_for("no_driver");
    row.status = advice.status;
    row.attention = true;
    row.next = numbered(advice.next, advice);
  } else if (interrupted) {
    row.status = "In progress";
    row.next = journal->sentence;
  } else if (!device.live) {
    row.status = "Not enrolled";
    row.attention = true;
    row.next = "lenscap-agent enroll " + device.serial;
  } else {
    row.status = "OK";
    row.next = row.due ? "renew now" : "renew in " + length_text(*row.renew_at - now);
    if (device.live->names != device.names) row.next += ": its names were changed";
  }

  if (expired) {
    row.status = "Certificate has expired";
  } else if (expiring && row.status == "OK") {
    row.status = "Certificate about to expire";
  }
  row.attention = row.attention || expired || expiring;
  bool const can_move = device.https != HttpsState::unsupported_firmware;
  if (!device.moves_from.empty())
    row.next += (can_move ? "; moves from " : "; until then it keeps its certificate of ") + device.moves_from;
  if (device.live && device.live->chain_incomplete) row.next += "; chain incomplete";
  if (auto const note = clock_note(device.clock_offset); !note.empty()) row.next += "; " + note;
}

}  // namespace

StatusRow status_row(Device const& device, Journal const* journal, Time now, Seconds warn_before) {
  StatusRow row;
  row.mac = device.serial;
  row.address = address_text(device.endpoint);
  row.model = device.model;
  row.firmware = device.firmware;
  row.server = device.server;
  row.https = https_text(device.https);
  row.expires = "-";
  row.moves_from = device.moves_from;
  tell(row, device, journal, now, warn_before);

  for (auto const& name : device.names.dns) row.names.push_back(name.text());
  for (auto const& address : device.names.ip) row.names.push_back(address.text());
  if (device.live) {
    row.chain_incomplete = device.live->chain_incomplete;
    auto chain = x509::parse_pem_chain(device.live->chain_pem);
    if (chain.ok() && !chain->empty()) row.fingerprint = to_hex(chain->front().fingerprint());
  }
  return row;
}

std::string status_summary(std::vector<StatusRow> const& rows) {
  std::size_t due = 0;
  std::size_t attention = 0;
  for (auto const& row : rows) {
    if (row.due && row.error.empty()) {
      ++due;  // the next round takes care of it
    } else if (row.attention) {
      ++attention;
    }
  }
  auto count = [](std::size_t n, std::string_view text) { return ", " + std::to_string(n) + " " + std::string(text); };
  std::string text = std::to_string(rows.size()) + (rows.size() == 1 ? " device: " : " devices: ") +
                     std::to_string(rows.size() - due - attention) + " OK";
  if (due != 0) text += count(due, "due");
  if (attention != 0) text += count(attention, attention == 1 ? "needs attention" : "need attention");
  return text;
}

std::string status_table(std::vector<StatusRow> const& rows) {
  std::vector<std::vector<std::string>> lines;
  for (auto const& row : rows) {
    lines.push_back(
        {row.mac, row.status, row.address, row.model, row.firmware, row.server, row.https, row.expires, row.next});
  }
  return text_table({"MAC", "Status", "Address", "Model", "Firmware", "Server", "HTTPS", "Expires", "Next"}, lines) +
         status_summary(rows) + "\n";
}

json::Value status_json(std::vector<StatusRow> const& rows) {
  json::Array array;
  for (auto const& row : rows) {
    json::Object object{{"mac", row.mac},
                        {"status", row.status},
                        {"address", row.address},
                        {"model", row.model},
                        {"firmware", row.firmware},
                        {"server", row.server},
                        {"https", row.https},
                        {"next", row.next},
                        {"attention", row.attention},
                        {"due", row.due},
                        {"error", row.error},
                        {"chain_incomplete", row.chain_incomplete},
                        {"names", json::Value::strings(row.names)},
                        {"fingerprint", row.fingerprint},
                        {"moves_from", row.moves_from}};
    records::set_time(object, "not_after", row.not_after);
    records::set_time(object, "renew_at", row.renew_at);
    array.emplace_back(std::move(object));
  }
  return array;
}

ExitCode status_exit_code(std::vector<StatusRow> const& rows) {
  bool any = std::ranges::any_of(rows, [](auto const& row) { return row.attention; });
  return any ? ExitCode::attention : ExitCode::done;
}

// --- results of tasks
// --------------------------------------------------------------------------------------------------

TaskResult result_of(std::string task, Device const& device, Journal const& journal, Time now) {
  TaskResult result{.task = std::move(task),
                    .serial = device.serial,
                    .address = address_text(device.endpoint),
                    .status = "",
                    .description = journal.sentence,
                    .error = "",
                    .try_again = std::nullopt,
                    .at = now};
  switch (journal.outcome) {
    case Outcome::done:
      result.status = kFinished;
      break;
    case Outcome::failed:
      result.status = "Failed";
      break;
    case Outcome::rolled_back:
      result.status = "Rolled back";
      break;
    case Outcome::rollback_failed:
      result.status = "Rollback failed";
      result.error = "rollback_failed";
      break;
    case Outcome::running:
      result.status = "Waiting";
      break;
  }
  if (auto const note = clock_note(device.clock_offset); !note.empty() && journal.outcome == Outcome::done)
    result.description += "; " + note + ": give it a time server";
  if (result.error.empty() && journal.failure) result.error = journal.failure->code;
  if (journal.outcome != Outcome::done && device.failure && device.failure->retry != Retry::never) {
    result.try_again = next_try(device);
  }
  return result;
}

namespace {

std::string result_key(std::string_view task, std::string_view serial) {
  return std::string(task) + "/" + std::string(serial);
}

json::Object to_json(Task const& task) {
  json::Object object{{"v", 1}, {"id", task.id}, {"what", task.what}, {"begun", to_rfc3339(task.begun)}};
  records::set_time(object, "ended", task.ended);
  return object;
}

Result<Task> parse_task(std::string_view text) {
  TRY(auto object, json::parse_object(text));
  Task task;
  TRY(task.id, json::need_string(object, "id"));
  TRY(task.what, json::need_string(object, "what"));
  TRY(task.begun, records::need_time(object, "begun"));
  TRY(task.ended, records::get_time(object, "ended"));
  return task;
}

json::Object to_json(TaskResult const& result) {
  json::Object object{{"v", 1},
                      {"task", result.task},
                      {"mac", result.serial},
                      {"address", result.address},
                      {"status", result.status},
                      {"description", result.description},
                      {"at", to_rfc3339(result.at)}};
  records::set_text(object, "error", result.error);
  records::set_time(object, "try_again", result.try_again);
  return object;
}

Result<TaskResult> parse_result(std::string_view text) {
  TRY(auto object, json::parse_object(text));
  TaskResult result;
  TRY(result.task, json::need_string(object, "task"));
  TRY(result.serial, json::need_string(object, "mac"));
  TRY(result.address, json::need_string(object, "address"));
  TRY(result.status, json::need_string(object, "status"));
  TRY(result.description, json::need_string(object, "description"));
  TRY(result.at, records::need_time(object, "at"));
  TRY(result.error, records::text(object, "error"));
  TRY(result.try_again, records::get_time(object, "try_again"));
  return result;
}

}  // namespace

std::vector<Task> recent_tasks(store::ReadTxn& txn) {
  std::vector<Task> tasks;
  txn.scan(kTasks, {}, [&](std::string_view key, std::string_view text) {
    auto task = parse_task(text);
    if (!task.ok()) records::broken(kTasks.name, key, task.error());
    tasks.push_back(std::move(task).value());
    return true;
  });
  std::ranges::reverse(tasks);  // ids rise with time
  return tasks;
}

void save_task(store::WriteTxn& txn, Task const& task) {
  txn.put(kTasks, task.id, json::write(to_json(task)));
  auto tasks = recent_tasks(txn);
  for (std::size_t i = kTasksKept; i < tasks.size(); ++i) {
    auto const& old = tasks[i].id;
    std::vector<std::string> keys;
    store::scan_prefix(txn, kResults, old + "/", [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    });
    for (auto const& key : keys) txn.erase(kResults, key);
    txn.erase(kTasks, old);
  }
}

void save_result(store::WriteTxn& txn, TaskResult const& result) {
  txn.put(kResults, result_key(result.task, result.serial), json::write(to_json(result)));
}

std::vector<TaskResult> results_of(store::ReadTxn& txn, std::string_view task) {
  std::string id(task);
  if (id.empty()) {
    auto tasks = recent_tasks(txn);
    if (tasks.empty()) return {};
    id = tasks.front().id;
  }
  std::vector<TaskResult> results;
  store::scan_prefix(txn, kResults, id + "/", [&](std::string_view key, std::string_view text) {
    auto result = parse_result(text);
    if (!result.ok()) records::broken(kResults.name, key, result.error());
    results.push_back(std::move(result).value());
    return true;
  });
  return results;
}

namespace {

std::size_t finished(std::vector<TaskResult> const& results) {
  return static_cast<std::size_t>(
      std::ranges::count_if(results, [](auto const& result) { return result.status == kFinished; }));
}

}  // namespace

std::string results_table(Task const& task, std::vector<TaskResult> const& results) {
  std::string text = "Task " + task.what + ", begun " + to_rfc3339(task.begun) + ": " +
                     std::to_string(finished(results)) + " of " + std::to_string(results.size()) + " finished";
  text += task.ended ? ", ended " + to_rfc3339(*task.ended) : ", not ended";
  std::vector<std::vector<std::string>> lines;
  for (auto const& result : results) {
    auto description = result.description;
    if (!result.error.empty()) description += " (" + std::string(advice_for(result.error).number) + ")";
    if (result.try_again) description += "; tries again at " + to_rfc3339(*result.try_again);
    lines.push_back({result.serial, result.address, result.status, description});
  }
  return text + "\n" + text_table({"MAC", "Address", "Status", "Description"}, lines);
}

json::Value results_json(Task const& task, std::vector<TaskResult> const& results) {
  json::Array array;
  for (auto const& result : results) array.emplace_back(to_json(result));
  auto object = to_json(task);
  object.set("results", std::move(array));
  return object;
}

ExitCode results_exit_code(std::vector<TaskResult> const& results) {
  auto good = finished(results);
  if (good == results.size()) return ExitCode::done;
  return good == 0 ? ExitCode::failed : ExitCode::partly_done;
}

}  // namespace lenscap::agent
