// The one refusal type of the house: a code from a closed list, a sentence for the person who reads it, and what a
// problem document may need beside it. It does NOT describe a broken environment (that is an exception) nor a bug
// (base::bug).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap {

// In the order of RFC 8555 section 6.7; acme/wire/problem.cc joins each with its problem type and HTTP status.
// Finer than ACME's types, because one ACME type can need two HTTP statuses.
enum class Errc {
  account_does_not_exist,
  already_replaced,
  already_revoked,
  bad_csr,
  bad_nonce,
  bad_public_key,
  bad_revocation_reason,
  bad_signature_algorithm,
  caa,
  compound,
  connection,
  dns,
  external_account_required,
  incorrect_response,
  invalid_contact,
  invalid_profile,
  malformed,
  not_found,
  method_not_allowed,
  payload_too_large,
  unsupported_media_type,
  order_not_ready,
  rate_limited,
  rejected_identifier,
  internal,
  tls,
  account_deactivated,
  unauthorized,
  unsupported_contact,
  unsupported_identifier,
  user_action_required,
  key_in_use,
  unavailable,  // temporarily not able to serve: 503 with Retry-After
  no_issuer,    // by the rules no issuer signs this now, until somebody sees to it; 503 with Retry-After, too

  // Refusals of our own commands and settings; they never cross the network.
  usage,               // the call's words are off
  settings,            // a settings file, with file, line and key in the text
  file,                // a file cannot be read, written or must not be overwritten
  wrong_passphrase,    // a sealed thing does not open
  unreachable,         // a server or device does not answer
  needs_confirmation,  // a person must agree first (product: exit code 8)
  conflict,            // exists already, or is in use
};

std::string_view to_string(Errc code);  // the enumerator's own spelling

// The stable number that commands and problem documents' readers look up in docs/errors.md: "E1007". Never reused.
std::string_view error_id(Errc code);

// Every code, for tables and tests.
std::vector<Errc> all_errcs();

// One identifier's refusal inside a compound one (RFC 8555 6.7.1).
struct SubError {
  Errc code = Errc::malformed;
  std::string detail;
  std::string identifier_type;  // "dns" or "ip"
  std::string identifier_value;

  bool operator==(SubError const&) const = default;
};

class Error {
 public:
  Error(Errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}

  Errc code() const { return code_; }
  // What failed, why, and what to do; safe to show to the other side.
  std::string const& detail() const { return detail_; }

  std::vector<SubError> sub;                        // for several identifiers at once
  std::optional<std::chrono::seconds> retry_after;  // when trying again makes sense
  std::string url;                                  // `Location` of the other account, or `instance` for a human

  // The same refusal with more words in front: "camera 10.0.0.7: " + detail.
  Error with_context(std::string_view prefix) &&;
  bool operator==(Error const&) const = default;

 private:
  Errc code_;
  std::string detail_;
};

// A bug of ours: prints the text and stops the process. Assertions stay on in release builds.
[[noreturn]] void bug(char const* what, char const* file = __builtin_FILE(), int line = __builtin_LINE());

}  // namespace lenscap
