// Why a device could not do what was asked, and whether to ask again. Apart from device.h, because the rules and the
// records need these words and not the network.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"

namespace lenscap::agent {

enum class DeviceErrc {
  unreachable,            // no connection, or it broke
  tls_untrusted,          // what answers on TLS is not what the trust demands; nothing secret was sent
  auth_failed,            // the password was refused; it is not tried again in this run
  auth_throttled,         // the device holds back logins for a while
  not_admin,              // the login is good, its role is not
  needs_setup,            // no administrator yet: factory state (or a factory reset happened)
  wrong_device,           // another serial number answers
  clock_wrong,            // the device's clock is too far off
  no_driver,              // its firmware has no interface for certificates that we know
  unsupported,            // the device cannot do what was asked
  keytype_unsupported,    // the device cannot make a key of that type
  key_generation_failed,  // the device tried to make a key and could not
  store_full,             // no room for one more certificate
  id_in_use,              // the id exists already, or the certificate of that id is in use
  key_mismatch,           // device and we disagree on which key a certificate is for
  bad_certificate,        // the device refuses the certificate, or stored something else
  bad_csr,                // the device's CSR is not what was ordered
  bad_answer,             // the answer is no answer: garbage, too big, forbidden XML
  busy_timeout,           // the device answers "not now", or not in time
  switched_but_not_served,
  rolled_back,
  rollback_failed,
  partial_cleanup,
};
std::string_view to_string(DeviceErrc code);  // the enumerator's own spelling

enum class Retry {
  never,  // a person must look first
  later,  // with a later round, from where it stopped
  anew,   // what was begun is given up, and begun anew with a later round
  now,
};
std::string_view to_string(Retry retry);
Retry default_retry(DeviceErrc code);

struct DeviceError {
  DeviceError(DeviceErrc the_code, std::string the_text)
      : code(the_code), retry(default_retry(the_code)), text(std::move(the_text)) {}
  DeviceError(DeviceErrc the_code, Retry the_retry, std::string the_text)
      : code(the_code), retry(the_retry), text(std::move(the_text)) {}

  DeviceErrc code;
  Retry retry;
  std::string text;  // for the list of results: what failed, why, what to do; no secrets, cleaned of control characters

  Error to_error() const;  // for the commands
};

// A value or a DeviceError; works with TRY and CO_TRY inside functions that return a DeviceResult.
template <class T = void>
class [[nodiscard]] DeviceResult {
 public:
  DeviceResult(DeviceError error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error)) {}
  template <class U = T>
  requires std::constructible_from<T, U&&> &&(!std::same_as<std::remove_cvref_t<U>, DeviceResult>)&&(
      !std::same_as<std::remove_cvref_t<U>, DeviceError>)&&std::convertible_to<U&&, T> DeviceResult(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return check(), std::get<0>(state_); }
  T const& value() const& { return check(), std::get<0>(state_); }
  T&& value() && { return check(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  T const& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  T const* operator->() const { return &value(); }

  DeviceError& error() & { return std::get<1>(state_); }
  DeviceError const& error() const& { return std::get<1>(state_); }
  DeviceError&& error() && { return std::get<1>(std::move(state_)); }

 private:
  void check() const {
    if (!ok()) bug(("value() of a device's refusal: " + std::get<1>(state_).text).c_str());
  }
  std::variant<T, DeviceError> state_;
};

template <>
class [[nodiscard]] DeviceResult<void> {
 public:
  DeviceResult() = default;
  DeviceResult(DeviceError error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {
    if (error_) bug(("value() of a device's refusal: " + error_->text).c_str());
  }
  DeviceError& error() & { return *error_; }
  DeviceError const& error() const& { return *error_; }
  DeviceError&& error() && { return *std::move(error_); }

 private:
  std::optional<DeviceError> error_;
};

}  // namespace lenscap::agent
