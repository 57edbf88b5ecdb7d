#include "agent/journal.h"

#include <algorithm>
#include <array>

#include "agent/plan.h"
#include "base/random.h"

namespace lenscap::agent {
namespace {

template <class Enum>
struct Spelling {
  Enum value;
  std::string_view text;
};
constexpr std::array kPurposes = {
    Spelling<Purpose>{Purpose::enroll, "enroll"},
    Spelling<Purpose>{Purpose::renew, "renew"},
};
constexpr std::array kOutcomes = {
    Spelling<Outcome>{Outcome::running, "running"},
    Spelling<Outcome>{Outcome::done, "done"},
    Spelling<Outcome>{Outcome::failed, "failed"},
    Spelling<Outcome>{Outcome::rolled_back, "rolled_back"},
    Spelling<Outcome>{Outcome::rollback_failed, "rollback_failed"},
};

template <class Table, class Enum>
std::string_view spell(Table const& table, Enum value) {
  for (auto const& candidate : table) {
    if (candidate.value == value) return candidate.text;
  }
  bug("an enumerator of the journal is out of range");
}

template <class Enum, std::size_t N>
std::optional<Enum> find_spelling(std::array<Spelling<Enum>, N> const& table, std::string_view text) {
  for (auto const& candidate : table) {
    if (candidate.text == text) return candidate.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Purpose purpose) { return spell(kPurposes, purpose); }
std::string_view to_string(Outcome outcome) { return spell(kOutcomes, outcome); }
std::optional<Purpose> parse_purpose(std::string_view text) { return find_spelling(kPurposes, text); }
std::optional<Outcome> parse_outcome(std::string_view text) { return find_spelling(kOutcomes, text); }

// --- forward ---

Journal begin_journal(Device const& device, Purpose purpose, std::string key_id, std::string task, Time now) {
  Journal journal;
  journal.id = new_id(now);
  journal.serial = device.serial;
  journal.purpose = purpose;
  journal.task = std::move(task);
  journal.begun = now;
  journal.changed = now;
  journal.names = device.names;
  journal.common_name = device.common_name;
  journal.key_id = std::move(key_id);
  // A CA knows its own certificates alone.
  if (device.live && device.moves_from.empty()) journal.replaces = certificate_id(*device.live);
  return journal;
}

Journal resume(Journal journal) {
  if (journal.waits) journal.orders = 0;  // those were in a row; now there was a pause
  journal.waits = false;
  journal.login_refused = false;
  if (journal.outcome == Outcome::rollback_failed) journal.tries = 0;
  return journal;
}

Journal begin_step(Journal journal, Step step, Time now) {
  journal.tries = journal.step == step ? std::min(journal.tries, kTriesPerStep) + 1 : 1;
  journal.step = step;
  journal.changed = now;
  journal.sentence = doing(step);
  if (step == Step::make_key) journal.key_begun = true;
  if (step == Step::switch_https) journal.switch_begun = true;
  return journal;
}

namespace {

Journal step_done(Journal journal, Step step, Time now) {
  if (journal.step != step) bug("a journal's step was noted as done that was not begun");
  journal.step.reset();
  journal.tries = 0;
  journal.changed = now;
  if (!journal.turned_back) journal.failure.reset();
  return journal;
}

Journal end(Journal journal, Outcome outcome, std::string sentence) {
  journal.step.reset();
  journal.tries = 0;
  journal.waits = false;
  journal.outcome = outcome;
  journal.sentence = std::move(sentence);
  return journal;
}

}  // namespace

Journal note_probed(Journal journal, Time now) {
  journal = step_done(std::move(journal), Step::probe, now);
  journal.probed = true;
  return journal;
}

Journal note_key(Journal journal, std::string key_id, Bytes csr, Sha256 key_pin, Time now) {
  if (csr.empty() || key_id.empty()) bug("a key was noted without its id or CSR");
  journal = step_done(std::move(journal), Step::make_key, now);
  journal.key_id = std::move(key_id);
  journal.csr = std::move(csr);
  journal.key_pin = key_pin;
  return journal;
}

Journal note_order(Journal journal, std::string url, Time now) {
  if (url.empty()) bug("an order was noted without its URL");
  journal = step_done(std::move(journal), Step::place_order, now);
  journal.order_url = std::move(url);
  ++journal.orders;
  return journal;
}

Journal note_order_lost(Journal journal, std::string const& why, Time now) {
  if (journal.orders >= kOrdersPerKey) {
    return note_failure(
        std::move(journal),
        {"order_lost", Retry::anew,
         "three orders in a row came to nothing; ask whoever runs the server (the last one: " + why + ")"},
        now);
  }
  journal = step_done(std::move(journal), Step::get_certificate, now);
  journal.order_url.clear();
  return journal;
}

Journal note_certificate(Journal journal, std::string chain_pem, Validity validity, Time now) {
  if (chain_pem.empty()) bug("a certificate was noted without its chain");
  journal = step_done(std::move(journal), Step::get_certificate, now);
  journal.chain_pem = std::move(chain_pem);
  journal.validity = validity;
  return journal;
}

Journal note_installed(Journal journal, std::string id, std::vector<std::string> ca_ids, Time now) {
  if (id.empty()) bug("an installed certificate was noted without its id");
  journal = step_done(std::move(journal), Step::install, now);
  journal.installed_id = std::move(id);
  journal.ca_ids = std::move(ca_ids);
  return journal;
}

Journal note_snapshot(Journal journal, std::string config, std::string certificate_id, std::vector<Sha256> held_keys,
                      Time now) {
  if (config.empty()) bug("a snapshot was noted without its text");
  journal = step_done(std::move(journal), Step::snapshot, now);
  journal.snapshot = std::move(config);
  journal.previous_id = std::move(certificate_id);
  journal.held_keys = std::move(held_keys);
  return journal;
}

Journal note_switched(Journal journal, Time now) {
  journal = step_done(std::move(journal), Step::switch_https, now);
  journal.switched = true;
  return journal;
}

Journal note_verified(Journal journal, bool chain_incomplete, Time now) {
  journal = step_done(std::move(journal), Step::verify_served, now);
  journal.verified = true;
  journal.chain_incomplete = chain_incomplete;
  return journal;
}

Journal note_old_removed(Journal journal, std::vector<std::string> removed, std::string const& note, Time now) {
  journal = step_done(std::move(journal), Step::remove_old, now);
  journal.cleaned = true;
  journal.removed_ids = std::move(removed);
  std::string sentence = "the new certificate is served and proven";
  if (journal.chain_incomplete) sentence += "; chain incomplete: the device sends the leaf alone";
  if (!note.empty()) sentence += "; " + failed_sentence(Step::remove_old, note);
  return end(std::move(journal), Outcome::done, std::move(sentence));
}

// --- backward ---

namespace {

// Why the story ended as it did: the failure that turned us back, then what was left of it.
Journal end_back(Journal journal, std::string_view left_over) {
  std::string sentence = journal.failure ? journal.failure->text : std::string("given up");
  if (journal.switch_begun) sentence += "; the device serves again what it served before";
  if (!left_over.empty()) sentence.append("; ").append(left_over);
  auto outcome = journal.switch_begun ? Outcome::rolled_back : Outcome::failed;
  return end(std::move(journal), outcome, std::move(sentence));
}

Journal turn_back(Journal journal, Step step, Failure failure) {
  failure.text = failed_sentence(step, failure.text);
  journal.failure = std::move(failure);
  journal.turned_back = true;
  journal.step.reset();
  journal.tries = 0;
  journal.waits = false;
  journal.sentence = journal.failure->text;
  if (!next_step(journal)) return end_back(std::move(journal), {});  // the device was not touched
  return journal;
}

bool is_worn_out(Journal const& journal) { return journal.tries >= kTriesPerStep; }

}  // namespace

Journal note_restored(Journal journal, Time now) {
  journal = step_done(std::move(journal), Step::restore, now);
  journal.restored = true;
  return journal;
}

Journal note_restore_verified(Journal journal, Time now) {
  journal = step_done(std::move(journal), Step::verify_restored, now);
  journal.restore_verified = true;
  journal.outcome = Outcome::running;
  return journal;
}

Journal note_discarded(Journal journal, std::vector<std::string> removed, Time now) {
  journal = step_done(std::move(journal), Step::discard, now);
  journal.discarded = true;
  journal.removed_ids = std::move(removed);
  return end_back(std::move(journal), {});
}

Journal note_failure(Journal journal, Failure failure, Time now) {
  if (!journal.step) bug("a failure was noted and no step was begun");
  Step const step = *journal.step;
  bool const again_now = failure.retry == Retry::now && !is_worn_out(journal);
  journal.changed = now;
  switch (step) {
    case Step::probe:
    case Step::make_key:
    case Step::place_order:
    case Step::get_certificate:
    case Step::install:
    case Step::snapshot:
      if (failure.retry == Retry::never || failure.retry == Retry::anew || is_worn_out(journal)) {
        return turn_back(std::move(journal), step, std::move(failure));
      }
      break;
    case Step::switch_https:
    case Step::verify_served:
      if (!again_now) return turn_back(std::move(journal), step, std::move(failure));
      break;
    case Step::promote:
      break;  // only the store can fail here; the plan records it again
    case Step::remove_old:
      return note_old_removed(std::move(journal), {}, failure.text, now);
    case Step::discard: {
      if (again_now) break;
      journal = step_done(std::move(journal), Step::discard, now);
      journal.discarded = true;
      return end_back(std::move(journal), failed_sentence(step, failure.text));
    }
    case Step::restore:
    case Step::verify_restored:
      if (again_now) return journal;
      // The device may have been switched and be away, or the settings may have gone back without our learning it.
      // Whatever it is: from the beginning of the way back, in the next run.
      journal.restored = false;
      journal.outcome = Outcome::rollback_failed;
      journal.waits = true;
      journal.login_refused = failure.code == to_string(DeviceErrc::auth_failed);
      journal.sentence = failed_sentence(step, failure.text) + "; look at the device";
      if (journal.failure) journal.sentence += " (first: " + journal.failure->text + ")";
      return journal;
  }
  journal.waits = failure.retry != Retry::now;
  journal.sentence = failed_sentence(step, failure.text);
  if (!journal.turned_back) journal.failure = std::move(failure);
  return journal;
}

}  // namespace lenscap::agent
