#include "agent/failure.h"

namespace lenscap::agent {
namespace {

Retry retry_of(Errc code) {
  switch (code) {
    case Errc::unreachable:
    case Errc::unavailable:
    case Errc::no_issuer:
    case Errc::rate_limited:
    case Errc::internal:
    case Errc::connection:
    case Errc::dns:
    case Errc::bad_nonce:
    case Errc::incorrect_response:  // a proxy's error page, a server that is being changed
    case Errc::tls:                 // its certificate may have expired and be renewed
    case Errc::caa:
      return Retry::later;
    case Errc::bad_csr:  // the device would make the same again
    case Errc::bad_public_key:
    case Errc::bad_signature_algorithm:
    // Our own, not the server's.
    case Errc::usage:
    case Errc::settings:
    case Errc::file:
    case Errc::wrong_passphrase:
    case Errc::needs_confirmation:
    case Errc::conflict:
      return Retry::never;
    default:
      return Retry::anew;
  }
}

Result<Retry> parse_retry(std::string_view text) {
  for (auto retry : {Retry::never, Retry::later, Retry::anew, Retry::now}) {
    if (text == to_string(retry)) return retry;
  }
  return Error(Errc::malformed, "unknown retry \"" + std::string(text) + "\"");
}

}  // namespace

Failure to_failure(DeviceError const& error) { return {std::string(to_string(error.code)), error.retry, error.text}; }

Failure to_failure(Error const& error) {
  return {std::string(to_string(error.code())), retry_of(error.code()), error.detail()};
}

Failure wrong_certificate(Error const& error) {
  return {std::string(kWrongCertificate), error.retry_after ? Retry::later : Retry::anew, error.detail()};
}

json::Object to_json(Failure const& failure) {
  return {{"code", failure.code}, {"retry", to_string(failure.retry)}, {"text", failure.text}};
}

Result<Failure> parse_failure(json::Object const& object) {
  Failure failure;
  TRY(failure.code, json::need_string(object, "code"));
  TRY(failure.text, json::need_string(object, "text"));
  TRY(auto retry, json::need_string(object, "retry"));
  TRY(failure.retry, parse_retry(retry));
  return failure;
}

}  // namespace lenscap::agent
