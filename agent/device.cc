#include "agent/device.h"

#include <algorithm>
#include <array>

#include "base/random.h"

namespace lenscap::agent {

namespace {

struct DeviceErrcRow {
  DeviceErrc code;
  std::string_view name;
  Retry retry;
  Errc errc;
};

// In the order of the enumeration. `never` waits for a person: trying again would do harm, or tell nothing new.
constexpr std::array kDeviceErrcs = {
    DeviceErrcRow{DeviceErrc::unreachable, "unreachable", Retry::later, Errc::unreachable},
    DeviceErrcRow{DeviceErrc::tls_untrusted, "tls_untrusted", Retry::never, Errc::tls},
    DeviceErrcRow{DeviceErrc::auth_failed, "auth_failed", Retry::never, Errc::unauthorized},
    DeviceErrcRow{DeviceErrc::auth_throttled, "auth_throttled", Retry::later, Errc::rate_limited},
    DeviceErrcRow{DeviceErrc::not_admin, "not_admin", Retry::never, Errc::unauthorized},
    DeviceErrcRow{DeviceErrc::needs_setup, "needs_setup", Retry::never, Errc::needs_confirmation},
    DeviceErrcRow{DeviceErrc::wrong_device, "wrong_device", Retry::never, Errc::conflict},
    DeviceErrcRow{DeviceErrc::clock_wrong, "clock_wrong", Retry::later, Errc::conflict},
    DeviceErrcRow{DeviceErrc::no_driver, "no_driver", Retry::never, Errc::not_found},
    DeviceErrcRow{DeviceErrc::unsupported, "unsupported", Retry::never, Errc::not_found},
    DeviceErrcRow{DeviceErrc::keytype_unsupported, "keytype_unsupported", Retry::never, Errc::bad_public_key},
    DeviceErrcRow{DeviceErrc::key_generation_failed, "key_generation_failed", Retry::later, Errc::unavailable},
    DeviceErrcRow{DeviceErrc::store_full, "store_full", Retry::never, Errc::conflict},
    DeviceErrcRow{DeviceErrc::id_in_use, "id_in_use", Retry::later, Errc::conflict},
    DeviceErrcRow{DeviceErrc::key_mismatch, "key_mismatch", Retry::never, Errc::bad_public_key},
    DeviceErrcRow{DeviceErrc::bad_certificate, "bad_certificate", Retry::later, Errc::malformed},
    DeviceErrcRow{DeviceErrc::bad_csr, "bad_csr", Retry::never, Errc::bad_csr},
    DeviceErrcRow{DeviceErrc::bad_answer, "bad_answer", Retry::later, Errc::malformed},
    DeviceErrcRow{DeviceErrc::busy_timeout, "busy_timeout", Retry::later, Errc::unavailable},
    DeviceErrcRow{DeviceErrc::switched_but_not_served, "switched_but_not_served", Retry::later, Errc::tls},
    DeviceErrcRow{DeviceErrc::rolled_back, "rolled_back", Retry::later, Errc::conflict},
    DeviceErrcRow{DeviceErrc::rollback_failed, "rollback_failed", Retry::never, Errc::conflict},
    DeviceErrcRow{DeviceErrc::partial_cleanup, "partial_cleanup", Retry::later, Errc::conflict},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kDeviceErrcs.size(); ++i)
    if (static_cast<std::size_t>(kDeviceErrcs[i].code) != i) return false;
  return kDeviceErrcs.back().code == DeviceErrc::partial_cleanup;
}
static_assert(in_order(), "a row for every DeviceErrc, in its order");

DeviceErrcRow const& row(DeviceErrc code) { return kDeviceErrcs.at(static_cast<std::size_t>(code)); }

}  // namespace

std::string_view to_string(DeviceErrc code) { return row(code).name; }
Retry default_retry(DeviceErrc code) { return row(code).retry; }

std::string_view to_string(Retry retry) {
  switch (retry) {
    case Retry::never:
      return "never";
    case Retry::later:
      return "later";
    case Retry::anew:
      return "anew";
    case Retry::now:
      return "now";
  }
  bug("Retry out of range");
}

Error DeviceError::to_error() const { return Error(row(code).errc, text); }

