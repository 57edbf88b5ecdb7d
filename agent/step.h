// The steps by which a device comes to its certificate, or back to what it served before: their names in records, and
// what the operator reads while one is under way and when it failed. It does NOT say in which order they come: plan.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lenscap::agent {

enum class Step {
  // Forward.
  probe,            // who is there, and is it the one we mean?
  make_key,         // key and CSR, inside the device, under an id that the journal knows beforehand
  place_order,      // ACME newOrder: its URL
  get_certificate,  // authorizations, finalize, download: the chain
  install,          // onto the device, and read back; the old certificate still serves
  snapshot,         // the TLS configuration as it is, to put back if need be
  switch_https,     // that configuration with the new id
  verify_served,    // key, chain, names, time, serial: over a new connection
  promote,          // staging becomes live: one transaction, promote()
  remove_old,       // our former certificates; failure here is a note, not a failure
  // Backward.
  restore,          // the snapshot back
  verify_restored,  // the device answers again as it did before
  discard,          // remove the key and certificate that came to nothing
};
std::string_view to_string(Step step);
std::optional<Step> parse_step(std::string_view text);

// Can this step only be done with an open driver? (The others speak to the ACME server or to the store.) After a
// restart the runner opens the device again before the first such step.
bool needs_device(Step step);

std::string_view doing(Step step);                             // "the device makes a key"
std::string failed_sentence(Step step, std::string_view why);  // "the device did not make a key: its store is full"

}  // namespace lenscap::agent
