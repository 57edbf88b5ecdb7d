#include "base/private_memory.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace lenscap {

void keep_memory_private() {
  rlimit const none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace lenscap