std::string_view to_string(AuthScheme scheme) {
  switch (scheme) {
    case AuthScheme::none:
      return "none";
    case AuthScheme::basic:
      return "Basic";
    case AuthScheme::digest:
      return "Digest";
    case AuthScheme::other:
      return "other";
  }
  bug("AuthScheme out of range");
}

std::string_view to_string(HttpsPolicy policy) {
  switch (policy) {
    case HttpsPolicy::http:
      return "Http";
    case HttpsPolicy::http_and_https:
      return "HttpAndHttps";
    case HttpsPolicy::https:
      return "Https";
  }
  bug("HttpsPolicy out of range");
}

std::string_view to_string(ChainUpload upload) {
  switch (upload) {
    case ChainUpload::complete:
      return "complete";
    case ChainUpload::separate:
      return "separate";
    case ChainUpload::leaf_only:
      return "leaf only";
  }
  bug("ChainUpload out of range");
}

HttpsConfig HttpsConfig::with_certificate(std::string id, std::vector<std::string> extra_ca_ids) const {
  HttpsConfig next = *this;
  next.enabled = true;
  next.certificate_ids = {std::move(id)};
  for (std::string& ca : extra_ca_ids)
    if (std::find(next.ca_ids.begin(), next.ca_ids.end(), ca) == next.ca_ids.end())
      next.ca_ids.push_back(std::move(ca));
  if (next.policies.empty()) next.policies.emplace_back("Admin", HttpsPolicy::http_and_https);
  for (auto& [role, policy] : next.policies)
    if (policy == HttpsPolicy::http) policy = HttpsPolicy::http_and_https;
  return next;
}

std::string HttpsConfig::to_text() const {
  json::Array roles;
  for (auto const& [role, policy] : policies) {
    json::Object entry;
    entry.set("role", role).set("policy", to_string(policy));
    roles.emplace_back(std::move(entry));
  }
  json::Object object;
  object.set("enabled", enabled);
  object.set("policies", std::move(roles));
  object.set("ciphers", json::Value::strings(ciphers))
      .set("certificates", json::Value::strings(certificate_ids))
      .set("ca_certificates", json::Value::strings(ca_ids))
      .set("trusted", json::Value::strings(trusted_ids));
  return json::write(object);
}

Result<HttpsConfig> HttpsConfig::from_text(std::string_view text) {
  TRY(auto const object, json::parse_object(text));
  HttpsConfig config;
  TRY(config.enabled, json::need_bool(object, "enabled"));
  TRY(config.ciphers, json::need_strings(object, "ciphers"));
  TRY(config.certificate_ids, json::need_strings(object, "certificates"));
  TRY(config.ca_ids, json::need_strings(object, "ca_certificates"));
  TRY(config.trusted_ids, json::need_strings(object, "trusted"));
  TRY(auto const roles, json::need_array(object, "policies"));
  for (json::Value const& entry : roles) {
    if (entry.as_object() == nullptr) return Error(Errc::malformed, "HTTPS snapshot: a policy is no object");
    TRY(std::string role, json::need_string(*entry.as_object(), "role"));
    TRY(std::string const policy, json::need_string(*entry.as_object(), "policy"));
    auto const known = {HttpsPolicy::http, HttpsPolicy::http_and_https, HttpsPolicy::https};
    auto const found = std::find_if(known.begin(), known.end(), [&](HttpsPolicy p) { return to_string(p) == policy; });
    if (found == known.end()) return Error(Errc::malformed, "HTTPS snapshot: unknown policy");
    config.policies.emplace_back(std::move(role), *found);
  }
  return config;
}

std::string new_certificate_id() { return std::string(kOurIdPrefix) + to_hex(random_bytes(4)); }

bool is_our_id(std::string_view id) {
  if (!id.starts_with(kOurIdPrefix) || id.size() == kOurIdPrefix.size() || id.size() > kIdLengthMax) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool Served::good(ServedExpectation const& expected) const {
  return reached && (key_matches || !expected.key) &&
         (chain_state == ServedChain::complete || chain_state == ServedChain::incomplete) && names_match &&
         time_valid && (serial_checked || expected.serial.empty());
}

}  // namespace lenscap::agent
