#include "agent/first_contact.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/names.h"

namespace lenscap::agent {
namespace {

// What was approved: the key that the device shows, or plain HTTP.
struct Approved {
  std::optional<Sha256> pin;
  bool plain_http = false;
};

Error key_is_missing() {
  return {Errc::needs_confirmation,
          "it is known by its key, but shows none now: TLS does not answer. Try again when it does. If the camera was "
          "reset and has no HTTPS any more, forget it first: lenscap-agent remove"};
}

Result<Approved> approve(Introduction const& introduction, FirstLook const& look, AskPerson const& ask) {
  if (look.peer.empty()) {
    // Silence on TLS is easily made by somebody in between.
    if (!introduction.known_keys.empty()) return key_is_missing();
    if (!introduction.fingerprints.empty() && !introduction.accept_plain_http) {
      return Error(Errc::needs_confirmation,
                   "it shows no certificate, so none that was accepted with --accept-fingerprint; nothing was sent to "
                   "it. If HTTPS is to answer there, try again when it does");
    }
    if (introduction.accept_plain_http) return Approved{std::nullopt, true};
    return Error(Errc::needs_confirmation,
                 fmt::format("it answers on plain HTTP only, not on TLS at port {}; there somebody in between can "
                             "pretend to be the camera, and keep TLS silent. If the camera has HTTPS at another port, "
                             "give ADDRESS:PORT. If it has none, and you trust the network between here and there, add "
                             "--accept-plain-http: the password is then sent as Digest only, until the camera has its "
                             "certificate",
                             introduction.endpoint.https_port));
  }
  x509::Certificate const& leaf = look.peer.front();
  Approved const as_shown{leaf.key().spki_hash(), false};
  if (std::ranges::find(introduction.fingerprints, leaf.fingerprint()) != introduction.fingerprints.end())
    return as_shown;
  if (std::ranges::find(introduction.known_keys, *as_shown.pin) != introduction.known_keys.end()) return as_shown;
  if (!introduction.fingerprints.empty()) {
    return Error(Errc::needs_confirmation,
                 fmt::format("its certificate, SHA-256 {}, is none of those accepted with --accept-fingerprint; "
                             "nothing was sent to it",
                             to_hex(leaf.fingerprint())));
  }
  if (!ask) {
    return Error(Errc::needs_confirmation,
                 fmt::format("nobody has approved its certificate yet, SHA-256 {} ({}). Compare with what the camera's "
                             "own page shows, then add --accept-fingerprint {}",
                             fingerprint_text(leaf.fingerprint()), leaf.subject(), to_hex(leaf.fingerprint())));
  }
  if (ask(introduction.endpoint, look)) return as_shown;
  return Error(Errc::needs_confirmation, "it was not approved; nothing was sent to it");
}

}  // namespace

net::Awaitable<Result<Device>> first_contact(DeviceAccess& devices, Settings const& settings, Sealer const& sealer,
                                             Clock const& clock, Introduction introduction, AskPerson ask) {
  Endpoint const endpoint = introduction.endpoint;
  auto looked = co_await devices.look(endpoint);
  if (!looked.ok()) co_return looked.error().to_error();
  CO_TRY(auto const approved, approve(introduction, *looked, ask));

  Login login{.user = introduction.user, .password = introduction.password.clone(), .refused = false};
  Trust trust;
  if (approved.pin) trust.pins = {*approved.pin};
  trust.plain_http = approved.plain_http;
  auto identified = co_await devices.identify(endpoint, login, trust);
  if (!identified.ok()) co_return identified.error().to_error();
  Identity const& identity = *identified;
  // Only a device that some driver serves can have a certificate; the others are kept, and shown as what they are.
  auto driver = co_await devices.open(endpoint, login, trust, identity.serial);
  bool const supported = driver.ok();
  HttpsState state = HttpsState::unsupported_firmware;
  if (supported) {
    auto const config = co_await (*driver)->get_https();
    if (!config.ok()) co_return config.error().to_error();
    state = https_state(*config);
  } else if (driver.error().code != DeviceErrc::no_driver && driver.error().code != DeviceErrc::unsupported) {
    co_return driver.error().to_error();
  }

  NameFacts const facts{
      .address = endpoint.address, .hostname = identity.hostname, .serial = identity.serial, .model = identity.model};
  CO_TRY(auto names, names_for(settings.names, facts, introduction.name));

  Device device;
  device.serial = identity.serial;
  device.endpoint = endpoint;
  device.server = settings.site;
  device.vendor = identity.vendor;
  device.model = identity.model;
  device.firmware = identity.firmware;
  device.hostname = identity.hostname;
  device.driver = supported ? (*driver)->capabilities().driver : std::string();
  device.https = state;
  device.added = clock.now();
  device.seen = device.added;
  device.clock_offset = identity.clock_offset;
  device.user = introduction.user;
  device.sealed_password = seal_password(sealer, introduction.password, identity.serial);
  device.pin = approved.pin;
  device.accept_plain_http = approved.plain_http;
  device.names = std::move(names.names);
  device.common_name = std::move(names.common_name);
  co_return device;
}

std::vector<Sha256> known_keys(store::ReadTxn& txn, Endpoint const& endpoint) {
  std::vector<Sha256> keys;
  for (Device const& device : all_devices(txn)) {
    bool const there = device.endpoint.address == endpoint.address && device.endpoint.https_port == endpoint.https_port;
    if (there && device.pin) keys.push_back(*device.pin);
  }
  return keys;
}

namespace {

// The names of before, but for the address: that is the one at which it answers now.
void keep_names(Device& fresh, Device const& known) {
  if (fresh.endpoint.address == known.endpoint.address) {
    fresh.names = known.names;
    fresh.common_name = known.common_name;
    return;
  }
  auto const former_address = x509::DnsName::parse(known.endpoint.address);
  for (auto const& name : known.names.dns) {
    if (!former_address.ok() || name != *former_address) fresh.names.dns.insert(name);
  }
  if (known.common_name != known.endpoint.address) fresh.common_name = known.common_name;
}

Result<Device> merged(Device fresh, std::optional<Device> const& known, bool named) {
  if (!known) return fresh;
  if (known->pin && !fresh.pin) return key_is_missing();
  fresh.added = known->added;
  fresh.leftover_ids = known->leftover_ids;
  if (known->live && known->live->key_pin == fresh.pin) {
    fresh.live = known->live;
    fresh.moves_from = known->moves_from;
  } else if (known->live) {
    // It serves something else, and a person says that this is right: ours proves nothing any more.
    fresh.leftover_ids.push_back(known->live->id);
    for (auto const& id : known->live->ca_ids)
      if (is_our_id(id)) fresh.leftover_ids.push_back(id);
  }
  if (!named) keep_names(fresh, *known);
  return fresh;
}

}  // namespace

Result<Device> keep_device(store::Store& store, Device const& fresh, bool named) {
  Result<Device> kept = fresh;
  store.write([&](store::WriteTxn& txn) {
    kept = merged(fresh, load_device(txn, fresh.serial), named);
    if (!kept.ok()) return false;
    if (auto const free = check_names_free(txn, *kept); !free.ok()) {
      kept = free.error();
      return false;
    }
    save_device(txn, *kept);
    return true;
  });
  return kept;
}

Result<Sha256> parse_fingerprint(std::string_view text) {
  auto const octets = from_hex(text);
  Sha256 hash{};
  if (!octets.ok() || octets->size() != hash.size()) {
    return Error(Errc::usage, fmt::format("'{}' is no SHA-256 fingerprint: it has 64 hexadecimal digits, with or "
                                          "without colons between them",
                                          text));
  }
  std::ranges::copy(*octets, hash.begin());
  return hash;
}

std::string fingerprint_text(Sha256 const& hash) {
  std::string text;
  for (std::size_t i = 0; i < hash.size(); ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", hash[i]);
  return text;
}

}  // namespace lenscap::agent
