#include "base/sandbox.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>

namespace lenscap {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

// --- system calls ---

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

constexpr int kInMemory[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fallocate),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// What modules are known to do: SoftHSM locks and rewrites files, smart cards are asked through pcscd's socket, network
// tokens through TCP, and some have threads of their own.
constexpr int kInModule[] = {
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(readv),
    SCMP_SYS(fsync),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(umask),
    SCMP_SYS(fchmod),
    SCMP_SYS(dup),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(ioctl),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getppid),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(sched_yield),
    SCMP_SYS(membarrier),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_getres),
};

// In builds with sanitizers alone: to read the process's own map for a report, to find out by a pipe whether an address
// is one, and to change what memory may do.
constexpr int kForSanitizers[] = {
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(openat),
    SCMP_SYS(readlink),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(ioctl),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(sched_yield),
    SCMP_SYS(fcntl),
    SCMP_SYS(nanosleep),
    SCMP_SYS(tgkill),
    SCMP_SYS(getdents64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(getppid),
};

// libseccomp's own macros, which put designators into C++, spelled out.
scmp_arg_cmp has_none_of(unsigned argument, std::uint64_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, 0}; }
scmp_arg_cmp has_all_of(unsigned argument, std::uint64_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, bits}; }
scmp_arg_cmp is(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }

// A call that this architecture does not have is no hole: it is refused like all the others.
bool allow(Filter const& filter, int call, std::initializer_list<scmp_arg_cmp> when = {}) {
  int const rc =
      seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, static_cast<unsigned>(when.size()), when.begin());
  return rc == 0 || rc == -EDOM;
}

bool fill(Filter const& filter, Confinement how, Connections connections) {
  bool good = true;
  for (int const call : kInMemory) good = allow(filter, call) && good;
  if (kIsSanitized)
    for (int const call : kForSanitizers) good = allow(filter, call) && good;
  if (connections == Connections::taken)
    good = allow(filter, SCMP_SYS(accept4)) &&
           allow(filter, SCMP_SYS(getsockopt), {is(1, SOL_SOCKET), is(2, SO_PEERCRED)}) && good;
  // abort() of an assertion.
  good = allow(filter, SCMP_SYS(tgkill), {is(0, static_cast<std::uint64_t>(::getpid()))}) && good;
  if (how == Confinement::key_in_memory)  // memory, but none that can be run
    return allow(filter, SCMP_SYS(mmap), {has_none_of(2, PROT_EXEC)}) &&
           allow(filter, SCMP_SYS(mprotect), {has_none_of(2, PROT_EXEC)}) && good;
  for (int const call : kInModule) good = allow(filter, call) && good;
  // Threads, and no processes. The C library takes this way when the newer call does not exist.
  constexpr std::uint64_t kCloneThread = 0x00010000;
  return allow(filter, SCMP_SYS(clone), {has_all_of(0, kCloneThread)}) &&
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 && good;
}

bool filter_calls(Confinement how, Connections connections, std::string& why) {
  Filter const filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter || seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) != 0 || !fill(filter, how, connections)) {
    why = "no filter of system calls can be made";
    return false;
  }
  if (int const rc = seccomp_load(filter.get()); rc != 0) {
    why = std::string("the kernel takes no filter of system calls: ") + std::strerror(-rc);
    return false;
  }
  return true;
}

// --- the file system ---

// Every right that this header knows and this kernel knows.
std::uint64_t rights_of(long abi) {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // version 1
  if (abi >= 2) rights |= 1ULL << 13;                             // to link and rename between directories
  if (abi >= 3) rights |= 1ULL << 14;                             // to truncate
  return rights;
}

bool wall_off_files(std::string& why) {
  long const abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) {
    why = std::string("the kernel has no Landlock: ") + std::strerror(errno);
    return false;
  }
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = rights_of(abi);
  auto const rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0));
  if (rules < 0 || ::syscall(SYS_landlock_restrict_self, rules, 0) != 0) {
    why = std::string("Landlock was refused: ") + std::strerror(errno);
    if (rules >= 0) ::close(rules);
    return false;
  }
  ::close(rules);
  return true;
}

// Such as the one to open ports below 1024, which a service may have been given.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct const none[_LINUX_CAPABILITY_U32S_3] = {};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  ::syscall(SYS_capset, &header, none);
}

}  // namespace

Confined confine(Confinement how, Connections connections) {
  Confined done;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    done.why = "the kernel does not know no_new_privs";
    return done;
  }
  std::string files;
  if (how == Confinement::key_in_memory) {
    done.files = wall_off_files(files);
    drop_capabilities();
  }
  done.calls = filter_calls(how, connections, done.why);
  if (!files.empty()) done.why += (done.why.empty() ? "" : "; ") + files;
  return done;
}

void keep_memory_from_swap() {
  rlimit limit{};
  // With a limit, memory that is wanted later could not be had.
  if (kIsSanitized || ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) return;
  ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

}  // namespace lenscap
