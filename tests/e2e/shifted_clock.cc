// A library for LD_PRELOAD that moves the wall clock of a program, and of the ones that it starts, by the seconds that
// stand in the file LENSCAP_CLOCK_SHIFT: eight octets, which a test changes while they run. It opens nothing later than
// at the start, as libfaketime would for each look at the clock, and which a confined signer may not. Time that only
// passes (CLOCK_MONOTONIC) is as it is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

std::atomic<std::int64_t> const* shift = nullptr;
int (*real_clock_gettime)(clockid_t, timespec*) = nullptr;

__attribute__((constructor)) void begin() {
  real_clock_gettime = reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
  char const* path = std::getenv("LENSCAP_CLOCK_SHIFT");
  if (path == nullptr) return;
  int const fd = ::open(path, O_RDONLY | O_CLOEXEC);
  void* const place = ::mmap(nullptr, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (place == MAP_FAILED) std::abort();
  shift = static_cast<std::atomic<std::int64_t> const*>(place);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  if (real_clock_gettime == nullptr) begin();  // another library's constructor asks before ours was called
  int const result = real_clock_gettime(clock, out);
  bool const is_wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall_clock && shift != nullptr) out->tv_sec += shift->load();
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}
}
