#include "tests/conformance/check.h"

namespace lenscap::conformance {
namespace {

constexpr ChecksOfSection kSections[] = {
    transport_checks,  jws_checks,       access_checks,     nonce_checks,   problem_checks,     object_checks,
    account_checks,    eab_checks,       key_change_checks, order_checks,   certificate_checks, authorization_checks,
    revocation_checks, challenge_checks, security_checks,   address_checks, tls_alpn_checks,    renewal_info_checks,
    profile_checks,    caa_checks,       x509_checks,
};

}  // namespace

std::span<ChecksOfSection const> sections() { return kSections; }

std::string section_of(std::string_view id) {
  auto const first = id.find('-');
  auto const last = id.rfind('-');
  auto const document = id.substr(0, first);
  return (document == "profiles" ? "profiles draft" : "RFC " + std::string(document)) + " section " +
         std::string(id.substr(first + 1, last - first - 1));
}

}  // namespace lenscap::conformance
