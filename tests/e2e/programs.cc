#include "tests/e2e/programs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace lenscap::e2e {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookInterval{20};

// Empty when it is not there, or not any more.
std::string read_all(std::string const& path) {
  std::string text;
  int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  std::array<char, 16384> block{};
  for (ssize_t count = 0; (count = read(file, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(count));
  close(file);
  return text;
}

// Made before the fork: behind it nothing may ask for memory, whose lock another thread may have held.
std::vector<char*> arguments(std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return argv;
}

// Between fork and exec: this process is to end with the test program, whatever becomes of that.
[[noreturn]] void become(std::vector<char*> const& argv, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGPIPE, SIG_DFL);
  execvp(argv[0], argv.data());
  std::fprintf(stderr, "cannot run %s\n", argv[0]);
  _exit(127);
}

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(Pipe const&) = delete;
  Pipe& operator=(Pipe const&) = delete;
  void close_end(std::size_t which) {
    if (ends[which] >= 0) close(ends[which]);
    ends[which] = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

std::string name_of(std::vector<std::string> const& words) {
  std::string name = "the output of " + std::filesystem::path(words.front()).filename().string();
  for (std::size_t i = 1; i < words.size(); ++i) name += " " + words[i];
  return name;
}

}  // namespace

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

bool until(std::function<bool()> const& is_so, int seconds) {
  auto const end = SteadyClock::now() + std::chrono::seconds(seconds);
  while (!is_so()) {
    if (SteadyClock::now() >= end) return false;
    std::this_thread::sleep_for(kLookInterval);  // a look at intervals, not a wait for luck
  }
  return true;
}

Ran Programs::run(std::vector<std::string> words, std::string_view input, int seconds, bool unheard) {
  signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  std::fflush(nullptr);
  auto const argv = arguments(words);
  pid_t const parent = getpid();
  pid_t const pid = fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid == 0) {
    dup2(in.ends[0], STDIN_FILENO);
    dup2(out.ends[1], STDOUT_FILENO);
    dup2(err.ends[1], STDERR_FILENO);
    become(argv, parent);
  }
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  // Inputs here are smaller than a pipe holds.
  if (!input.empty() && write(in.ends[1], input.data(), input.size()) < 0) input = {};
  in.close_end(1);

  Ran ran;
  auto const end = SteadyClock::now() + std::chrono::seconds(seconds);
  std::array<pollfd, 2> wait{pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0}};
  std::array<char, 65536> block{};
  bool killed = false;
  while (wait[0].fd >= 0 || wait[1].fd >= 0) {
    poll(wait.data(), wait.size(), static_cast<int>(kLookInterval.count()));
    look_at_command_lines();
    if (!killed && SteadyClock::now() >= end) {
      kill(pid, SIGKILL);
      killed = true;
    }
    for (std::size_t i = 0; i < wait.size(); ++i) {
      if (wait[i].fd < 0 || wait[i].revents == 0) continue;
      ssize_t const count = read(wait[i].fd, block.data(), block.size());
      if (count > 0) {
        (i == 0 ? ran.out : ran.err).append(block.data(), static_cast<std::size_t>(count));
      } else {
        wait[i].fd = -1;
      }
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ran.code = exit_code_of(status);
  if (killed) ran.err += "\n[killed: it did not end within " + std::to_string(seconds) + " s]";
  if (!unheard) remember(name_of(words), ran.all());
  return ran;
}

void Programs::keep_secret(std::string what, std::string secret) {
  if (secret.size() < 12) throw std::runtime_error(what + " is too short to be looked for");
  secrets_[std::move(what)] = std::move(secret);
}

void Programs::look_at_command_lines() {
  std::error_code error;
  for (auto const& entry : std::filesystem::directory_iterator("/proc", error)) {
    std::string const name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string line = read_all(entry.path().string() + "/cmdline");
    std::replace(line.begin(), line.end(), '\0', ' ');
    if (!line.empty()) command_lines_.insert(std::move(line));
  }
}

std::vector<std::string> Programs::leaks(std::vector<std::string> const& folders) const {
  std::vector<std::string> found;
  auto const search = [&](std::string const& where, std::string const& text) {
    for (auto const& [what, secret] : secrets_) {
      if (text.find(secret) != std::string::npos) found.push_back(what + " in " + where);
    }
  };
  for (auto const& [where, text] : heard_) search(where, where + text);
  for (std::string const& line : command_lines_) search("a command line", line);
  for (std::string const& folder : folders) {
    for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) search(entry.path().string(), read_all(entry.path().string()));
    }
  }
  return found;
}

Background::Background(std::vector<std::string> words, std::string log_file) : log_file_(std::move(log_file)) {
  std::fflush(nullptr);
  auto const argv = arguments(words);
  pid_t const parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    int const log = open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    int const nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    become(argv, parent);
  }
}

Background::~Background() { stop(); }

bool Background::alive() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = exit_code_of(status);
    pid_ = -1;
  }
  return pid_ > 0;
}

int Background::stop() {
  if (!alive()) return code_;
  ::kill(pid_, SIGTERM);
  if (!until([this] { return !alive(); })) kill();
  return code_;
}

int Background::kill() {
  if (!alive()) return code_;
  ::kill(pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_) code_ = exit_code_of(status);
  pid_ = -1;
  return code_;
}

void Background::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Background::wait() {
  if (!until([this] { return !alive(); })) kill();
  return code_;
}

std::string Background::log() const { return read_all(log_file_); }

}  // namespace lenscap::e2e
