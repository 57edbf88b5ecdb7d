#include "base/exit_code.h"

namespace lenscap {

ExitCode exit_code(Errc code) {
  switch (code) {
    case Errc::usage:
    case Errc::settings:
      return ExitCode::usage;
    case Errc::not_found:
    case Errc::account_does_not_exist:
      return ExitCode::not_found;
    case Errc::conflict:
    case Errc::rejected_identifier:
    case Errc::unauthorized:
    case Errc::account_deactivated:
    case Errc::invalid_profile:
    case Errc::bad_revocation_reason:
      return ExitCode::refused;
    case Errc::unreachable:
    case Errc::connection:
      return ExitCode::unreachable;
    case Errc::needs_confirmation:
      return ExitCode::needs_confirmation;
    default:
      return ExitCode::failed;
  }
}

}  // namespace lenscap
