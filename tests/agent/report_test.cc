#include "agent/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "store/backends.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using testing::enrolled_camera;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using ::testing::Not;
using ::testing::SizeIs;

StatusRow row_of(Device const& device, Journal const* journal = nullptr, Time now = kNow) {
  return status_row(device, journal, now);
}

TEST(StatusRow, TheGuidesWordsForHttps) {
  struct Case {
    HttpsState state;
    char const* words;
  };
  for (auto [state, words] :
       {Case{HttpsState::unsupported_firmware, "Unsupported firmware"},
        Case{HttpsState::missing_certificate, "Disabled (Missing server certificate)"},
        Case{HttpsState::disabled, "Disabled"}, Case{HttpsState::enabled, "Enabled"}, Case{HttpsState::unknown, "-"}}) {
    auto device = enrolled_camera();
    device.https = state;
    EXPECT_EQ(row_of(device).https, words);
  }
}

TEST(StatusRow, ByState) {
  auto failed = [](char const* code, Retry retry) {
    return with_failure(enrolled_camera(), {code, retry, "why"}, kNow);
  };
  auto not_enrolled = camera();
  auto unsupported = camera();
  unsupported.https = HttpsState::unsupported_firmware;
  auto stranded = with_failure(enrolled_camera(), {"no_driver", Retry::never, "why"}, kNow);
  stranded.https = HttpsState::unsupported_firmware;
  stranded.moves_from = "https://old.example/directory";
  auto moving = enrolled_camera();
  moving.moves_from = stranded.moves_from;
  auto expiring = camera();
  expiring.live = testing::live("lenscap-1", kNow - 84 * kDay);
  auto expired = camera();
  expired.live = testing::live("lenscap-1", kNow - 93 * kDay);
  auto expired_and_unreachable = with_failure(expired, {"unreachable", Retry::later, "why"}, kNow);
  auto due = camera();
  due.live = testing::live("lenscap-1", kNow - 67 * kDay);
  auto short_lived = camera();
  short_lived.live = testing::live("lenscap-1", kNow - kDay, 7 * kDay);
  auto leaf_only = enrolled_camera();
  leaf_only.live->chain_incomplete = true;
  auto slow = enrolled_camera();
  slow.clock_offset = -30 * kMinute;

  struct Case {
    char const* name;
    Device device;
    char const* status;
    char const* expires;
    char const* next;
    bool attention;
    bool due;
  };
  Case const cases[] = {
      {"good", enrolled_camera(), "OK", "80 days", "renew in ", false, false},
      {"leaf only", leaf_only, "OK", "80 days", "; chain incomplete", false, false},
      {"slow clock", slow, "OK", "80 days", "; its clock is 30 minutes behind", false, false},
      {"clock", failed("clock_wrong", Retry::later), "Clock is wrong", "80 days", "(E2031)", true, false},
      {"blocked", failed("auth_throttled", Retry::later), "Login blocked", "80 days", "(E2012)", true, false},
      {"short-lived", short_lived, "OK", "6 days", "renew in ", false, false},
      {"due", due, "OK", "23 days", "renew now", false, true},
      {"expiring", expiring, "Certificate about to expire", "6 days", "renew now", true, true},
      {"expired", expired, "Certificate has expired", "3 days ago", "renew now", true, true},
      {"expired, away", expired_and_unreachable, "Certificate has expired", "3 days ago", "tries again in 1", true,
       true},
      {"not enrolled", not_enrolled, "Not enrolled", "-", "lenscap-agent enroll ACCC8E68D4D2", true, false},
      {"unsupported", unsupported, "OK", "-", "update the firmware to 5.70 or newer (E2103)", true, false},
      {"login", failed("auth_failed", Retry::never), "Login failed", "80 days", "(E2011)", true, false},
      {"other key", failed("tls_untrusted", Retry::never), "Key changed", "80 days", "(E2021)", true, false},
      {"other device", failed("wrong_device", Retry::never), "Wrong device", "80 days", "(E2022)", true, false},
      {"away", failed("unreachable", Retry::later), "Unreachable", "80 days", "tries again in 1", true, false},
      {"rolled back", failed("switched_but_not_served", Retry::later), "Rolled back", "80 days", "E2201", true, false},
      {"cannot do one thing", failed("unsupported", Retry::never), "Failed", "80 days", "(E2111)", true, false},
      {"no driver", failed("no_driver", Retry::never), "OK", "80 days", "update the firmware to 5.70 or newer (E2103)",
       true, false},
      {"cannot move", stranded, "OK", "80 days",
       "update the firmware to 5.70 or newer (E2103); until then it keeps its certificate of https://old.example/",
       true, true},
      {"moves", moving, "OK", "80 days", "renew now; moves from https://old.example/", false, true},
      {"refused by the CA", failed("rejected_identifier", Retry::anew), "Refused by the CA", "80 days",
       "ask the CA for these names: lenscap-agent results; tries again in 1", true, false},
      {"unknown code", failed("something_new", Retry::never), "Failed", "80 days", "(E2000)", true, false},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto row = row_of(c.device);
    EXPECT_EQ(row.status, c.status);
    EXPECT_EQ(row.expires, c.expires);
    EXPECT_THAT(row.next, HasSubstr(c.next));
    EXPECT_EQ(row.attention, c.attention);
    EXPECT_EQ(row.due, c.due);
  }
}

