// What the tests of the two pages about roll-overs begin with: the machine of an administrator, a CA of `init` whose
// root's key was moved to a medium, and its service at work. One for all tests of a program, since keys take seconds to
// make.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/e2e/machine.h"

namespace lenscap::acme::test {

class RollingOver : public ::testing::Test {
 protected:
  static void make_ca() {
    machine_ = std::make_unique<e2e::Machine>("the issuing key's words\nthe root's own words\n");
    machine_->write_private("root-words", "the root's own words\n");
    std::filesystem::create_directory(machine_->path("usb"));  // the medium
    made_ =
        run("lenscap-ca init --name 'Example Cameras' --permit-dns cams.example --permit-ip 10.20.0.0/15 "
            "--url https://pki.cams.example\n"
            "lenscap-ca root seal --passphrase-file root-words --to usb/lenscap-root\n"
            "lenscap-ca root export --out root.pem\n"
            "systemctl enable --now lenscap-ca\n");
  }
  static void TearDownTestSuite() { machine_.reset(); }

  static e2e::Ran run(std::string const& script) { return machine_->run(script); }

  // A back-up that is restored elsewhere has the same files in this folder of the state directory.
  static void expect_backed_up(std::string const& folder) {
    machine_->write_private("backup-words", "the words of the back-up\n");
    auto const ran =
        run("lenscap-ca backup create copy.lenscap --passphrase-file backup-words\n"
            "'" LENSCAP_BIN_DIR
            "/lenscap-ca' --state restored restore copy.lenscap --passphrase-file backup-words\n"
            "diff -r state/" +
            folder + " restored/" + folder + "\n");
    EXPECT_EQ(ran.code, 0) << ran.all();
  }

  static inline std::unique_ptr<e2e::Machine> machine_;
  static inline e2e::Ran made_;  // the last of what made the CA and walked through the page
};

}  // namespace lenscap::acme::test
