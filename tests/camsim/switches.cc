#include "tests/camsim/switches.h"

#include <charconv>

#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

using S = Switches;
constexpr bool kKnown = false;  // published or measured
constexpr bool kAssumed = true;
constexpr bool kNo = false;
constexpr bool kEnrolment = true;

constexpr SwitchRow kRows[] = {
    {"soap", &S::soap, "", kAssumed, kNo, "the certificate service answers at /vapix/services"},
    {"policies", &S::policies, "admin|all|none", kKnown, kEnrolment, "roles in ConnectionPolicies; 6.50 has all three"},
    {"policies_required", &S::policies_required, "", kAssumed, kEnrolment, "a missing role is a fault"},
    {"policies_extra", &S::policies_extra, "tag_mismatch|ignore", kAssumed, kEnrolment, "Operator and Viewer on 7.10+"},
    {"unknown_element", &S::unknown_element, "fault|ignore", kAssumed, kNo, "SOAP element that is not expected"},
    {"soap_fault_status", &S::soap_fault_status, "by_code|200", kAssumed, kEnrolment, "HTTP status of a SOAP fault"},
    {"unknown_cipher", &S::unknown_cipher, "refuse|ignore", kAssumed, kNo, "cipher that the firmware lacks"},
    {"web_server_set", &S::web_server_set, "allow|refuse", kAssumed, kNo, "SetCertSet of WebServer"},
    {"web_server_cas", &S::web_server_cas, "allow|refuse", kAssumed, kEnrolment, "CA certificates in WebServer's set"},
    {"policies_shown", &S::policies_shown, "same|admin|all", kAssumed, kEnrolment, "roles that a get shows"},
    {"rest", &S::rest, "off|v1beta|v1|both", kKnown, kNo, "base paths of the REST certificate API"},
    {"rest_version", &S::rest_version, "", kKnown, kNo, "version in the discovery document"},
    {"rest_set_verb", &S::rest_set_verb, "PATCH|PUT", kKnown, kNo, "verb that changes an entity"},
    {"rest_unknown_field", &S::rest_unknown_field, "reject|ignore", kAssumed, kNo, "unknown JSON member"},
    {"rest_wrong_verb", &S::rest_wrong_verb, "405|404", kAssumed, kEnrolment, "status for a verb that is not there"},
    {"rest_exists", &S::rest_exists, "409|400", kAssumed, kEnrolment, "status for an alias in use"},
    {"rest_mismatch", &S::rest_mismatch, "400|409", kAssumed, kEnrolment, "status for another key's certificate"},
    {"discover", &S::discover, "off|beta|released", kKnown, kNo, "state of the API in /config/discover"},
    {"basicdeviceinfo", &S::basicdeviceinfo, "", kKnown, kNo, "API version, empty for none"},
    {"apidiscovery", &S::apidiscovery, "off|login|anonymous", kKnown, kNo, "who may list the APIs"},
    {"systemready", &S::systemready, "", kKnown, kNo, "API version, empty for none"},
    {"time_api", &S::time_api, "", kKnown, kNo, "API version, empty for none"},
    {"ntp_api", &S::ntp_api, "", kKnown, kNo, "API version, empty for none"},
    {"network_settings", &S::network_settings, "", kKnown, kNo, "API version, empty for none"},

    {"server_header", &S::server_header, "", kAssumed, kNo, "Server header"},
    {"http_under_https", &S::http_under_https, "redirect|403|closed", kAssumed, kEnrolment, "port 80, policy Https"},
    {"auth_policy", &S::auth_policy, "basic|digest|basic_digest|recommended", kKnown, kEnrolment, "schemes per port"},
    {"digest_qop", &S::digest_qop, "", kAssumed, kEnrolment, "Digest with qop=auth"},
    {"nonce_form", &S::nonce_form, "apache|boa", kKnown, kNo, "spelling of the Digest challenge"},
    {"first_stale", &S::first_stale, "", kKnown, kEnrolment, "the first challenge says stale=true"},
    {"nonce_lifetime_s", &S::nonce_lifetime_s, "", kAssumed, kNo, "then 401 with stale=true"},
    {"nonce_count", &S::nonce_count, "", kAssumed, kNo, "nc must rise"},
    {"wrong_password_ms", &S::wrong_password_ms, "", kKnown, kNo, "delay of the 401"},
    {"throttle", &S::throttle, "", kKnown, kEnrolment, "block a client after many wrong passwords"},
    {"throttle_answer", &S::throttle_answer, "401|403|drop", kAssumed, kEnrolment, "what a blocked client gets"},
    {"throttle_failures", &S::throttle_failures, "", kKnown, kNo, "more than this many"},
    {"throttle_window_ms", &S::throttle_window_ms, "", kKnown, kNo, "within this time"},
    {"throttle_block_ms", &S::throttle_block_ms, "", kKnown, kNo, "blocks for this long"},
    {"low_role_status", &S::low_role_status, "401|403", kAssumed, kEnrolment, "viewer or operator at an admin's call"},
    {"first_user", &S::first_user, "root|any", kKnown, kNo, "name of the first account"},

    {"https_factory", &S::https_factory, "", kKnown, kEnrolment, "HTTPS is on out of the box"},
    {"factory_policy", &S::factory_policy, "HttpAndHttps|Https", kKnown, kEnrolment, "hardened: Https alone"},
    {"factory_certificate", &S::factory_certificate, "none|self_signed|device_id", kAssumed, kEnrolment,
     "served first"},
    {"factory_key", &S::factory_key, "new|kept", kAssumed, kNo, "web server key after a factory default"},
    {"device_ids", &S::device_ids, "", kKnown, kNo, "key types of 802.1AR certificates, comma separated"},
    {"tls_min", &S::tls_min, "1.0|1.1|1.2|1.3", kAssumed, kNo, "oldest TLS version"},
    {"tls_max", &S::tls_max, "1.0|1.1|1.2|1.3", kAssumed, kEnrolment, "newest TLS version"},
    {"chain_served", &S::chain_served, "leaf|full", kKnown, kEnrolment, "what the TLS server sends"},
    {"ca_set_served", &S::ca_set_served, "", kAssumed, kEnrolment, "with full: CACertificates of the set are sent"},
    {"ca_store_served", &S::ca_store_served, "", kAssumed, kEnrolment, "with full: issuers in the CA store are sent"},

    {"keystores", &S::keystores, "", kKnown, kNo, "id:level:types+types, comma separated"},
    {"default_keystore", &S::default_keystore, "", kKnown, kNo, "keystore of new keys"},
    {"soap_key_type", &S::soap_key_type, "RSA-2048|EC-P256", kAssumed, kEnrolment, "key of CreateCertificate2"},
    {"rest_key_type", &S::rest_key_type, "EC-P256|RSA-2048", kKnown, kEnrolment,
     "key of create_certificate by default"},
    {"max_certificates", &S::max_certificates, "", kAssumed, kEnrolment, "then the store is full"},
    {"id_length_max", &S::id_length_max, "", kAssumed, kEnrolment, "longer ids are refused"},
    {"load_certificates", &S::load_certificates, "same_id|match_key", kAssumed, kEnrolment, "how the key is found"},
    {"match_key_leaves", &S::match_key_leaves, "keep|remove", kAssumed, kEnrolment, "match_key: the old id"},
    {"load_key_must_match", &S::load_key_must_match, "", kAssumed, kNo, "LoadCertificateWithPrivateKey compares"},
    {"duplicate_id", &S::duplicate_id, "refuse|replace", kAssumed, kNo, "an id that exists is loaded again"},
    {"pkcs12_chain_kept", &S::pkcs12_chain_kept, "", kAssumed, kNo, "extra certificates of a PFX are kept"},
    {"delete_in_use_soap", &S::delete_in_use_soap, "refuse|breaks_https", kAssumed, kNo, "served certificate"},
    {"delete_in_use_rest", &S::delete_in_use_rest, "allow|conflict", kAssumed, kNo, "served certificate"},
    {"delete_device_id", &S::delete_device_id, "refuse|allow", kAssumed, kNo, "device ID certificates"},
    {"chain_patch", &S::chain_patch, "accept_serve|accept_leaf_only|reject", kAssumed, kEnrolment, "PEM with a chain"},
    {"reload_on_patch", &S::reload_on_patch, "", kAssumed, kNo, "PATCH of the served one restarts the server"},
    {"csr_names_copied", &S::csr_names_copied, "", kAssumed, kNo, "get_csr copies names that are left out"},
    {"csr_digest", &S::csr_digest, "sha256|sha1", kAssumed, kEnrolment, "signature of a CSR"},
    {"certificate_days", &S::certificate_days, "", kAssumed, kNo, "validity of a self-signed certificate"},
    {"https_parameter", &S::https_parameter, "allow|refuse", kAssumed, kNo, "param.cgi writes HTTPS.Enabled"},

    {"keygen_ec_ms", &S::keygen_ec_ms, "", kAssumed, kEnrolment, "time to make an EC key"},
    {"keygen_rsa2048_ms", &S::keygen_rsa2048_ms, "", kAssumed, kEnrolment, "time to make an RSA-2048 key"},
    {"keygen_rsa4096_ms", &S::keygen_rsa4096_ms, "", kAssumed, kEnrolment, "time to make a larger RSA key"},
    {"real_keygen", &S::real_keygen, "", kKnown, kNo, "ordinary keys instead of pool keys"},
    {"keygen_waits", &S::keygen_waits, "", kAssumed, kNo, "a second key is made after the first"},
    {"restart_after_ms", &S::restart_after_ms, "", kAssumed, kEnrolment, "from the answer to the gap"},
    {"restart_ms", &S::restart_ms, "", kAssumed, kEnrolment, "the gap"},
    {"reboot_ms", &S::reboot_ms, "", kAssumed, kEnrolment, "unreachable during a reboot"},
    {"boot_ms", &S::boot_ms, "", kAssumed, kEnrolment, "then not ready for this long"},
    {"rtc", &S::rtc, "battery|none", kAssumed, kEnrolment, "without: the clock falls back to 1970 at a reboot"},
};

