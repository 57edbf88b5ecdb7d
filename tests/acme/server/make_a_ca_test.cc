// The page docs/make-a-ca.md: an administrator copies its blocks one after the other, and they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/machine.h"
#include "tests/e2e/page.h"
#include "tests/e2e/terminal.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Administrator {
  e2e::Machine machine{"the issuing key's words\nthe root's own words\n"};
  std::string const media = machine.path("media");
  std::string const memory = machine.path("memory");
  e2e::Ran last;
  std::string said;

  Administrator() {
    machine.write_private("root-words", "the root's own words\n");
    fs::create_directories(media + "/usb");
  }
  // As people do it by hand: each share on a medium of its own.
  void hand_out_shares() const {
    for (auto const* name : {"share-1", "share-2", "share-3", "share-4", "share-5"}) {
      auto const from = memory + "/" + name + ".txt";
      if (!fs::exists(from)) continue;
      fs::create_directories(media + "/" + name);
      fs::rename(from, media + "/" + name + "/" + name + ".txt");
    }
  }
  void walk() {
    for (auto script : e2e::blocks_of("make-a-ca.md")) {
      e2e::replace_all(script, "/media/", media + "/");
      e2e::replace_all(script, "/dev/shm/shares", memory);
      e2e::replace_all(script, "root seal --to", "root seal --passphrase-file root-words --to");
      // A year later the key is where it was brought last.
      e2e::replace_all(script, "root crl --root-key " + media + "/usb/lenscap-root/root.key",
                       "root crl --root-key " + media + "/usb/lenscap-root-anew/root.key --share " + memory +
                           "-anew/share-1.txt --share " + memory + "-anew/share-3.txt");
      last = machine.run(script);
      said += last.all();
      if (last.code != 0) return;
      hand_out_shares();
    }
  }
};

TEST(MakeACa, ThePageLeadsToAServerThatCurlTrustsAndToSharesOfTheRootsKey) {
  Administrator somebody;
  somebody.walk();
  ASSERT_EQ(somebody.last.code, 0) << somebody.said;
  EXPECT_THAT(somebody.said, HasSubstr("newOrder"));  // the directory, by TLS that the root vouches for
  EXPECT_THAT(somebody.said, HasSubstr("cam1.cams.example would be issued"));
  EXPECT_THAT(somebody.said, HasSubstr("www.bank.example would not be issued"));
  EXPECT_THAT(somebody.said, HasSubstr("3 of 5 shares open it"));
  EXPECT_THAT(somebody.said, HasSubstr("Made      plant4"));
  EXPECT_THAT(somebody.said, HasSubstr("Key is valid")) << "by openssl, with what gfcombine found";
  EXPECT_FALSE(fs::exists(somebody.machine.state() + "/keys/root.key"));
  EXPECT_FALSE(fs::exists(somebody.media + "/usb/lenscap-root/root.key"));
  EXPECT_FALSE(fs::exists(somebody.media + "/usb/lenscap-root-in-shares/root.key"));
  EXPECT_TRUE(fs::exists(somebody.media + "/usb/lenscap-root-anew/root.key"));
  EXPECT_THAT(somebody.said, Not(HasSubstr("own words")));
}

// Where no systemd hands over the credential that the settings name, a person is asked: at the start, and never while
// the server serves, which would wait for an answer then.
TEST(MakeACa, ByHandThePassphraseIsTypedAtTheStart) {
  fakes::TempDir folder;
  std::string const program = "exec env -C '" + folder.path() + "' '" LENSCAP_BIN_DIR "/lenscap-ca' --state state ";
  auto const init = e2e::run_at_terminal({"sh", "-c",
                                          program + "init --name Lab --permit-dns lab.example --permit-ip 127.0.0.0/8 "
                                                    "--url https://pki.lab.example --listen 127.0.0.1:0 --http ''"},
                                         {{"Choose the passphrase of the issuing key:", "the issuing key's words"},
                                          {"Repeat the passphrase of the issuing key:", "the issuing key's words"},
                                          {"Choose the passphrase of the root key:", "the root's own words"},
                                          {"Repeat the passphrase of the root key:", "the root's own words"}});
  ASSERT_EQ(init.code, 0) << init.all();
  auto const served = e2e::run_at_terminal({"sh", "-c", program + "serve --port-file ports"},
                                           {{"Enter the passphrase of the issuing key:", "the issuing key's words"}},
                                           120, [signal = SIGHUP](std::string const& shown, pid_t pid) mutable {
                                             auto const* const wanted =
                                                 signal == SIGHUP ? "server.ready" : "reload.refused";
                                             if (shown.find(wanted) == shown.npos) return;
                                             ::kill(pid, signal);
                                             signal = SIGTERM;
                                           });
  EXPECT_EQ(served.code, 0) << served.all();
  EXPECT_THAT(served.out, HasSubstr("which has to be typed here"));
  EXPECT_EQ(served.out.find("Enter the"), served.out.rfind("Enter the"));
  EXPECT_THAT(served.out, Not(HasSubstr("own words")));
}

}  // namespace
}  // namespace lenscap
