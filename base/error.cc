#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace lenscap {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::account_does_not_exist:
      return "account_does_not_exist";
    case Errc::already_replaced:
      return "already_replaced";
    case Errc::already_revoked:
      return "already_revoked";
    case Errc::bad_csr:
      return "bad_csr";
    case Errc::bad_nonce:
      return "bad_nonce";
    case Errc::bad_public_key:
      return "bad_public_key";
    case Errc::bad_revocation_reason:
      return "bad_revocation_reason";
    case Errc::bad_signature_algorithm:
      return "bad_signature_algorithm";
    case Errc::caa:
      return "caa";
    case Errc::compound:
      return "compound";
    case Errc::connection:
      return "connection";
    case Errc::dns:
      return "dns";
    case Errc::external_account_required:
      return "external_account_required";
    case Errc::incorrect_response:
      return "incorrect_response";
    case Errc::invalid_contact:
      return "invalid_contact";
    case Errc::invalid_profile:
      return "invalid_profile";
    case Errc::malformed:
      return "malformed";
    case Errc::not_found:
      return "not_found";
    case Errc::method_not_allowed:
      return "method_not_allowed";
    case Errc::payload_too_large:
      return "payload_too_large";
    case Errc::unsupported_media_type:
      return "unsupported_media_type";
    case Errc::order_not_ready:
      return "order_not_ready";
    case Errc::rate_limited:
      return "rate_limited";
    case Errc::rejected_identifier:
      return "rejected_identifier";
    case Errc::internal:
      return "internal";
    case Errc::tls:
      return "tls";
    case Errc::account_deactivated:
      return "account_deactivated";
    case Errc::unauthorized:
      return "unauthorized";
    case Errc::unsupported_contact:
      return "unsupported_contact";
    case Errc::unsupported_identifier:
      return "unsupported_identifier";
    case Errc::user_action_required:
      return "user_action_required";
    case Errc::key_in_use:
      return "key_in_use";
    case Errc::unavailable:
      return "unavailable";
    case Errc::usage:
      return "usage";
    case Errc::settings:
      return "settings";
    case Errc::file:
      return "file";
    case Errc::wrong_passphrase:
      return "wrong_passphrase";
    case Errc::unreachable:
      return "unreachable";
    case Errc::needs_confirmation:
      return "needs_confirmation";
    case Errc::conflict:
      return "conflict";
  }
  bug("unknown Errc");
}

Error Error::with_context(std::string_view prefix) && {
  detail_.insert(0, prefix);
  return std::move(*this);
}

void bug(char const* what, char const* file, int line) {
  std::fprintf(stderr, "lenscap: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace lenscap
