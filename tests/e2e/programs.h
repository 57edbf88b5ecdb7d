// Runs programs for the end-to-end tests and remembers everything that they said and every command line that was to be
// seen meanwhile, so that a test can ask whether a secret was among it. One thread: a test may fork() while this lives.
// What goes wrong with starting and waiting is thrown as std::runtime_error.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::e2e {

struct Ran {
  int code = -1;  // exit code; 128 + signal when one ended it
  std::string out;
  std::string err;
  std::string all() const { return out + err; }
};

// Asks until it is so, at most this long. False: time is up.
bool until(std::function<bool()> const& is_so, int seconds = 120);

class Programs {
 public:
  // `words`: the program (a path, or a name of the PATH) and its arguments. Kills it after `seconds`. What comes out is
  // not remembered when `unheard`: for the few outputs whose very purpose is a secret.
  Ran run(std::vector<std::string> words, std::string_view input = {}, int seconds = 120, bool unheard = false);

  // From now on this must not be seen anywhere. Short texts would be found by chance.
  void keep_secret(std::string what, std::string secret);
  void remember(std::string where, std::string text) { heard_[std::move(where)] += text; }
  // Looks at what every process shows of its command line.
  void look_at_command_lines();
  // "the camera's password in the output of lenscap-agent status"; also searches the files below these folders.
  std::vector<std::string> leaks(std::vector<std::string> const& folders = {}) const;

 private:
  std::map<std::string, std::string> secrets_;  // what it is, and the secret
  std::map<std::string, std::string> heard_;    // where, and the text
  std::set<std::string> command_lines_;
};

// A program that stays: its output goes to a file. It dies with this process.
class Background {
 public:
  Background(std::vector<std::string> words, std::string log_file);
  ~Background();  // SIGTERM, and SIGKILL when that does not help
  Background(Background const&) = delete;
  Background& operator=(Background const&) = delete;

  int stop();  // exit code as in Ran
  int kill();  // as stop(), by SIGKILL
  int wait();  // as stop(), by itself; by SIGKILL when it does not
  bool alive();
  void signal(int number) const;
  std::string log() const;

 private:
  pid_t pid_ = -1;
  int code_ = -1;
  std::string log_file_;
};

// As in Ran, for what waitpid() gives.
int exit_code_of(int status);

}  // namespace lenscap::e2e
