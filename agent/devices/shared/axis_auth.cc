#include "agent/devices/shared/axis_auth.h"

#include <algorithm>

#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace {

// Does the field hold a challenge of this scheme, at its start or after a comma?
bool has_scheme(std::string_view field, std::string_view scheme) {
  while (!field.empty()) {
    field = trim(field);
    if (field.size() > scheme.size() && equal_ignoring_case(field.substr(0, scheme.size()), scheme) &&
        field[scheme.size()] == ' ')
      return true;
    if (equal_ignoring_case(field, scheme)) return true;
    auto const comma = field.find(',');
    if (comma == std::string_view::npos) return false;
    field.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

AuthScheme offered_scheme(net::Headers const& headers) {
  AuthScheme best = AuthScheme::none;
  for (auto const& [name, value] : headers.fields()) {
    if (!equal_ignoring_case(name, "WWW-Authenticate")) continue;
    if (has_scheme(value, "Digest")) return AuthScheme::digest;
    if (has_scheme(value, "Basic")) {
      best = AuthScheme::basic;
    } else if (best == AuthScheme::none) {
      best = AuthScheme::other;
    }
  }
  return best;
}

bool login_was_sent(bool over_tls, AuthScheme offered) {
  return offered == AuthScheme::digest || (over_tls && offered == AuthScheme::basic);
}

net::HttpAuth login_rule(bool over_tls) {
  return over_tls ? net::HttpAuth::any_but_basic_on_plain : net::HttpAuth::digest;
}

x509::NameSet uncovered(x509::Certificate const& certificate, x509::NameSet const& names) {
  x509::NameSet missing;
  for (auto const& name : names.dns)
    if (!covers(certificate, name)) missing.dns.insert(name);
  for (auto const& address : names.ip)
    if (!covers(certificate, address)) missing.ip.insert(address);
  return missing;
}

DeviceResult<Sha256> judge_peer(Trust const& trust, std::vector<x509::Certificate> const& served,
                                std::optional<Sha256> const& spki, Time now) {
  if (!spki) return DeviceError(DeviceErrc::tls_untrusted, "the device shows no certificate that can be read");
  if (std::find(trust.pins.begin(), trust.pins.end(), *spki) != trust.pins.end()) return *spki;
  std::string const seen = "the device shows another key (SHA-256 " + to_hex(*spki) + ")";
  if (trust.roots.empty() || served.empty())
    return DeviceError(DeviceErrc::tls_untrusted,
                       seen + (trust.pins.empty() ? " and none is known for it yet" : " than the one recorded"));
  auto const& leaf = served.front();
  if (leaf.key().spki_hash() != *spki) return DeviceError(DeviceErrc::tls_untrusted, seen + " than its certificate");
  std::vector<x509::Certificate> helpers(served.begin() + 1, served.end());
  helpers.insert(helpers.end(), trust.intermediates.begin(), trust.intermediates.end());
  if (auto chained = verify_chain(leaf, helpers, trust.roots, now); !chained)
    return DeviceError(DeviceErrc::tls_untrusted,
                       seen + ", and its certificate is not ours: " + clean_text(chained.error().detail()));
  if (trust.names.empty()) return DeviceError(DeviceErrc::tls_untrusted, "no name is expected of the device");
  if (auto const missing = uncovered(leaf, trust.names); !missing.empty())
    return DeviceError(DeviceErrc::tls_untrusted, "the device's certificate does not name " + missing.text());
  return *spki;
}

}  // namespace lenscap::agent
