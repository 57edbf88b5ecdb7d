// The end of what a command prints.
#pragma once

#include "base/result.h"

namespace lenscap {

// Errc::file when standard output did not take all of it: what is missing at the end of a list nobody would see.
Result<> finish_output();

}  // namespace lenscap
