// What was begun and done for one certificate of one device: enough to go on after `kill -9` at any moment, and one
// sentence for the operator at each step. Staging is here; promote() makes it live (outcome.h), and journal_record.h
// keeps it.
//
// The runner's loop, in which every step is written down before it is begun and after it is done:
//   journal = resume(journal, now);
//   while (!journal.waits) {
//     auto step = next_step(journal);                      // plan.h
//     if (!step) break;
//     journal = begin_step(journal, *step, now);  save     // before
//     ... do it ...
//     journal = note_...(journal, what came of it);  save  // after; or note_failure
//   }
//   device = with_outcome(device, journal, now);  save
// Step::promote is done and noted by promote(), which saves both. A journal is kept after its end, as the device's
// history of one, until the next one begins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/inventory.h"
#include "agent/step.h"

namespace lenscap::agent {

enum class Purpose { enroll, renew };
std::string_view to_string(Purpose purpose);
std::optional<Purpose> parse_purpose(std::string_view text);

enum class Outcome {
  running,          // also: interrupted, to be gone on with
  done,             // the new certificate is live and proven
  failed,           // nothing changed on the device
  rolled_back,      // the device serves again what it served before
  rollback_failed,  // a person should look; the plan tries to restore again whenever it is asked
};
std::string_view to_string(Outcome outcome);
std::optional<Outcome> parse_outcome(std::string_view text);

struct Journal {
  std::string id;  // new_id(): the certificate's story, named in log lines
  std::string serial;
  Purpose purpose = Purpose::enroll;
  std::string task;  // the task (report.h) that began it
  Time begun;
  Time changed;

  // What is wanted.
  x509::NameSet names;
  std::string common_name;
  std::string key_type;  // empty: the device's best
  std::string profile;   // empty: the account's default
  std::string replaces;  // ARI certificate id of the predecessor; may be empty

  // What is known: staging. A field that is empty was not done yet.
  bool probed = false;
  std::string key_id;  // set before the device is touched
  Bytes csr;           // DER; also says that the key was made
  Sha256 key_pin{};    // of the CSR's key; means something only with a CSR
  std::string order_url;
  int orders = 0;         // placed in a row, without a pause: an order may expire while we are away
  std::string chain_pem;  // leaf first
  Validity validity;      // of the leaf
  std::string installed_id;
  std::vector<std::string> ca_ids;
  std::string snapshot;     // HttpsConfig::to_text()
  std::string previous_id;  // certificate id in the snapshot; may be empty
  // Keys of all certificates that the device held at the snapshot, when that was read over TLS: a switch that goes
  // wrong can leave any of them served.
  std::vector<Sha256> held_keys;
  bool switched = false;
  bool verified = false;
  bool chain_incomplete = false;
  bool promoted = false;
  bool cleaned = false;  // old ones removed, or noted as left over
  bool restored = false;
  bool restore_verified = false;
  bool discarded = false;
  std::vector<std::string> removed_ids;  // of ours, from the device

  // Where we are.
  std::optional<Step> step;        // begun and not known to be done
  int tries = 0;                   // of that step, the present one included
  bool key_begun = false;          // from here on there may be something to discard
  bool switch_begun = false;       // from here on a failure means restore
  bool waits = false;              // nothing more in this run: see note_failure
  bool login_refused = false;      // on the way back; the password is not sent again until a person looked
  std::optional<Failure> failure;  // the one that turned us back; while going forward: the last one
  bool turned_back = false;
  Outcome outcome = Outcome::running;
  std::string sentence;  // for the operator: what is or was being done, or why it ended

  bool operator==(Journal const&) const = default;
};

// A new story for the device; `key_id` from new_certificate_id(). The previous journal of the device must have ended.
Journal begin_journal(Device const& device, Purpose purpose, std::string key_id, std::string task, Time now);

// At the beginning of each run: what waited for the next run waits no longer, and has as many orders before it as ever.
Journal resume(Journal journal);

// Before a step. The same step again counts as another try.
Journal begin_step(Journal journal, Step step, Time now);

// After a step: what came of it. Each is for the step of the same name.
Journal note_probed(Journal journal, Time now);
Journal note_key(Journal journal, std::string key_id, Bytes csr, Sha256 key_pin, Time now);
Journal note_order(Journal journal, std::string url, Time now);
// In place of note_certificate: the order is gone, and `why`. Another one is placed for the same key, at once, at most
// three in a row; after that it is a failure. Not for an order whose proof failed just now: that waits (note_failure),
// and the next run places another one.
Journal note_order_lost(Journal journal, std::string const& why, Time now);
Journal note_certificate(Journal journal, std::string chain_pem, Validity validity, Time now);
Journal note_installed(Journal journal, std::string id, std::vector<std::string> ca_ids, Time now);
Journal note_snapshot(Journal journal, std::string config, std::string certificate_id, std::vector<Sha256> held_keys,
                      Time now);
Journal note_switched(Journal journal, Time now);  // also when the answer was lost: only what is served tells
Journal note_verified(Journal journal, bool chain_incomplete, Time now);
// `removed` are those of ids_to_remove() (plan.h) that are gone; `note` says why others are not, empty when all are.
Journal note_old_removed(Journal journal, std::vector<std::string> removed, std::string const& note, Time now);
Journal note_restored(Journal journal, Time now);
Journal note_restore_verified(Journal journal, Time now);
Journal note_discarded(Journal journal, std::vector<std::string> removed, Time now);

constexpr int kTriesPerStep = 3;
constexpr int kOrdersPerKey = 3;

// The step that was begun failed.
//   Before the switch   `now`: again at once; `later`: the journal waits for the next run; `never`, `anew`, or after
//                       three tries: back, to discard what was made.
//   From the switch on  `now`: again at once, three times in all; anything else: back, to restore and then discard.
//   Turned back         a failed discard leaves something over and ends the story; a failed restore is rollback_failed
//                       and waits: each further run tries it again.
//   remove_old          leaves something over; the outcome is still `done`.
Journal note_failure(Journal journal, Failure failure, Time now);

}  // namespace lenscap::agent