TEST(StatusRow, WorkUnderWay) {
  auto journal = begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "", kNow);
  journal = begin_step(journal, Step::probe, kNow);
  auto row = row_of(camera(), &journal);
  EXPECT_EQ(row.status, "In progress");
  EXPECT_EQ(row.next, "asking the device who it is");
}

// The number in "... (E2011)".
std::string number_in(std::string const& text) {
  auto at = text.rfind("(E");
  return at == text.npos ? "" : text.substr(at + 1, 5);
}

TEST(StatusRow, EveryRefusalHasANumberThatIsInTheDocs) {
  std::ifstream file(LENSCAP_SOURCE_DIR "/docs/errors.md");
  std::string const docs{std::istreambuf_iterator<char>(file), {}};
  for (int i = 0; i <= static_cast<int>(DeviceErrc::partial_cleanup); ++i) {
    auto code = static_cast<DeviceErrc>(i);
    auto row = row_of(with_failure(camera(), to_failure(DeviceError(code, "why")), kNow));
    EXPECT_THAT(row.next, Not(HasSubstr("E2000"))) << to_string(code);
    EXPECT_THAT(docs, HasSubstr("| " + number_in(row.next) + " | `" + std::string(to_string(code)) + "`"));
  }
  for (auto code : all_errcs()) {
    auto row = row_of(with_failure(camera(), to_failure(Error(code, "why")), kNow));
    if (code == Errc::unreachable || code == Errc::bad_csr) continue;  // the device's numbers say it better
    EXPECT_EQ(number_in(row.next), error_id(code));
  }
  for (auto number : {"E2000", "E2301"}) EXPECT_THAT(docs, HasSubstr("| " + std::string(number) + " |"));
}

TEST(StatusTable, LooksLikeThis) {
  auto good = enrolled_camera();
  good.live = testing::live("lenscap-1", kNow - 29 * kDay);
  auto expiring = camera();
  expiring.serial = "ACCC8E022A4D";
  expiring.endpoint = {"10.20.4.181", 80, 8443};
  expiring.model = "Q6114-E";
  expiring.firmware = "6.50.1.2";
  expiring.live = testing::live("lenscap-1", kNow - 84 * kDay);
  auto old = camera();
  old.serial = "ACCC8E2CDAE9";
  old.endpoint.address = "10.20.4.126";
  old.model = "P8221";
  old.firmware = "5.10.3";
  old.https = HttpsState::unsupported_firmware;
  auto login = camera();
  login.serial = "ACCC8E0C0B69";
  login.endpoint.address = "10.21.0.155";
  login.model = "P3224";
  login.firmware = "5.75.3.1";
  login.https = HttpsState::missing_certificate;
  login = with_failure(login, {"auth_failed", Retry::never, "refused"}, kNow);
  std::vector<StatusRow> rows = {row_of(good), row_of(expiring), row_of(old), row_of(login)};
  rows[0].next = "renew in 31 days";  // the day depends on the serial number
  EXPECT_EQ(
      status_table(rows),
      R"(MAC           Status                       Address           Model    Firmware  Server  HTTPS                                  Expires  Next
ACCC8E68D4D2  OK                           10.20.4.119       P1367    7.30.1    hq      Enabled                                61 days  renew in 31 days
ACCC8E022A4D  Certificate about to expire  10.20.4.181:8443  Q6114-E  6.50.1.2  hq      Enabled                                6 days   renew now
ACCC8E2CDAE9  OK                           10.20.4.126       P8221    5.10.3    hq      Unsupported firmware                   -        update the firmware to 5.70 or newer (E2103)
ACCC8E0C0B69  Login failed                 10.21.0.155       P3224    5.75.3.1  hq      Disabled (Missing server certificate)  -        give the password: lenscap-agent add (E2011)
4 devices: 1 OK, 1 due, 2 need attention
)");
  EXPECT_EQ(status_exit_code(rows), ExitCode::attention);
  EXPECT_EQ(status_exit_code({rows[0]}), ExitCode::done);
  EXPECT_EQ(status_summary({rows[0]}), "1 device: 1 OK");
  EXPECT_EQ(status_summary({rows[3]}), "1 device: 0 OK, 1 needs attention");
  EXPECT_EQ(status_summary({}), "0 devices: 0 OK");

  auto parsed = json::parse(json::write(status_json(rows)));
  ASSERT_TRUE(parsed.ok());
  ASSERT_THAT(*parsed->as_array(), SizeIs(4));
  auto const& first = *(*parsed->as_array())[1].as_object();
  EXPECT_EQ(*first.find("mac")->as_string(), "ACCC8E022A4D");
  EXPECT_EQ(*first.find("status")->as_string(), "Certificate about to expire");
  EXPECT_EQ(*first.find("not_after")->as_string(), to_rfc3339(kNow + 6 * kDay));
  EXPECT_TRUE(*first.find("attention")->as_bool());
  EXPECT_EQ((*parsed->as_array())[3].as_object()->find("not_after"), nullptr);
}

