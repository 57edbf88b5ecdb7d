#include "agent/outcome.h"

#include <algorithm>

#include "agent/device.h"
#include "agent/journal_record.h"

namespace lenscap::agent {
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

}  // namespace lenscap::agent
