// What to do next for a device, from what is written down and nothing else: the first enrolment, a renewal, going on
// after a crash, rolling back and cleaning up are one rule. Pure. It does NOT look at the device or the clock: steps
// are repeatable, so a step of which nobody knows whether it was done is done again.
#pragma once

#include <vector>

#include "agent/journal.h"

namespace lenscap::agent {

// Nothing: the story is over. Does not heed journal.waits: what a waiting journal goes on with, it says as well.
std::optional<Step> next_step(Journal const& journal);

// The keys by which the device may be recognised while this journal runs: the approved one; once the switch was begun
// the new one as well, since nobody knows which is served; and on the way back each that was in the device before.
std::vector<Sha256> pins(Device const& device, Journal const* journal);
// Plain HTTP counts only as long as no key was ever approved.
bool may_use_plain_http(Device const& device);

// Does this journal alone know the settings that the device may have to go back to?
bool holds_way_back(Journal const& journal);

// Does it lack a certificate of the CA that we belong to, with its names, and is there a driver that could give it one?
bool wants_certificate(Device const& device);

// The moment from which on the live certificate is due: by its age (renewal.h), or since ever when it does not carry
// the names that it should or is of a CA that we left. A bug without one.
Time renew_at(Device const& device, Time now);

// What a round of the agent has to do with a device.
enum class Work {
  nothing,
  go_on,   // an interrupted journal
  enroll,  // no certificate of ours yet, and the firmware can hold one
  renew,   // the live certificate is due, by age, by its names or by its CA
};
Work work_for(Device const& device, Journal const* journal, Time now);

// Ids of ours to remove from the device: in remove_old those that are left over, in discard those of this journal, with
// the issuing certificates that were added. Never the live one nor what stands beside it.
std::vector<std::string> ids_to_remove(Device const& device, Journal const& journal);

// What comes next, in words, for --dry-run: the rest of a journal that is not over, or else a new certificate.
std::vector<std::string> describe_plan(Device const& device, Journal const* journal, Purpose purpose);

}  // namespace lenscap::agent
