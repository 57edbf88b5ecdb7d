// First contact with a device: who is there, may it have the password, and the record that the inventory keeps of it.
// Before the password is sent, what the device shows is approved: by the operator now, by a fingerprint given
// beforehand, or because a device of the inventory had the same key before. Stores nothing but in keep_device.
#pragma once

#include <functional>

#include "agent/device.h"
#include "agent/inventory.h"
#include "agent/settings.h"

namespace lenscap::agent {

// What the operator says of a device.
struct Introduction {
  Endpoint endpoint;
  std::string user;
  SecretBytes password;
  std::string name;                  // DNS name for its certificate; empty: by the templates of the settings
  std::vector<Sha256> fingerprints;  // of certificates that it may show; SHA-256 of the DER
  std::vector<Sha256> known_keys;    // SHA-256 of the SubjectPublicKeyInfo: see known_keys() below
  // For a device that has no HTTPS and never had: one that shows a certificate, or is known by a key, is not spoken to
  // without.
  bool accept_plain_http = false;
};

// "Is this your camera?" A person answers; nothing: nobody can be asked.
using AskPerson = std::function<bool(Endpoint const&, FirstLook const&)>;

// Refusals: needs_confirmation with what to do, when nobody approved; those of the device; usage and
// rejected_identifier for names. The password was sent once at most, and only to what was approved.
net::Awaitable<Result<Device>> first_contact(DeviceAccess& devices, Settings const& settings, Sealer const& sealer,
                                             Clock const& clock, Introduction introduction, AskPerson ask);

// The keys by which devices of the inventory at this very address and port are known.
std::vector<Sha256> known_keys(store::ReadTxn& txn, Endpoint const& endpoint);

// Writes the record, or nothing at all. A device that is known already keeps its names unless `named`, and its
// certificate as long as that is what was approved: with another key approved (the device was reset, say), it has none.
// What a person said anew counts, and its failures are forgotten. Errc::conflict when another device has one of the
// names; Errc::needs_confirmation when a device that is known by a key is to be believed without.
Result<Device> keep_device(store::Store& store, Device const& fresh, bool named);

// SHA-256 as people copy it: 64 hex digits, with or without colons, in either case. Errc::usage.
Result<Sha256> parse_fingerprint(std::string_view text);
std::string fingerprint_text(Sha256 const& hash);  // "AB:CD:..."

}  // namespace lenscap::agent
