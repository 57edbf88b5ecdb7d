// What a check is, and where the tables of checks are. One check for each id of tests/conformance/ids; its function
// asks the server through a Probe and says what it saw. Nothing here knows any server.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lenscap::conformance {

class Probe;

struct Check {
  std::string_view id;     // "8555-7.4-1": document, section, number
  std::string_view title;  // the duty in our words, as somebody outside sees it
  // Null for a duty that cannot be seen from outside; then `unseen` says why.
  void (*run)(Probe& probe) = nullptr;
  std::string_view unseen = {};
};

// One table for each section, in checks/<section>.cc.
std::span<Check const> transport_checks();      // RFC 8555 5, 6.1
std::span<Check const> jws_checks();            // 6.2
std::span<Check const> access_checks();         // 6.3, 6.4
std::span<Check const> nonce_checks();          // 6.5, 7.2
std::span<Check const> problem_checks();        // 6.6, 6.7
std::span<Check const> object_checks();         // 7.1
std::span<Check const> account_checks();        // 7.3 to 7.3.3, 7.3.6
std::span<Check const> eab_checks();            // 7.3.4
std::span<Check const> key_change_checks();     // 7.3.5
std::span<Check const> order_checks();          // 7.4
std::span<Check const> certificate_checks();    // 7.4.2, 9, 11.4
std::span<Check const> authorization_checks();  // 7.4.1, 7.5
std::span<Check const> revocation_checks();     // 7.6
std::span<Check const> challenge_checks();      // 8
std::span<Check const> security_checks();       // 9.7, 10, 11
std::span<Check const> address_checks();        // RFC 8738
std::span<Check const> tls_alpn_checks();       // RFC 8737
std::span<Check const> renewal_info_checks();   // RFC 9773
std::span<Check const> profile_checks();        // profiles draft
std::span<Check const> caa_checks();            // RFC 8659, 8657
std::span<Check const> x509_checks();           // RFC 5280

using ChecksOfSection = std::span<Check const> (*)();
std::span<ChecksOfSection const> sections();  // all of the above, in order

// "RFC 8555 section 7.4" of "8555-7.4-1".
std::string section_of(std::string_view id);

}  // namespace lenscap::conformance
