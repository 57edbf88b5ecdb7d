// A machine with a running systemd, of its own (see boot_systemd), with this build installed as an administrator
// installs it. For the units: everything else needs less.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/programs.h"
#include "tests/e2e/terminal.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::e2e {

class Booted {
 public:
  // Why this machine cannot have one; empty when it can.
  static std::string why_not() {
    if (::geteuid() != 0) return "only root can boot a systemd";
    if (!std::filesystem::exists("/lib/systemd/systemd")) return "systemd is not installed (./dev setup)";
    if (Programs().run({"unshare", "--mount", "--pid", "--fork", "--net", "--cgroup", "true"}).code != 0)
      return "this machine lets root make no namespaces";
    return {};
  }

  Booted() : machine_({LENSCAP_SOURCE_DIR "/tests/e2e/boot_systemd", dir_.path("machine"), LENSCAP_BUILD_DIR}, log()) {
    auto const file = dir_.path("machine/init");
    (void)until([&] { return std::filesystem::exists(file) || !machine_.alive(); }, kPatience);
    std::getline(std::ifstream(file), init_);
    // Its process 1 takes no commands in its first moments.
    auto const up = [&] { return run("systemctl is-system-running --wait").out == "running\n"; };
    if (init_.empty() || !until([&] { return !machine_.alive() || up(); }, kPatience) || !machine_.alive())
      throw std::runtime_error("no systemd came up: " + machine_.log() + run("systemctl --failed").all());
  }

  // By root there, in root's home, by `sh -eu`.
  Ran run(std::string const& script, std::string const& input = {}) {
    return programs_.run(words(script), input, kPatience);
  }
  // The same at a terminal, where somebody answers.
  Ran type(std::string const& script, std::vector<Answer> const& answers) {
    return run_at_terminal(words(script), answers, 2 * kPatience);
  }
  // What it prints, when it is to succeed.
  std::string out_of(std::string const& script, std::string const& input = {}) {
    auto const ran = run(script, input);
    EXPECT_EQ(ran.code, 0) << script << "\n" << ran.all() << journal();
    return ran.out;
  }
  std::string journal() { return run("journalctl --sync; journalctl --no-pager --quiet --output=cat").out; }

 private:
  static constexpr int kPatience = 180;
  std::vector<std::string> words(std::string const& script) const {
    return {"nsenter",
            "--target=" + init_,
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--root",
            "--wd",
            "env",
            "-i",
            "-C",
            "/root",
            "HOME=/root",
            "SYSTEMD_PAGER=",
            "LEGO_CA_CERTIFICATES=root.pem",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "sh",
            "-euc",
            script};
  }
  std::string log() const { return dir_.path("log"); }
  fakes::TempDir dir_;
  Programs programs_;
  std::string init_;
  Background machine_;
};

}  // namespace lenscap::e2e
