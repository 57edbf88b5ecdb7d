#include "base/passphrase.h"

#include <fcntl.h>
#include <fmt/format.h>
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

Result<SecretBytes> from_file(std::string const& path, std::string_view what) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error(Errc::file, fmt::format("cannot read the {} from {}: {}", what, path, std::strerror(errno)));
  }
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
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

// Reads one line from the terminal without echo.
Result<SecretBytes> from_terminal(std::string const& question) {
  int const tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (tty < 0) {
    return Error(
        Errc::needs_confirmation,
        fmt::format("{}: there is no terminal to ask on; give a file (--passphrase-file) or a systemd credential",
                    question));
  }
  std::string const prompt = question + ": ";
  termios before{};
  bool const changed = ::tcgetattr(tty, &before) == 0;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (changed) ::tcsetattr(tty, TCSAFLUSH, &silent);
  Bytes line;
  line.reserve(kPassphraseBytesMax);
  if (::write(tty, prompt.data(), prompt.size()) >= 0) {
    std::uint8_t c = 0;
    while (line.size() < kPassphraseBytesMax && ::read(tty, &c, 1) == 1 && c != '\n') line.push_back(c);
  }
  if (changed) ::tcsetattr(tty, TCSAFLUSH, &before);
  [[maybe_unused]] auto const newline = ::write(tty, "\n", 1);
  ::close(tty);
  if (line.empty()) return Error(Errc::needs_confirmation, fmt::format("{}: nothing was entered", question));
  return SecretBytes(std::move(line));
}

}  // namespace

Result<SecretBytes> read_passphrase(std::string const& source, std::string_view what) {
  if (source == "prompt") return from_terminal(fmt::format("Enter the {}", what));
  if (source.starts_with("file:")) return from_file(source.substr(5), what);
  if (source.starts_with("credential:")) {
    char const* directory = std::getenv("CREDENTIALS_DIRECTORY");  // a directory's name, not a secret
    std::string const name = source.substr(11);
    if (directory == nullptr || name.empty() || name.find('/') != std::string::npos) {
      return Error(
          Errc::file,
          fmt::format("the {} is to come from the systemd credential '{}', but there is none; start the service by "
                      "systemd with LoadCredential, or choose file: or prompt",
                      what, name));
    }
    return from_file(std::string(directory) + "/" + name, what);
  }
  return Error(Errc::settings,
               fmt::format("the {} cannot come from '{}'; write credential:NAME, file:PATH or prompt", what, source));
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
