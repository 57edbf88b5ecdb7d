#include <cstdio>

#include "agent/commands/commands.h"

namespace lenscap::agent {

ExitCode refuse(Error const& error) {
  std::fprintf(stderr, "lenscap-agent: %s (%s)\n", error.detail().c_str(), std::string(error_id(error.code())).c_str());
  for (auto const& part : error.sub) {
    std::fprintf(stderr, "  %s %s: %s\n", part.identifier_type.c_str(), part.identifier_value.c_str(),
                 part.detail.c_str());
  }
  return exit_code(error.code());
}

}  // namespace lenscap::agent
