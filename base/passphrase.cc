#include "base/passphrase.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/file.h"

namespace lenscap {
namespace {

constexpr std::size_t kPassphraseBytesMax = 1024;
constexpr std::string_view kCredential = "credential:";
constexpr char const* kCredentials = "CREDENTIALS_DIRECTORY";  // a directory's name, not a secret

// `forbidden`: mode bits by which others could read it.
Result<SecretBytes> from_file(std::string const& path, std::string_view what, mode_t forbidden) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error(Errc::file, fmt::format("cannot read the {} from {}: {}", what, path, std::strerror(errno)));
  }
  if (S_ISREG(info.st_mode) && (info.st_mode & forbidden) != 0) {
    return Error(Errc::file,
                 fmt::format("{} holds the {} and others may read it; run: chmod 600 {}", path, what, path));
  }
  TRY(auto content, read_file(path, kPassphraseBytesMax));
  std::size_t const length = content.find_last_not_of("\r\n") + 1;
  SecretBytes secret(std::string_view(content).substr(0, length));
  OPENSSL_cleanse(content.data(), content.size());
  if (secret.empty()) return Error(Errc::file, fmt::format("{} is empty; it must hold the {}", path, what));
  return secret;
}

// While it lives, the terminal shows nothing of what is typed, and a signal that would end or stop the process waits:
// the terminal must not be left mute.
class Silence {
 public:
  explicit Silence(int tty) : tty_(tty), changed_(::tcgetattr(tty, &before_) == 0) {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (int const signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, &mask_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (changed_) ::tcsetattr(tty, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (changed_) ::tcsetattr(tty_, TCSAFLUSH, &before_);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);  // what waited happens now
  }
  Silence(Silence const&) = delete;
  Silence& operator=(Silence const&) = delete;

 private:
  int tty_;
  termios before_{};
  bool changed_;
  sigset_t mask_{};
};

// Is a signal waiting that Silence holds back?
bool interrupted() {
  sigset_t waiting;
  return ::sigpending(&waiting) == 0 &&
         (::sigismember(&waiting, SIGINT) == 1 || ::sigismember(&waiting, SIGTERM) == 1 ||
          ::sigismember(&waiting, SIGQUIT) == 1 || ::sigismember(&waiting, SIGHUP) == 1);
}

// One octet, or nothing: the end, an error, or a signal that wants to end the process.
bool read_octet(int tty, std::uint8_t& octet) {
  constexpr int kLookForSignalsEveryMs = 100;
  for (;;) {
    pollfd waiting{tty, POLLIN, 0};
    int const ready = ::poll(&waiting, 1, kLookForSignalsEveryMs);
    if (ready > 0) return ::read(tty, &octet, 1) == 1;
    if (ready < 0 || interrupted()) return false;
  }
}

Error unread(std::string const& path) {
  return {Errc::file, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
}

// False: `errno` says why.
bool read_all(int fd, Bytes& room, std::size_t& size) {
  while (size < room.size()) {
    ssize_t const count = ::read(fd, room.data() + size, room.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    size += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

Result<SecretBytes> read_secret_file(std::string const& path, std::size_t bytes_max) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unread(path);
  Bytes room(bytes_max + 1);  // what a vector leaves behind when it grows is not wiped
  std::size_t size = 0;
  bool const is_read = read_all(fd, room, size);
  auto failed = unread(path);
  ::close(fd);
  room.resize(size);
  SecretBytes content(std::move(room));
  if (!is_read) return failed;
  if (size > bytes_max) return Error(Errc::file, fmt::format("{} is longer than {} bytes", path, bytes_max));
  return content;
}

Result<SecretBytes> ask_unseen(std::string const& question, std::string_view instead) {
  int const tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (tty < 0) {
    return Error(Errc::needs_confirmation, fmt::format("{}: there is no terminal to ask on; {}", question, instead));
  }
  std::string const prompt = question + ": ";
  Bytes line;
  line.reserve(kPassphraseBytesMax);
  {
    Silence const silence(tty);
    if (::write(tty, prompt.data(), prompt.size()) >= 0) {
      std::uint8_t c = 0;
      while (line.size() < kPassphraseBytesMax && read_octet(tty, c) && c != '\n') line.push_back(c);
    }
    [[maybe_unused]] auto const newline = ::write(tty, "\n", 1);
  }
  ::close(tty);
  if (line.empty()) return Error(Errc::needs_confirmation, fmt::format("{}: nothing was entered", question));
  return SecretBytes(std::move(line));
}

namespace {

Result<SecretBytes> from_terminal(std::string const& question) {
  return ask_unseen(question, "give a file (--passphrase-file) or a systemd credential");
}

}  // namespace

Result<SecretBytes> read_passphrase(std::string const& source, std::string_view what) {
  if (source == "prompt") return from_terminal(fmt::format("Enter the {}", what));
  if (source.starts_with("file:")) return from_file(source.substr(5), what, 077);
  if (source.starts_with(kCredential)) {
    char const* directory = std::getenv(kCredentials);
    std::string const name = source.substr(kCredential.size());
    if (directory == nullptr || name.empty() || name.find('/') != std::string::npos) {
      return Error(
          Errc::file,
          fmt::format("the {} is to come from the systemd credential '{}', but there is none; start the service by "
                      "systemd with LoadCredential, or choose file: or prompt",
                      what, name));
    }
    // systemd starts the service without it when it has not found it anywhere; its directory may then be closed to us.
    auto const path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), F_OK) != 0) {
      return Error(
          Errc::file,
          fmt::format("the {} is to come from the systemd credential '{}', and systemd handed none of that name to the "
                      "service: it belongs into /etc/credstore.encrypted/{} (systemd-creds encrypt --name={})",
                      what, name, name, name));
    }
    // systemd grants the service's user by an access list, which shows as the group's bit; the directory is private.
    return from_file(path, what, 007);
  }
  return Error(Errc::settings,
               fmt::format("the {} cannot come from '{}'; write credential:NAME, file:PATH or prompt", what, source));
}

bool is_typed(std::string const& source) {
  return source == "prompt" || (source.starts_with(kCredential) && std::getenv(kCredentials) == nullptr);
}

Result<SecretBytes> read_or_ask_passphrase(std::string const& source, std::string_view what) {
  int const tty = is_typed(source) ? ::open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
  if (tty < 0) return read_passphrase(source, what);  // which says what is missing
  ::close(tty);
  return read_passphrase("prompt", what);
}

Result<SecretBytes> new_passphrase(std::string const& source, std::string_view what) {
  if (source != "prompt") return read_passphrase(source, what);
  TRY(auto first, from_terminal(fmt::format("Choose the {}", what)));
  TRY(auto second, from_terminal(fmt::format("Repeat the {}", what)));
  if (!equal_constant_time(first.view(), second.view()))
    return Error(Errc::usage, "the two entries differ; nothing was changed");
  return first;
}

}  // namespace lenscap
