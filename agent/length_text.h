// Lengths of time as people read them.
#pragma once

#include <string>

#include "base/time.h"

namespace lenscap::agent {

// "61 days", "1 day", "5 hours", "less than a minute".
std::string length_text(Seconds length);

}  // namespace lenscap::agent
