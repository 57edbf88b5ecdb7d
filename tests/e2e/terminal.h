// A person at a terminal: types the answer when a question stands there and the terminal has stopped to show what is
// typed, which some programs do a little later than they ask.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/programs.h"

namespace lenscap::e2e {

struct Answer {
  std::string question;  // or its end
  std::string text;      // is typed with a line's end
};

// All that stands on the terminal is `out`. `answers` in the order of their questions; each has to come, or the code is
// not 0. Killed after `seconds`. `look` sees all that was shown so far, whenever there is more.
inline Ran run_at_terminal(std::vector<std::string> words, std::vector<Answer> const& answers, int seconds = 120,
                           std::function<void(std::string const& shown, pid_t pid)> const& look = {}) {
  std::fflush(nullptr);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int terminal = -1;
  pid_t const parent = ::getpid();
  pid_t const pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid < 0) throw std::runtime_error("no terminal");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  Ran ran;
  std::size_t next = 0, from = 0;
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::array<char, 4096> block{};
  for (;;) {
    if (std::chrono::steady_clock::now() >= end) {
      ran.err = "[killed: it did not end within " + std::to_string(seconds) + " s]";
      ::kill(pid, SIGKILL);
      break;  // whoever else has the terminal open is told by its end
    }
    pollfd waiting{terminal, POLLIN, 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    auto const count = ::read(terminal, block.data(), block.size());
    if (count <= 0) break;  // EIO: nobody has the terminal open any more
    ran.out.append(block.data(), static_cast<std::size_t>(count));
    if (look) look(ran.out, pid);
    if (next == answers.size()) continue;
    auto const at = ran.out.find(answers[next].question, from);
    if (at == std::string::npos) continue;
    from = at + answers[next].question.size();
    (void)until([&] {
      termios now{};
      return ::tcgetattr(terminal, &now) == 0 && (now.c_lflag & static_cast<tcflag_t>(ECHO)) == 0;
    });
    auto const typed = answers[next++].text + "\n";
    if (::write(terminal, typed.data(), typed.size()) < 0) break;
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ran.code = exit_code_of(status);
  if (next < answers.size() && ran.code == 0) ran.code = 1;
  if (next < answers.size()) ran.err += "\n[nobody asked: " + answers[next].question + "]";
  return ran;
}

}  // namespace lenscap::e2e
