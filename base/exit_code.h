// Exit codes of both programs.
#pragma once

#include "base/error.h"

namespace lenscap {

enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,
  partly_done = 3,
  not_found = 4,
  refused = 5,
  attention = 6,
  unreachable = 7,
  needs_confirmation = 8,
};

ExitCode exit_code(Errc code);

}  // namespace lenscap