SwitchRow const* find_row(std::string_view name) {
  for (SwitchRow const& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}

bool is_choice(std::string_view choices, std::string_view value) {
  if (choices.empty()) return true;
  for (std::string const& choice : split(choices, '|'))
    if (choice == value) return true;
  return false;
}

json::Value value_of(Switches const& switches, SwitchRow const& row) {
  return std::visit([&](auto member) { return json::Value(switches.*member); }, row.member);
}

}  // namespace

std::span<SwitchRow const> switch_rows() { return kRows; }

Result<> set_switch(Switches& switches, std::string_view name, std::string_view value) {
  SwitchRow const* row = find_row(name);
  if (row == nullptr) return Error(Errc::malformed, "no switch is called " + std::string(name));
  Error const wrong(Errc::malformed, "switch " + std::string(name) + " cannot be '" + std::string(value) + "'" +
                                         (row->choices.empty() ? "" : "; one of " + std::string(row->choices)));
  if (!is_choice(row->choices, value)) return wrong;
  if (auto const* member = std::get_if<bool Switches::*>(&row->member)) {
    if (value != "on" && value != "off" && value != "true" && value != "false") return wrong;
    switches.*(*member) = value == "on" || value == "true";
  } else if (auto const* number = std::get_if<int Switches::*>(&row->member)) {
    int parsed = 0;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc() || end != value.data() + value.size() || parsed < 0) return wrong;
    switches.*(*number) = parsed;
  } else {
    switches.*std::get<std::string Switches::*>(row->member) = value;
  }
  return {};
}

