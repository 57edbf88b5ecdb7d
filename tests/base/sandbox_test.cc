// What a confined process can still do, and what fails: asked of a child each time, since there is no way back.
#include "base/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "base/local_socket.h"

namespace lenscap {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

// Runs in a child that is confined: what `what` gives is its exit code.
int in_confined_child(Confinement how, std::function<int()> const& what, Connections connections = Connections::none) {
  pid_t const child = ::fork();
  if (child == 0) {
    auto const confined = confine(how, connections);
    ::_exit(confined.calls ? what() : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

bool has_landlock() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0; }

// 0: it was done; else why not.
int outcome(long result) { return result >= 0 ? 0 : errno; }

int open_a_file() { return outcome(::open("/etc/passwd", O_RDONLY)); }
int make_a_file() { return outcome(::open("/tmp", O_TMPFILE | O_RDWR, 0600)); }
int open_a_socket() { return outcome(::socket(AF_INET, SOCK_STREAM, 0)); }
int listen_at_one() {
  int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  return outcome(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
}
int run_a_program() {
  char path[] = "/bin/true";
  char* argv[] = {path, nullptr};
  return outcome(::execv(path, argv));  // true would end with 0 as well
}
int start_a_process() {
  auto const child = ::fork();
  if (child == 0) ::_exit(0);
  return outcome(child);
}
int make_memory_to_run() {
  auto* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? errno : 0;
}
int signal_another() { return outcome(::kill(::getppid(), 0)); }

// All that signing and its ledger take.
int work(int file) {
  std::string const large(5'000'000, 'x');
  char random[16];
  if (::getrandom(random, sizeof random, 0) < 0) return 1;
  if (::write(file, large.data(), 100) != 100 || ::fdatasync(file) != 0) return 2;
  if (::ftruncate(file, 10) != 0) return 3;
  return std::chrono::system_clock::now().time_since_epoch().count() > 0 ? 0 : 4;
}

TEST(Confine, AKeyInMemoryNeedsWhatIsOpenAndNothingElse) {
  auto const how = Confinement::key_in_memory;
  int const file = ::open("/tmp", O_TMPFILE | O_RDWR, 0600);
  ASSERT_GE(file, 0);
  EXPECT_EQ(in_confined_child(how, [file] { return work(file); }), 0);
  EXPECT_EQ(in_confined_child(how, open_a_socket), EPERM);
  EXPECT_EQ(in_confined_child(how, run_a_program), EPERM);
  EXPECT_EQ(in_confined_child(how, start_a_process), EPERM);
  EXPECT_EQ(in_confined_child(how, signal_another), EPERM);
  ::close(file);
  // The list is wider for sanitizers, which read files and make memory as they like: there Landlock shows itself.
  int const refused = kIsSanitized ? EACCES : EPERM;
  if (kIsSanitized && !has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(in_confined_child(how, open_a_file), refused);
  EXPECT_EQ(in_confined_child(how, make_a_file), refused);
  if (kIsSanitized) return;
  EXPECT_EQ(in_confined_child(how, make_memory_to_run), EPERM);
}

// Whoever listens before may go on taking connections, if it said so, and asks who comes.
TEST(Confine, ConnectionsAreTakenAtASocketThatListensAlready) {
  int const listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  int const coming = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr address{};
  address.sa_family = AF_UNIX;
  ASSERT_EQ(::bind(listening, &address, sizeof(sa_family_t)), 0);  // at a name of the kernel's choice
  ASSERT_EQ(::listen(listening, 4), 0);
  sockaddr_un name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&name), &size), 0);
  ASSERT_EQ(::connect(coming, reinterpret_cast<sockaddr*>(&name), size), 0);
  auto const self = ::geteuid();  // which a confined process may not ask
  auto const take = [listening, self] {
    int const fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return errno;
    return peer_of(fd) == self ? 0 : 98;
  };
  for (auto const how : {Confinement::key_in_memory, Confinement::key_in_module}) {
    EXPECT_EQ(in_confined_child(how, take, Connections::none), EPERM);
    EXPECT_EQ(in_confined_child(how, open_a_socket, Connections::taken), how == Confinement::key_in_memory ? EPERM : 0);
    EXPECT_EQ(in_confined_child(how, listen_at_one, Connections::taken), EPERM);
  }
  EXPECT_EQ(in_confined_child(Confinement::key_in_memory, take, Connections::taken), 0);
  int const buffer = 1;
  EXPECT_EQ(in_confined_child(
                Confinement::key_in_memory,
                [&] { return outcome(::setsockopt(coming, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer)); },
                Connections::taken),
            EPERM);
  ::close(coming);
  ::close(listening);
}

TEST(Confine, AModuleMayReachItsTokenAndStartNothing) {
  auto const how = Confinement::key_in_module;
  EXPECT_EQ(in_confined_child(how, open_a_file), 0);
  EXPECT_EQ(in_confined_child(how, open_a_socket), 0);
  EXPECT_EQ(in_confined_child(how, listen_at_one), EPERM);
  EXPECT_EQ(in_confined_child(how, run_a_program), EPERM);
  EXPECT_EQ(in_confined_child(how, start_a_process), EPERM);
  EXPECT_EQ(in_confined_child(how, signal_another), EPERM);
  auto const thread = [] {
    int done = 1;
    std::thread([&done] { done = 0; }).join();
    return done;
  };
  EXPECT_EQ(kIsSanitized ? 0 : in_confined_child(how, thread), 0);
}

}  // namespace
}  // namespace lenscap
