// The machine of an administrator who copies the blocks of a page one after the other. Only what a test may not do
// stands in for itself: the state is a folder of the test, the passphrases come from a file, systemctl starts the
// server on free ports of loopback, or has it reload, and curl goes there whatever the name. Nothing is sealed for
// systemd, since the settings name that file. On a machine with a real systemd, 200_systemd_test.cc walks the pages.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/programs.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::e2e {

class Machine {
 public:
  // `passphrases`: what `init` would ask for, a line each.
  explicit Machine(std::string const& passphrases) {
    write_private("ca-words", passphrases);
    std::filesystem::create_directory(path("bin"));
    tool("lenscap-ca", "[ \"$1\" != init ] || set -- \"$@\" --passphrase-file '" + path("ca-words") +
                           "' --listen 127.0.0.1:0 --http 127.0.0.1:0\n"
                           "exec '" LENSCAP_BIN_DIR "/lenscap-ca' --state '" +
                           path("state") + "' \"$@\"\n");
    // "restart" waits for the end of the one before, "reload" for what becomes of it.
    tool("systemctl",
         "if [ \"$1\" = reload ]; then\n"
         "  before=$(grep -c reload.done serve.log || :)\n"
         "  kill -HUP $(cat server.pid)\n"
         "  until [ $(grep -c reload.done serve.log || :) -gt $before ]; do\n"
         "    if grep reload.refused serve.log; then exit 1; fi\n"
         "  done\n"
         "  exit\n"
         "fi\n"
         "if [ \"$1\" = restart ]; then\n"
         "  kill $(cat server.pid)\n"
         "  until grep -q server.stopped serve.log; do :; done\n"
         "  rm ports\n"
         "fi\n"
         "lenscap-ca serve --port-file ports >serve.log 2>&1 &\n"
         "echo $! >server.pid\n"
         "while [ ! -e ports ]; do kill -0 $! || { cat serve.log; exit 1; }; done\n");
    tool("systemd-ask-password", "head -n 1 '" + path("ca-words") + "'\n");
    tool("systemd-creds",
         "[ \"$1 $2 $3 $4\" = 'encrypt --name=lenscap-ca-key - /etc/credstore.encrypted/lenscap-ca-key' ]\n"
         "cat >/dev/null\n");
    tool("curl",
         "exec /usr/bin/curl --silent --show-error --connect-to "
         "\"::127.0.0.1:$(awk '$1 == \"acme\" { print $3 }' ports)\" \"$@\"\n");
  }
  ~Machine() {
    try {
      run("[ ! -e server.pid ] || kill $(cat server.pid)");
    } catch (std::exception const&) {
      // The test says what is wrong by itself.
    }
  }
  Machine(Machine const&) = delete;
  Machine& operator=(Machine const&) = delete;

  std::string path(std::string const& name) const { return dir_.path(name); }
  std::string state() const { return path("state"); }
  void write_private(std::string const& name, std::string const& text) {
    std::ofstream(path(name)) << text;
    std::filesystem::permissions(path(name), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  // In the machine's folder.
  Ran run(std::string const& script) {
    return programs_.run(
        {"env", "-C", dir_.path(), "PATH=" + path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-euc", script});
  }

 private:
  void tool(std::string const& name, std::string const& script) {
    std::ofstream(path("bin/" + name)) << "#!/bin/sh\n" + script;
    std::filesystem::permissions(path("bin/" + name), std::filesystem::perms::owner_all);
  }

  fakes::TempDir dir_;
  Programs programs_;
};

}  // namespace lenscap::e2e
