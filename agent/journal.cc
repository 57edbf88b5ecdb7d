#include "agent/journal.h"

#include <algorithm>
#include <array>

#include "agent/device.h"
#include "agent/plan.h"
#include "agent/records.h"
#include "base/random.h"

namespace lenscap::agent {
namespace {

struct StepRow {
  Step step;
  std::string_view name;
  bool needs_device;
  std::string_view doing;   // the operator's sentence while it is under way
  std::string_view failed;  // and the beginning of the one when it failed
};

constexpr std::array kSteps = {
    StepRow{Step::probe, "probe", true, "asking the device who it is", "could not talk to the device"},
    StepRow{Step::make_key, "make_key", true, "the device makes a key", "the device did not make a key"},
    StepRow{Step::place_order, "place_order", false, "ordering a certificate", "the certificate could not be ordered"},
    StepRow{Step::get_certificate, "get_certificate", false, "waiting for the certificate",
            "no certificate was issued"},
    StepRow{Step::install, "install", true, "installing the certificate", "the certificate could not be installed"},
    StepRow{Step::snapshot, "snapshot", true, "noting the HTTPS settings", "the HTTPS settings could not be read"},
    StepRow{Step::switch_https, "switch_https", true, "switching HTTPS to the new certificate",
            "HTTPS could not be switched to the new certificate"},
    StepRow{Step::verify_served, "verify_served", true, "checking what the device serves",
            "the device does not serve the new certificate as it should"},
    StepRow{Step::promote, "promote", false, "recording the new certificate", "the new certificate was not recorded"},
    StepRow{Step::remove_old, "remove_old", true, "removing our former certificate",
            "our former certificate is still on the device"},
    StepRow{Step::restore, "restore", true, "putting the HTTPS settings back",
            "the HTTPS settings could not be put back"},
    StepRow{Step::verify_restored, "verify_restored", true, "checking that the device serves as before",
            "the device does not serve as before"},
    StepRow{Step::discard, "discard", true, "removing the unfinished certificate",
            "the unfinished certificate is still on the device"},
};

StepRow const& row(Step step) {
  for (auto const& candidate : kSteps) {
    if (candidate.step == step) return candidate;
  }
  bug("Step out of range");
}

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
Result<Enum> parse_spelling(std::array<Spelling<Enum>, N> const& table, std::string_view text) {
  for (auto const& candidate : table) {
    if (candidate.text == text) return candidate.value;
  }
  return Error(Errc::malformed, "unknown word \"" + std::string(text) + "\"");
}

}  // namespace

std::string_view to_string(Step step) { return row(step).name; }
bool needs_device(Step step) { return row(step).needs_device; }
std::string_view to_string(Purpose purpose) { return spell(kPurposes, purpose); }
std::string_view to_string(Outcome outcome) { return spell(kOutcomes, outcome); }

std::optional<Step> parse_step(std::string_view text) {
  for (auto const& candidate : kSteps) {
    if (candidate.name == text) return candidate.step;
  }
  return std::nullopt;
}

// --- forward
// -----------------------------------------------------------------------------------------------------------

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
  journal.sentence = row(step).doing;
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

// "the device did not make a key: the store of keys is full"
std::string failed_sentence(Step step, std::string_view why) {
  std::string text(row(step).failed);
  if (!why.empty()) text.append(": ").append(why);
  return text;
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

// --- backward
// ----------------------------------------------------------------------------------------------------------

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

// --- the device's record
// -----------------------------------------------------------------------------------------------

namespace {

void add_leftover(Device& device, std::string const& id) {
  if (!is_our_id(id) || (device.live && serves_with(*device.live, id))) return;
  if (std::ranges::find(device.leftover_ids, id) == device.leftover_ids.end()) device.leftover_ids.push_back(id);
}

}  // namespace

Promoted promote(Journal journal, Device device, Time now) {
  if (!journal.verified) bug("a certificate was to be promoted that was not verified");
  if (journal.serial != device.serial) bug("a journal was to be promoted for another device");
  if (journal.promoted) return {std::move(journal), std::move(device)};
  std::vector<std::string> former{journal.previous_id, journal.key_id};
  if (device.live) {
    former.insert(former.begin(), device.live->id);
    former.insert(former.end(), device.live->ca_ids.begin(), device.live->ca_ids.end());
  }
  device.live = LiveCertificate{.id = journal.installed_id,
                                .chain_pem = journal.chain_pem,
                                .names = journal.names,
                                .key_pin = journal.key_pin,
                                .validity = journal.validity,
                                .promoted = now,
                                .ca_ids = journal.ca_ids,
                                .chain_incomplete = journal.chain_incomplete,
                                .window = std::nullopt};
  device.moves_from.clear();
  device.pin = journal.key_pin;
  device.accept_plain_http = false;
  device.https = HttpsState::enabled;
  std::erase_if(device.leftover_ids, [&](auto const& id) { return serves_with(*device.live, id); });
  for (auto const& id : former) add_leftover(device, id);
  device = with_success(std::move(device), now);

  if (journal.step == Step::promote) journal.step.reset();
  journal.tries = 0;
  journal.promoted = true;
  journal.failure.reset();
  journal.changed = now;
  journal.sentence = "the new certificate is served and proven";
  return {std::move(journal), std::move(device)};
}

Promoted promote(store::WriteTxn& txn, std::string_view serial, Time now) {
  auto journal = load_journal(txn, serial);
  auto device = load_device(txn, serial);
  if (!journal || !device) bug("a certificate was to be promoted without a journal or a device");
  auto promoted = promote(*std::move(journal), *std::move(device), now);
  save_journal(txn, promoted.journal);
  save_device(txn, promoted.device);
  return promoted;
}

Device with_outcome(Device device, Journal const& journal, Time now) {
  for (auto const& id : journal.removed_ids) std::erase(device.leftover_ids, id);
  switch (journal.outcome) {
    case Outcome::done:
      return with_success(std::move(device), now);
    case Outcome::failed:
    case Outcome::rolled_back: {
      // Without `key_begun` nothing of this journal is on the device.
      std::vector<std::string> made{journal.key_id, journal.installed_id};
      made.insert(made.end(), journal.ca_ids.begin(), journal.ca_ids.end());
      for (auto const& id : made) {
        bool removed = std::ranges::find(journal.removed_ids, id) != journal.removed_ids.end();
        if (journal.key_begun && !removed) add_leftover(device, id);
      }
      auto failure = journal.failure.value_or(Failure{"failed", Retry::later, journal.sentence});
      failure.text = journal.sentence;
      // Counted where the story of the certificate ends: until then it is looked at more than once.
      if (failure.code == kWrongCertificate) {
        device.wrong_certificates = std::min(device.wrong_certificates + 1, kWrongCertificatesMax);
        if (device.wrong_certificates == kWrongCertificatesMax) {
          failure.retry = Retry::never;
          failure.text +=
              "; three certificates in a row were not what was ordered, so no more are ordered by themselves";
        }
      }
      return with_failure(std::move(device), std::move(failure), now);
    }
    case Outcome::rollback_failed: {
      auto const retry = journal.login_refused ? Retry::never : Retry::later;
      return with_failure(std::move(device), {"rollback_failed", retry, journal.sentence}, now);
    }
    case Outcome::running:
      if (!journal.waits || !journal.failure) return device;  // interrupted: nothing was learned
      return with_failure(std::move(device), {journal.failure->code, Retry::later, journal.sentence}, now);
  }
  bug("Outcome out of range");
}

// --- records
// -----------------------------------------------------------------------------------------------------------

json::Object to_json(Journal const& j) {
  json::Object object{{"v", 1},
                      {"id", j.id},
                      {"serial", j.serial},
                      {"purpose", to_string(j.purpose)},
                      {"begun", to_rfc3339(j.begun)},
                      {"changed", to_rfc3339(j.changed)},
                      {"names", records::names_to_json(j.names)}};
  records::set_text(object, "task", j.task);
  records::set_text(object, "common_name", j.common_name);
  records::set_text(object, "key_type", j.key_type);
  records::set_text(object, "profile", j.profile);
  records::set_text(object, "replaces", j.replaces);
  records::set_flag(object, "probed", j.probed);
  records::set_text(object, "key_id", j.key_id);
  if (!j.csr.empty()) {
    object.set("csr", to_base64url(j.csr));
    object.set("key_pin", to_hex(j.key_pin));
  }
  records::set_text(object, "order_url", j.order_url);
  if (j.orders != 0) object.set("orders", j.orders);
  if (!j.chain_pem.empty()) {
    object.set("chain", j.chain_pem);
    object.set("validity", records::validity_to_json(j.validity));
  }
  records::set_text(object, "installed_id", j.installed_id);
  records::set_texts(object, "ca_ids", j.ca_ids);
  records::set_text(object, "snapshot", j.snapshot);
  records::set_text(object, "previous_id", j.previous_id);
  std::vector<std::string> held_keys;
  for (Sha256 const& key : j.held_keys) held_keys.push_back(to_hex(key));
  records::set_texts(object, "held_keys", held_keys);
  records::set_flag(object, "switched", j.switched);
  records::set_flag(object, "verified", j.verified);
  records::set_flag(object, "chain_incomplete", j.chain_incomplete);
  records::set_flag(object, "promoted", j.promoted);
  records::set_flag(object, "cleaned", j.cleaned);
  records::set_flag(object, "restored", j.restored);
  records::set_flag(object, "restore_verified", j.restore_verified);
  records::set_flag(object, "discarded", j.discarded);
  records::set_texts(object, "removed_ids", j.removed_ids);
  if (j.step) object.set("step", to_string(*j.step));
  if (j.tries != 0) object.set("tries", j.tries);
  records::set_flag(object, "key_begun", j.key_begun);
  records::set_flag(object, "switch_begun", j.switch_begun);
  records::set_flag(object, "waits", j.waits);
  records::set_flag(object, "login_refused", j.login_refused);
  if (j.failure) object.set("failure", to_json(*j.failure));
  records::set_flag(object, "turned_back", j.turned_back);
  object.set("outcome", to_string(j.outcome));
  records::set_text(object, "sentence", j.sentence);
  return object;
}

Result<Journal> parse_journal(std::string_view text) {
  TRY(auto object, json::parse_object(text, {.bytes = store::kValueBytesMax}));
  Journal j;
  TRY(j.id, json::need_string(object, "id"));
  TRY(j.serial, json::need_string(object, "serial"));
  TRY(auto purpose, json::need_string(object, "purpose"));
  TRY(j.purpose, parse_spelling(kPurposes, purpose));
  TRY(j.begun, records::need_time(object, "begun"));
  TRY(j.changed, records::need_time(object, "changed"));
  TRY(auto names, json::need_object(object, "names"));
  TRY(j.names, records::parse_names(names));
  TRY(j.task, records::text(object, "task"));
  TRY(j.common_name, records::text(object, "common_name"));
  TRY(j.key_type, records::text(object, "key_type"));
  TRY(j.profile, records::text(object, "profile"));
  TRY(j.replaces, records::text(object, "replaces"));
  TRY(j.probed, records::flag(object, "probed"));
  TRY(j.key_id, records::text(object, "key_id"));
  TRY(auto csr, json::get_string(object, "csr"));
  if (csr) {
    TRY(j.csr, from_base64url(*csr));
    TRY(auto pin, json::need_string(object, "key_pin"));
    TRY(j.key_pin, records::parse_sha256(pin));
  }
  TRY(j.order_url, records::text(object, "order_url"));
  TRY(j.orders, records::number(object, "orders", 0, kOrdersPerKey, 0));
  TRY(j.chain_pem, records::text(object, "chain"));
  if (!j.chain_pem.empty()) {
    TRY(auto validity, json::need_object(object, "validity"));
    TRY(j.validity, records::parse_validity(validity));
  }
  TRY(j.installed_id, records::text(object, "installed_id"));
  TRY(j.ca_ids, records::texts(object, "ca_ids"));
  TRY(j.snapshot, records::text(object, "snapshot"));
  TRY(j.previous_id, records::text(object, "previous_id"));
  TRY(auto const held_keys, records::texts(object, "held_keys"));
  for (auto const& key : held_keys) {
    TRY(auto const pin, records::parse_sha256(key));
    j.held_keys.push_back(pin);
  }
  TRY(j.switched, records::flag(object, "switched"));
  TRY(j.verified, records::flag(object, "verified"));
  TRY(j.chain_incomplete, records::flag(object, "chain_incomplete"));
  TRY(j.promoted, records::flag(object, "promoted"));
  TRY(j.cleaned, records::flag(object, "cleaned"));
  TRY(j.restored, records::flag(object, "restored"));
  TRY(j.restore_verified, records::flag(object, "restore_verified"));
  TRY(j.discarded, records::flag(object, "discarded"));
  TRY(j.removed_ids, records::texts(object, "removed_ids"));
  TRY(auto step, json::get_string(object, "step"));
  if (step) {
    j.step = parse_step(*step);
    if (!j.step) return Error(Errc::malformed, "unknown step \"" + *step + "\"");
  }
  TRY(j.tries, records::number(object, "tries", 0, kTriesPerStep + 1, 0));
  TRY(j.key_begun, records::flag(object, "key_begun"));
  TRY(j.switch_begun, records::flag(object, "switch_begun"));
  TRY(j.waits, records::flag(object, "waits"));
  TRY(j.login_refused, records::flag(object, "login_refused"));
  TRY(auto failure, json::get_object(object, "failure"));
  if (failure) {
    TRY(j.failure, parse_failure(*failure));
  }
  TRY(j.turned_back, records::flag(object, "turned_back"));
  TRY(auto outcome, json::need_string(object, "outcome"));
  TRY(j.outcome, parse_spelling(kOutcomes, outcome));
  TRY(j.sentence, records::text(object, "sentence"));
  return j;
}

std::optional<Journal> load_journal(store::ReadTxn& txn, std::string_view serial) {
  if (serial.empty()) return std::nullopt;
  auto text = txn.get(kJournals, serial);
  if (!text) return std::nullopt;
  auto journal = parse_journal(*text);
  if (!journal.ok()) records::broken(kJournals.name, serial, journal.error());
  return std::move(journal).value();
}

void save_journal(store::WriteTxn& txn, Journal const& journal) {
  txn.put(kJournals, journal.serial, json::write(to_json(journal)));
}

}  // namespace lenscap::agent
