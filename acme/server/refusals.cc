#include "acme/server/refusals.h"

#include "acme/wire/problem.h"
#include "base/utf8.h"
#include "ca/audit.h"

namespace lenscap::acme {
namespace {

bool is_refusal(Error const& error) { return error.code() != Errc::bad_nonce && http_status(error) < 500; }

// The trail is JSON: octets that are no text would make an entry that nobody can read.
std::string text_only(std::string const& text) { return is_utf8(text) ? text : "(no text)"; }

}  // namespace

void Refusals::note(std::string account, std::string const& what, Error const& error, Time now) {
  if (!is_refusal(error)) return;
  std::lock_guard lock(mutex_);
  tally_.count({std::move(account), error.code(), text_only(what), text_only(error.detail())}, now);
}

void Refusals::write_due(Db& db, Time now) {
  std::vector<RefusalLine> lines;
  {
    std::lock_guard lock(mutex_);
    lines = tally_.take_due(now);
  }
  write(db, lines);
}

void Refusals::write_all(Db& db) {
  std::vector<RefusalLine> lines;
  {
    std::lock_guard lock(mutex_);
    lines = tally_.take_all();
  }
  write(db, lines);
}

namespace {

// "E1003 badCSR": the number of docs/errors.md, and the problem type that the client got.
std::string rule_text(Errc code) {
  auto const type = problem_type(code);
  return std::string(error_id(code)) + " " + type.substr(type.rfind(':') + 1);
}

std::string detail_text(RefusalLine const& line) {
  if (line.count == 1) return line.latest.detail;
  return std::to_string(line.count) + " times since " + to_rfc3339(line.first) +
         ", the last one: " + line.latest.detail;
}

}  // namespace

void Refusals::write(Db& db, std::vector<RefusalLine> const& lines) {
  if (lines.empty()) return;
  auto const append = [&lines](store::WriteTxn& txn) -> Result<> {
    for (auto const& line : lines)
      ca::append_audit(txn,
                       {.at = line.last,
                        .event = ca::AuditEvent::request_refused,
                        .actor = line.latest.account.empty() ? "several accounts" : "account " + line.latest.account,
                        .subject = line.latest.what,
                        .rule = rule_text(line.latest.rule),
                        .detail = detail_text(line)});
    return {};
  };
  (void)db.write_blocking(append);
}

}  // namespace lenscap::acme
