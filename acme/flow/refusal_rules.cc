#include "acme/flow/refusal_rules.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

enum class Means {
  refused,     // a rule was against it
  impossible,  // an operation's arguments, or the state of what it is to change, are against it
  protocol,    // the way of the protocol: it is tried again at once
  fault,       // of ours, or of what we live on
};

// Without a default, so that a new code does not compile before somebody has decided.
Means means(Errc code) {
  switch (code) {
    case Errc::account_does_not_exist:
    case Errc::already_replaced:
    case Errc::already_revoked:
    case Errc::bad_csr:
    case Errc::bad_public_key:
    case Errc::bad_revocation_reason:
    case Errc::bad_signature_algorithm:
    case Errc::caa:
    case Errc::compound:  // of parts that nobody named
    case Errc::connection:
    case Errc::dns:
    case Errc::external_account_required:
    case Errc::incorrect_response:
    case Errc::invalid_contact:
    case Errc::invalid_profile:
    case Errc::malformed:
    case Errc::not_found:
    case Errc::method_not_allowed:
    case Errc::payload_too_large:
    case Errc::unsupported_media_type:
    case Errc::order_not_ready:
    case Errc::rate_limited:
    case Errc::rejected_identifier:
    case Errc::tls:
    case Errc::account_deactivated:
    case Errc::unauthorized:
    case Errc::unsupported_contact:
    case Errc::unsupported_identifier:
    case Errc::user_action_required:
    case Errc::key_in_use:
    case Errc::no_issuer:  // a 503, and all the same what a person has decided: whose issuer it is, and until when
      return Means::refused;
    case Errc::usage:
    case Errc::needs_confirmation:
    case Errc::conflict:
      return Means::impossible;
    case Errc::bad_nonce:
      return Means::protocol;
    case Errc::internal:
    case Errc::unavailable:
    case Errc::settings:
    case Errc::file:
    case Errc::wrong_passphrase:
    case Errc::unreachable:
      return Means::fault;
  }
  bug("unknown Errc");
}

}  // namespace

bool is_refusal(Error const& error) {
  if (error.code() != Errc::compound || error.sub.empty()) return means(error.code()) == Means::refused;
  return std::ranges::any_of(error.sub, [](SubError const& sub) { return means(sub.code) == Means::refused; });
}

bool is_refusal_of_operation(Error const& error) {
  return is_refusal(error) || means(error.code()) == Means::impossible;
}

}  // namespace lenscap::acme