TEST(Results, OfATask) {
  auto store = store::make_memory_store();
  auto journal = begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "task", kNow);
  auto failing = begin_step(journal, Step::probe, kNow);
  auto failed = note_failure(failing, {"auth_failed", Retry::never, "refused"}, kNow);
  auto waits = note_failure(failing, {"unreachable", Retry::later, "no answer"}, kNow);
  auto done = journal;
  done.outcome = Outcome::done;
  done.sentence = "the new certificate is served and proven";

  auto first = camera();
  auto second = camera();
  second.serial = "ACCC8E022A4D";
  auto third = camera();
  third.serial = "ACCC8E2CDAE9";
  Task task{new_id(kNow), "enroll", kNow, kNow + kMinute};
  std::vector<TaskResult> results = {
      result_of(task.id, with_outcome(first, done, kNow), done, kNow),
      result_of(task.id, with_outcome(second, failed, kNow), failed, kNow),
      result_of(task.id, with_outcome(third, waits, kNow), waits, kNow),
  };
  store->write([&](store::WriteTxn& txn) {
    save_task(txn, {new_id(kNow - kHour), "renew", kNow - kHour, std::nullopt});
    save_task(txn, task);
    for (auto const& result : results) save_result(txn, result);
    return true;
  });
  std::vector<TaskResult> read;
  store->read([&](store::ReadTxn& txn) {
    ASSERT_THAT(recent_tasks(txn), SizeIs(2));
    EXPECT_EQ(recent_tasks(txn)[0].id, task.id);
    EXPECT_EQ(recent_tasks(txn)[0].ended, task.ended);
    read = results_of(txn, "");
    EXPECT_THAT(results_of(txn, recent_tasks(txn)[1].id), IsEmpty());
  });
  ASSERT_THAT(read, SizeIs(3));
  auto table = results_table(task, read);
  EXPECT_THAT(table,
              HasSubstr("Task enroll, begun 2027-01-15T08:00:00Z: 1 of 3 finished, ended 2027-01-15T08:01:00Z\n"));
  EXPECT_THAT(table, HasSubstr("ACCC8E68D4D2  10.20.4.119  Finished  the new certificate is served and proven\n"));
  EXPECT_THAT(table, HasSubstr("Failed    could not talk to the device: refused (E2011)\n"));
  EXPECT_THAT(table,
              HasSubstr("Waiting   could not talk to the device: no answer (E2001); tries again at 2027-01-15T08:1"));
  EXPECT_EQ(results_exit_code(read), ExitCode::partly_done);
  EXPECT_EQ(results_exit_code({results[0]}), ExitCode::done);
  EXPECT_EQ(results_exit_code({results[1]}), ExitCode::failed);
  EXPECT_THAT(json::write(results_json(task, read)), HasSubstr(R"("status":"Finished")"));
}

TEST(Tasks, OldOnesAreForgotten) {
  auto store = store::make_memory_store();
  for (int i = 0; i < kTasksKept + 5; ++i) {
    store->write([&](store::WriteTxn& txn) {
      Task task{new_id(kNow + i * kMinute), "renew", kNow, std::nullopt};
      save_task(txn, task);
      TaskResult result{task.id, "ACCC8E68D4D2", "10.0.0.1", "Finished", "", "", std::nullopt, kNow};
      save_result(txn, result);
      return true;
    });
  }
  store->read([](store::ReadTxn& txn) {
    EXPECT_THAT(recent_tasks(txn), SizeIs(kTasksKept));
    int results = 0;
    txn.scan(kResults, {}, [&](auto, auto) { return ++results, true; });
    EXPECT_EQ(results, kTasksKept);
  });
}

}  // namespace
}  // namespace lenscap::agent
