// lenscap-ca as a process: a state directory made by `init`, and `serve` on free ports of loopback, under the name
// localhost. For tests that want the whole program and no cameras.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/e2e/programs.h"
#include "tests/fakes/corporation.h"
#include "tests/fakes/free_port.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::fakes {

class CaProcess {
 public:
  // `more` goes into ca.toml's [acme] table, such as "http_port = 5002\n", and `tables` to the end of the file, such as
  // "[chaos]\nbad_nonce = 100\n". With a parent it has no root of its own, and its chain is installed.
  explicit CaProcess(std::string const& more = "", std::string const& tables = "", Corporation* parent = nullptr)
      : tls_port_(free_port()), http_port_(free_port()) {
    write_private(dir_.path("passphrases"), "the issuing key's words\nthe root's own words\n");
    std::vector<std::string> init{"init",
                                  "--name",
                                  "Example Cameras",
                                  "--permit-dns",
                                  "localhost",
                                  "cams.example",
                                  "--permit-ip",
                                  "127.0.0.0/8",
                                  "10.20.0.0/15",
                                  "--url",
                                  "https://localhost:" + std::to_string(tls_port_),
                                  "--listen",
                                  "127.0.0.1:" + std::to_string(tls_port_),
                                  "--http",
                                  "127.0.0.1:" + std::to_string(http_port_),
                                  "--passphrase-file",
                                  dir_.path("passphrases")};
    if (parent != nullptr) init.emplace_back("--intermediate");
    auto const made = run(std::move(init));
    if (made.code != 0) throw std::runtime_error("init: " + made.all());
    init_output_ = made.out;
    if (parent != nullptr) install(*parent);
    auto const file = state() + "/ca.toml";
    auto text = read(file);
    text.replace(text.find("[acme]\n"), 7, "[acme]\n" + more);
    text += tables;
    std::ofstream(file) << text;
  }

  e2e::Ran run(std::vector<std::string> words) { return run_on(state(), std::move(words)); }
  e2e::Ran run_on(std::string const& state, std::vector<std::string> words) {
    words.insert(words.begin(), {std::string(LENSCAP_BIN_DIR) + "/lenscap-ca", "--state", state});
    return programs_.run(std::move(words));
  }
  // `before`: words in front of the program, such as "env", "NOTIFY_SOCKET=..."; `more`: options of `serve`.
  void serve(std::vector<std::string> before = {}, std::vector<std::string> const& more = {}) {
    std::filesystem::remove(dir_.path("ports"));
    before.insert(before.end(), {std::string(LENSCAP_BIN_DIR) + "/lenscap-ca", "--state", state(), "serve",
                                 "--port-file", dir_.path("ports")});
    before.insert(before.end(), more.begin(), more.end());
    server_ = std::make_unique<e2e::Background>(std::move(before), dir_.path("log"));
    auto const ready = [this] { return std::filesystem::exists(dir_.path("ports")) || !server_->alive(); };
    if (!e2e::until(ready) || !server_->alive()) throw std::runtime_error("serve: " + server_->log());
  }
  int stop() { return server_->stop(); }
  int kill() { return server_->kill(); }
  int wait() { return server_->wait(); }
  void signal(int number) { server_->signal(number); }
  // The event that says how it went: "reload.done", "reload.refused" or "reload.failed"; empty when none came.
  std::string reload() {
    std::map<std::string, int> before;
    for (auto const* event : {"reload.done", "reload.refused", "reload.failed"}) before[event] = events(event);
    signal(SIGHUP);
    std::string came;
    e2e::until([&] {
      for (auto const& [event, count] : before)
        if (events(event) > count) came = event;
      return !came.empty();
    });
    return came;
  }
  // How often it has told of this in its log.
  int events(std::string const& name) const {
    auto const text = log(), wanted = "\"event\":\"" + name + "\"";
    int count = 0;
    for (auto at = text.find(wanted); at != text.npos; at = text.find(wanted, at + 1)) ++count;
    return count;
  }

  std::string state() const { return dir_.path("state"); }
  std::string root() const { return root_.empty() ? state() + "/keys/root.pem" : root_; }
  std::string issuing() const { return state() + "/keys/issuing.pem"; }
  std::string path(std::string const& name) const { return dir_.path(name); }
  std::string base() const { return "https://localhost:" + std::to_string(tls_port_); }
  std::string directory() const { return base() + "/acme/directory"; }
  std::string web() const { return "http://localhost:" + std::to_string(http_port_); }
  std::string const& init_output() const { return init_output_; }
  std::string log() const { return server_->log(); }
  e2e::Programs& programs() { return programs_; }

  static std::string read(std::string const& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  static void write_private(std::string const& path, std::string const& text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  void install(Corporation& parent) {
    auto const asked = run({"issuer", "csr", "--out", dir_.path("issuing.csr")});
    if (asked.code != 0) throw std::runtime_error("issuer csr: " + asked.all());
    parent.sign(dir_.path("issuing.csr"));
    std::vector<std::string> words{"issuer", "install"};
    for (auto const& file : parent.chain()) words.push_back(file);
    auto const installed = run(std::move(words));
    if (installed.code != 0) throw std::runtime_error("issuer install: " + installed.all());
    root_ = parent.root();
  }

  TempDir dir_;
  e2e::Programs programs_;
  std::string root_;  // somebody else's
  unsigned short tls_port_, http_port_;
  std::string init_output_;
  std::unique_ptr<e2e::Background> server_;
};

}  // namespace lenscap::fakes
