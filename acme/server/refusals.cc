#include "acme/server/refusals.h"

#include "acme/flow/refusal_rules.h"
#include "acme/wire/problem.h"
#include "base/utf8.h"
#include "ca/audit.h"

namespace lenscap::acme {

Asker Asker::key(x509::PublicKey const& key) { return {Kind::key, to_hex(key.spki_hash())}; }
Asker Asker::user(unsigned uid) { return {Kind::user, std::to_string(uid)}; }

namespace {

// The trail is JSON: octets that are no text would make an entry that nobody can read.
std::string text_only(std::string const& text) { return is_utf8(text) ? text : "(no text)"; }

}  // namespace

void Refusals::note(Asker asker, std::string const& what, Error const& error, Time now) {
  if (!is_refusal(error)) return;
  std::lock_guard lock(mutex_);
  auto& tally = counted_[static_cast<std::size_t>(asker.kind_)].tally;
  tally.count({std::move(asker.name_), error.code(), text_only(what), text_only(error.detail())}, now);
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

ca::AuditEntry entry_of(RefusalLine const& line, std::string actor) {
  return {.at = line.last,
          .event = ca::AuditEvent::request_refused,
          .actor = std::move(actor),
          .subject = line.latest.what,
          .rule = rule_text(line.latest.rule),
          .detail = detail_text(line)};
}

}  // namespace

template <class Take>
void Refusals::write(Db& db, Take const& take) {
  std::vector<ca::AuditEntry> entries;
  {
    std::lock_guard lock(mutex_);
    for (auto& each : counted_)
      for (auto const& line : take(each.tally))
        entries.push_back(entry_of(line, line.latest.who.empty() ? each.others : each.name + line.latest.who));
  }
  if (entries.empty()) return;
  auto const append = [&entries](store::WriteTxn& txn) -> Result<> {
    for (auto const& entry : entries) ca::append_audit(txn, entry);
    return {};
  };
  (void)db.write_blocking(append);
}

void Refusals::write_due(Db& db, Time now) {
  write(db, [now](RefusalTally& tally) { return tally.take_due(now); });
}

void Refusals::write_all(Db& db) {
  write(db, [](RefusalTally& tally) { return tally.take_all(); });
}

}  // namespace lenscap::acme
