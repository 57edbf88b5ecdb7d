#include "agent/plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "agent/device.h"

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

bool holds_way_back(Journal const& journal) {
  return journal.switch_begun && !journal.promoted && next_step(journal).has_value();
}

bool wants_certificate(Device const& device) {
  if (device.https == HttpsState::unsupported_firmware) return false;
  return !device.live || device.live->names != device.names || !device.moves_from.empty();
}

Time renew_at(Device const& device, Time now) {
  if (!device.live) bug("asked when to renew the certificate of a device that has none");
  auto const& live = *device.live;
  if (live.names != device.names || !device.moves_from.empty()) return live.promoted;
  return due_at(now, live.validity, live.window, device.serial);
}

Work work_for(Device const& device, Journal const* journal, Time now) {
  if (!may_try(device, now)) return Work::nothing;
  if (journal != nullptr && next_step(*journal)) return Work::go_on;
  if (!device.live) return wants_certificate(device) ? Work::enroll : Work::nothing;
  return now >= renew_at(device, now) ? Work::renew : Work::nothing;
}

std::vector<std::string> ids_to_remove(Device const& device, Journal const& journal) {
  std::vector<std::string> ids = device.leftover_ids;
  if (!journal.promoted) {
    ids = {journal.installed_id, journal.key_id};
    // A device may have held an issuing certificate under an id of its own before.
    std::ranges::copy_if(journal.ca_ids, std::back_inserter(ids), is_our_id);
  }
  std::vector<std::string> wanted;
  for (auto const& id : ids) {
    bool const is_live = device.live && serves_with(*device.live, id);
    if (!id.empty() && !is_live && std::ranges::find(wanted, id) == wanted.end()) wanted.push_back(id);
  }
  return wanted;
}

namespace {

// In words; nothing for a step that stands in the line of another.
std::string describe(Device const& device, Step step) {
  switch (step) {
    case Step::probe:
      return "see that serial number " + device.serial + " answers at " + device.endpoint.address;
    case Step::make_key:
      return "let the device make a new key and a signing request for " + device.names.text();
    case Step::get_certificate:
      return "order a certificate for it from the ACME server";
    case Step::install:
      return "install the certificate; the device still serves the old one";
    case Step::switch_https:
      return "note the HTTPS settings, and switch them to the new certificate";
    case Step::verify_served:
      return "connect anew and check key, names, time, chain and serial number; if anything is wrong, put the settings "
             "back";
    case Step::remove_old:
      return "remove our former certificate from the device";
    case Step::restore:
      return "put the device's former HTTPS settings back, since the switch to the new certificate failed";
    case Step::verify_restored:
      return "see that it serves again what it served before";
    case Step::discard:
      return "remove the unfinished certificate from the device";
    case Step::place_order:
    case Step::snapshot:
    case Step::promote:
      return {};
  }
  bug("Step out of range");
}

constexpr std::array kForward = {Step::probe,   Step::make_key,  Step::place_order,  Step::get_certificate,
                                 Step::install, Step::snapshot,  Step::switch_https, Step::verify_served,
                                 Step::promote, Step::remove_old};
constexpr std::array kBack = {Step::restore, Step::verify_restored, Step::discard};

}  // namespace

std::vector<std::string> describe_plan(Device const& device, Journal const* journal, Purpose purpose) {
  auto const next = journal != nullptr ? next_step(*journal) : std::nullopt;
  bool const back = next && journal->turned_back;
  std::span<Step const> steps = kForward;
  if (back) steps = kBack;
  bool const has_former = purpose == Purpose::renew || device.live || !device.leftover_ids.empty();
  std::vector<std::string> lines;
  auto const first = next ? std::ranges::find(steps, *next) : steps.begin();
  for (auto step = first; step != steps.end(); ++step) {
    auto line = describe(device, *step);
    if (line.empty() || (*step == Step::remove_old && !has_former)) continue;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace lenscap::agent
