// What a simulated camera does where nobody has published what a real one does, and what differs between firmware
// generations. One named switch for each; the control API sets them by name, GET /switches lists them with their
// positions, and `assumed` marks those that a real device has still to confirm. A client has to work in every position.
// generations.cc holds the values that differ between generations; the defaults here hold for the rest.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/result.h"

namespace lenscap::camsim {

struct Switches {
  // Interfaces
  bool soap = true;
  std::string policies = "admin";  // which ConnectionPolicies exist
  bool policies_required = true;
  std::string policies_extra = "tag_mismatch";
  std::string unknown_element = "fault";
  std::string soap_fault_status = "by_code";
  std::string unknown_cipher = "refuse";
  std::string web_server_set = "allow";
  std::string web_server_cas = "allow";
  std::string policies_shown = "same";
  std::string rest = "off";
  std::string rest_version;
  std::string rest_set_verb = "PATCH";
  std::string rest_unknown_field = "reject";
  int rest_wrong_verb = 405;
  int rest_exists = 409;
  int rest_mismatch = 400;
  std::string discover = "off";
  std::string basicdeviceinfo;  // API version; empty: 404
  std::string apidiscovery = "off";
  std::string systemready;
  std::string time_api;
  std::string ntp_api;
  std::string network_settings;

  // HTTP and login
  std::string server_header = "Apache/2.4.57 (Unix) OpenSSL/1.1.1w";
  std::string http_under_https = "redirect";
  std::string auth_policy = "recommended";
  bool digest_qop = true;
  std::string nonce_form = "apache";
  bool first_stale = false;
  int nonce_lifetime_s = 60;
  bool nonce_count = true;
  int wrong_password_ms = 210;
  bool throttle = false;
  std::string throttle_answer = "401";
  int throttle_failures = 20;
  int throttle_window_ms = 1000;
  int throttle_block_ms = 10'000;
  int low_role_status = 403;
  std::string first_user = "root";

  // TLS
  bool https_factory = true;
  std::string factory_policy = "HttpAndHttps";
  std::string factory_certificate = "self_signed";
  std::string factory_key = "new";
  std::string device_ids;  // key types of the device ID certificates, comma separated
  std::string tls_min = "1.0";
  std::string tls_max = "1.2";
  std::string chain_served = "leaf";
  bool ca_set_served = true;
  bool ca_store_served = false;

  // Certificate store
  std::string keystores = "SOFTWARE0:SOFTWARE:RSA-2048";  // id:level:types separated by '+'; several separated by ','
  std::string default_keystore = "SOFTWARE0";
  std::string soap_key_type = "RSA-2048";
  std::string rest_key_type = "EC-P256";
  int max_certificates = 100;
  int id_length_max = 128;
  std::string load_certificates = "same_id";
  std::string match_key_leaves = "keep";
  bool load_key_must_match = true;
  std::string duplicate_id = "refuse";
  bool pkcs12_chain_kept = false;
  std::string delete_in_use_soap = "refuse";
  std::string delete_in_use_rest = "allow";
  std::string delete_device_id = "refuse";
  std::string chain_patch = "accept_serve";
  bool reload_on_patch = true;
  bool csr_names_copied = true;
  std::string csr_digest = "sha256";
  int certificate_days = 365;
  std::string https_parameter = "allow";

  // Time
  int keygen_ec_ms = 100;
  int keygen_rsa2048_ms = 4000;
  int keygen_rsa4096_ms = 60'000;
  bool real_keygen = false;
  bool keygen_waits = true;
  int restart_after_ms = 200;
  int restart_ms = 3000;
  int reboot_ms = 45'000;
  int boot_ms = 10'000;
  std::string rtc = "battery";
};

struct SwitchRow {
  std::string_view name;
  std::variant<bool Switches::*, int Switches::*, std::string Switches::*> member;
  std::string_view choices;  // "a|b|c"; empty: free text or any number
  bool assumed;              // nobody has published it
  // Can make a difference on the way on which our agent gives a camera its certificate. Where it seems to and cannot,
  // tests/agent/devices/switch_suite_test.cc has the reason and proves it.
  bool enrolment;
  std::string_view meaning;
};
std::span<SwitchRow const> switch_rows();

// Refuses unknown names and positions. The text form takes "on"/"off" for a bool.
Result<> set_switch(Switches& switches, std::string_view name, std::string_view value);
Result<> set_switches(Switches& switches, json::Object const& values);
json::Object to_json(Switches const& switches);
json::Array describe_switches();  // for GET /switches

}  // namespace lenscap::camsim
