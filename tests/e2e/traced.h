// Calls of the system that are made to fail, by strace: counted in one run, and each of them made to fail in another.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/faults.h"

namespace lenscap::e2e {

// A call to fail: the n-th of its kind on this file, or among all files where the file's name is made by chance.
struct Fault {
  std::string call;
  std::string path;  // empty: any
  int n = 1;
  std::string error;
  bool stays = false;  // and every one after it, as on a disk that does not recover

  std::string text() const {
    return call + " " + (path.empty() ? "any file" : path) + " number " + std::to_string(n) +
           (stays ? " and all after it " : " ") + error;
  }
};

// What counts and injects.
struct Traced : Faults {
  static constexpr char const* kCalls =
      "write,writev,pwrite64,pwritev,sendfile,copy_file_range,fsync,fdatasync,sync_file_range,rename,renameat,"
      "renameat2,"
      "link,unlink,unlinkat,openat,ftruncate,fallocate,mkdir,chmod,fchmod,fchmodat";

  std::string const log = ca.path("strace.log");

  // -D: the server stays this test's child, and its exit code its own. -f: its threads and its signer too.
  std::vector<std::string> strace(std::vector<std::string> const& more) const {
    std::vector<std::string> words{"strace", "-D", "-f", "-y", "-s", "0", "-o", log};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // ptrace may be forbidden, as in many containers. Asked by what a test needs of it.
  bool may_trace() {
    auto const file = ca.path("probe");
    std::ofstream(file) << "x";
    auto const ran = ca.programs().run(
        {"strace", "-D", "-f", "-y", "-o", log, "-P", file, "-e", "inject=fsync:error=EIO:when=1", "sync", file});
    return ran.code == 1 && ran.err.find("Input/output error") != std::string::npos;
  }

  // What strace said; its last lines come a moment after the program's end.
  std::string traced() const {
    std::string text;
    EXPECT_TRUE(until([&] {
      bool const is_over = !is_open(log);
      text = fakes::CaProcess::read(log);
      return is_over && text.ends_with("+++\n");
    })) << text;
    return text;
  }
  // Whether a process that may be looked at has this file open.
  static bool is_open(std::string const& file) {
    std::error_code ignored;
    auto const target = std::filesystem::canonical(file, ignored);
    if (target.empty()) return false;
    for (auto const& process : std::filesystem::directory_iterator("/proc", ignored))
      for (std::filesystem::directory_iterator open(process.path() / "fd", ignored), end; open != end;
           open.increment(ignored))
        if (std::filesystem::read_symlink(open->path(), ignored) == target) return true;
    return false;
  }
  // A fault of any file meets the n-th call of each thread, whatever it is on. Where that was the bell by which a
  // thread wakes another, or a pipe, a program may wait for ever: no disk makes that fail.
  static bool met_no_file(std::string const& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (line.find("(INJECTED)") != line.npos &&
          (line.find("<anon_inode:") != line.npos || line.find("<pipe:") != line.npos))
        return true;
    return false;
  }
  // Which calls were made on files below the folder.
  static std::map<std::pair<std::string, std::string>, int> count_calls(std::string const& text,
                                                                        std::string const& folder);
  // How a program died that had a fault which no full disk brings about; empty when it did not.
  static std::string crash(std::string const& text) {
    for (auto const* signal : {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGSYS", "SIGILL", "SIGFPE"})
      if (text.find(std::string("+++ killed by ") + signal) != text.npos) return signal;
    return "";
  }
  static std::vector<std::string> injecting(Fault const& fault) {
    std::vector<std::string> words{"-e", "trace=" + fault.call, "-e",
                                   "inject=" + fault.call + ":error=" + fault.error +
                                       ":when=" + std::to_string(fault.n) + (fault.stays ? "+" : "")};
    if (!fault.path.empty()) words.insert(words.end(), {"-P", fault.path});
    return words;
  }
};

inline std::map<std::pair<std::string, std::string>, int> Traced::count_calls(std::string const& text,
                                                                              std::string const& folder) {
  // By thread, since strace counts in each thread by itself; then the most of a thread.
  std::map<std::tuple<std::string, std::string, std::string>, int> by_thread, of_call;
  std::map<std::pair<std::string, std::string>, int> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto const parenthesis = line.find('(');
    auto const begin = line.find(folder);
    auto const blank = line.find(' ');
    if (parenthesis == line.npos || blank == line.npos || blank > parenthesis || line.find("resumed>") != line.npos)
      continue;
    auto const thread = line.substr(0, blank);
    auto const name_begin = line.find_first_not_of(' ', blank);
    auto const call = line.substr(name_begin, parenthesis - name_begin);
    auto const nth = ++of_call[{thread, call, ""}];
    if (begin == line.npos) continue;
    auto path = line.substr(begin, line.find_first_of("\">", begin) - begin);
    if (path.find(".new-") == path.npos) {
      auto const count = ++by_thread[{thread, call, path}];
      calls[{call, path}] = std::max(calls[{call, path}], count);
    } else {
      calls[{call + "#" + std::to_string(nth), ""}] = nth;
    }
  }
  return calls;
}

}  // namespace lenscap::e2e