Result<> set_switches(Switches& switches, json::Object const& values) {
  for (auto const& [name, value] : values.members()) {
    std::string text;
    if (bool const* flag = value.as_bool())
      text = *flag ? "on" : "off";
    else if (std::int64_t const* number = value.as_int())
      text = std::to_string(*number);
    else if (std::string const* string = value.as_string())
      text = *string;
    else
      return Error(Errc::malformed, "switch " + name + ": a bool, a number or a text is expected");
    CHECK_OK(set_switch(switches, name, text));
  }
  return {};
}

json::Object to_json(Switches const& switches) {
  json::Object object;
  for (SwitchRow const& row : kRows) object.set(row.name, value_of(switches, row));
  return object;
}

json::Array describe_switches() {
  json::Array rows;
  for (SwitchRow const& row : kRows) {
    json::Array choices;
    if (std::holds_alternative<bool Switches::*>(row.member))
      choices = {json::Value(false), json::Value(true)};
    else
      for (std::string const& choice : split(row.choices, '|'))
        choices.push_back(std::holds_alternative<int Switches::*>(row.member) ? json::Value(std::stoi(choice))
                                                                              : json::Value(choice));
    rows.push_back(json::Object{{"name", row.name},
                                {"choices", std::move(choices)},
                                {"assumed", row.assumed},
                                {"enrolment", row.enrolment},
                                {"meaning", row.meaning}});
  }
  return rows;
}

}  // namespace lenscap::camsim
