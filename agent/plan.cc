#include "agent/plan.h"

#include <algorithm>

namespace lenscap::agent {
namespace {

std::optional<Step> next_forward(Journal const& j) {
  if (!j.probed) return Step::probe;
  if (j.csr.empty()) return Step::make_key;
  if (j.chain_pem.empty()) return j.order_url.empty() ? Step::place_order : Step::get_certificate;
  if (j.installed_id.empty()) return Step::install;
  if (j.snapshot.empty()) return Step::snapshot;
  if (!j.switched) return Step::switch_https;
  if (!j.verified) return Step::verify_served;
  if (!j.promoted) return Step::promote;
  if (!j.cleaned) return Step::remove_old;
  return std::nullopt;
}

// First the device serves again what it served, then what we made is removed: never the other way round.
std::optional<Step> next_back(Journal const& j) {
  if (j.switch_begun && !j.restored) return Step::restore;
  if (j.switch_begun && !j.restore_verified) return Step::verify_restored;
  if (j.key_begun && !j.discarded) return Step::discard;
  return std::nullopt;
}

}  // namespace

std::optional<Step> next_step(Journal const& journal) {
  switch (journal.outcome) {
    case Outcome::done:
    case Outcome::failed:
    case Outcome::rolled_back:
      return std::nullopt;
    case Outcome::running:
    case Outcome::rollback_failed:
      break;
  }
  return journal.turned_back ? next_back(journal) : next_forward(journal);
}

std::vector<Sha256> pins(Device const& device, Journal const* journal) {
  std::vector<Sha256> pins;
  auto const add = [&](Sha256 const& key) {
    if (std::ranges::find(pins, key) == pins.end()) pins.push_back(key);
  };
  if (device.pin) add(*device.pin);
  if (journal != nullptr && journal->switch_begun && !journal->csr.empty() && next_step(*journal)) {
    add(journal->key_pin);
    if (journal->turned_back) std::ranges::for_each(journal->held_keys, add);
  }
  return pins;
}

bool may_use_plain_http(Device const& device) { return device.accept_plain_http && !device.pin; }

bool wants_certificate(Device const& device) {
  if (device.https == HttpsState::unsupported_firmware) return false;
  return !device.live || device.live->names != device.names;
}

Time renew_at(Device const& device, Time now) {
  if (!device.live) bug("asked when to renew the certificate of a device that has none");
  auto const& live = *device.live;
  if (live.names != device.names) return live.promoted;
  return due_at(now, live.validity, live.window, device.serial);
}

Work work_for(Device const& device, Journal const* journal, Time now) {
  if (!may_try(device, now)) return Work::nothing;
  if (journal != nullptr && next_step(*journal)) return Work::go_on;
  if (!device.live) return wants_certificate(device) ? Work::enroll : Work::nothing;
  return now >= renew_at(device, now) ? Work::renew : Work::nothing;
}

std::vector<std::string> ids_to_remove(Device const& device, Journal const& journal) {
  std::vector<std::string> ids =
      journal.promoted ? device.leftover_ids : std::vector<std::string>{journal.installed_id, journal.key_id};
  std::vector<std::string> wanted;
  for (auto const& id : ids) {
    bool is_live = device.live && device.live->id == id;
    if (!id.empty() && !is_live && std::ranges::find(wanted, id) == wanted.end()) wanted.push_back(id);
  }
  return wanted;
}

std::vector<std::string> describe_plan(Device const& device, Purpose purpose) {
  std::vector<std::string> lines{
      "see that serial number " + device.serial + " answers at " + device.endpoint.address,
      "let the device make a new key and a signing request for " + device.names.text(),
      "order a certificate for it from the ACME server",
      "install the certificate; the device still serves the old one",
      "note the HTTPS settings, and switch them to the new certificate",
      "connect anew and check key, names, time, chain and serial number; if anything is wrong, put the settings back",
  };
  if (purpose == Purpose::renew || device.live || !device.leftover_ids.empty()) {
    lines.push_back("remove our former certificate from the device");
  }
  return lines;
}

}  // namespace lenscap::agent
