// One request on its way through a device: what came, who asks, what goes into the journal; and what a handler decides.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "tests/camsim/device.h"

namespace lenscap::camsim {

struct SoapCall;

struct Exchange {
  std::shared_ptr<Device> device;
  Request request;
  JournalEntry entry;              // entry.operation names the operation for faults
  std::shared_ptr<SoapCall> soap;  // when the body is an envelope for /vapix/services
  std::string user;
  Role role = Role::none;
};

// The request holds what its operation does not know.
inline void note_unknown_element(Exchange& x) {
  if (!x.entry.unknown_element) x.device->journal.raise(&JournalFlags::unknown_element);
  x.entry.unknown_element = true;
}

// Does a fault inside the operation strike?
inline bool strikes(Exchange& x, std::string_view fault) {
  if (!x.device->faults.strike(fault, x.entry.operation, x.device->world().random)) return false;
  x.entry.fault = fault;
  return true;
}

// A handler's decision: an answer; or work to go on with once there is a new key, or once some time has passed.
struct Outcome {
  Outcome(Response answer) : response(std::move(answer)) {}  // NOLINT(google-explicit-constructor)
  static Outcome with_key(std::string key_type, std::function<Outcome(KeyRef)> then) {
    Outcome outcome{Response()};
    outcome.key_type = std::move(key_type);
    outcome.when_made = std::move(then);
    return outcome;
  }
  static Outcome later(std::chrono::milliseconds delay, std::function<Outcome()> then) {
    Outcome outcome{Response()};
    outcome.delay = delay;
    outcome.when_due = std::move(then);
    return outcome;
  }

  Response response;
  std::string key_type;
  std::function<Outcome(KeyRef)> when_made;
  std::chrono::milliseconds delay{0};
  std::function<Outcome()> when_due;
};

using Operation = Outcome (*)(Exchange&);

inline Response html(int status, std::string body) {
  return {.status = status, .content_type = "text/html; charset=ISO-8859-1", .body = std::move(body)};
}
inline Response plain_text(std::string body) { return {.content_type = "text/plain", .body = std::move(body)}; }
Response not_found_page(std::string_view path);

}  // namespace lenscap::camsim
