// The signer as a process: what the server does when it does not start, lies or dies, and what is left when it is
// killed at work. tests/ca has its judgement without a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "acme/server/server.h"
#include "ca/remote_signer.h"
#include "tests/ca/signing_bench.h"
#include "tests/e2e/signer_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// `lenscap-ca signer` of this state directory, and this test as its front end.
class Signer {
 public:
  explicit Signer(fakes::CaProcess const& ca) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket pair");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1] == 3 ? ::dup(ends[1]) : ends[1], 3);
      ::execl(LENSCAP_BIN_DIR "/lenscap-ca", "lenscap-ca", "--state", ca.state().c_str(), "signer", nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    socket_ = ends[0];
  }
  ~Signer() {
    if (socket_ >= 0) ::close(socket_);
    end();
  }
  int take_socket() { return std::exchange(socket_, -1); }
  void kill() { ::kill(pid_, SIGKILL); }
  int end() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  void send(Bytes const& octets) {
    ByteView rest = octets;
    while (!rest.empty()) {
      auto const count = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count <= 0) throw std::runtime_error("the signer does not listen");
      rest = rest.subspan(static_cast<std::size_t>(count));
    }
  }
  std::optional<ca::Answer> receive() {
    while (true) {
      auto next = frames_.next().value();
      if (next) return ca::decode_answer(*next).value();
      std::uint8_t block[4096];
      auto const count = ::recv(socket_, block, sizeof block, 0);
      if (count <= 0) return std::nullopt;
      frames_.feed(ByteView(block, static_cast<std::size_t>(count)));
    }
  }

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
  ca::Frames frames_;
};

TEST_F(SignerProcess, ServeSignsThroughItAndHoldsNoKey) {
  ca.serve();
  EXPECT_EQ(logged("signer.ready", "calls_filtered"), "true") << ca.log();
  EXPECT_EQ(certificates_on_record(), 1U) << "the server's own";
  auto const fetched = ca.programs().run({"curl", "-s", "--cacert", ca.root(), ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("newOrder"));
  std::string const proc = "/proc/" + std::to_string(signer_pid());
  auto const status = fakes::CaProcess::read(proc + "/status");
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(fakes::CaProcess::read(proc + "/cmdline"), Not(HasSubstr(kPassphrase)));
  EXPECT_THAT(fakes::CaProcess::read(proc + "/environ"), Not(HasSubstr(kPassphrase)));
  auto const pid = signer_pid();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  EXPECT_EQ(::kill(pid, 0), -1) << "the signer outlived its server";
}

TEST_F(SignerProcess, WhenItDiesTheServerSaysSoAndEnds) {
  ca.serve();
  ::kill(signer_pid(), SIGKILL);
  ASSERT_TRUE(until([this] { return ca.log().find("server.stopped") != std::string::npos; })) << ca.log();
  EXPECT_EQ(ca.stop(), 1) << "so that the supervisor starts it again";
  EXPECT_EQ(logged("signer.ended", "how"), "\"signal 9\"");
  EXPECT_THAT(ca.log(), HasSubstr("the signer has ended by signal 9"));
  ca.serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerProcess, OneSettingKeepsTheKeyInTheServer) {
  auto const file = ca.state() + "/ca.toml";
  std::ofstream(file, std::ios::app) << "[signer]\nprocess = false\n";
  ca.serve();
  EXPECT_EQ(logged("signer.ready", "pid"), "");
  EXPECT_FALSE(std::filesystem::exists(ledger));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerProcess, SaysWhyItDoesNotStart) {
  Signer wrong(ca);
  auto const refused = ca::RemoteSigner::open(wrong.take_socket(), SecretBytes(std::string_view("not these words")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::wrong_passphrase);

  std::ofstream(ledger) << "something else\n";
  Signer changed(ca);
  auto const unreadable = ca::RemoteSigner::open(changed.take_socket(), passphrase());
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(unreadable.error().detail(), HasSubstr("line 1 cannot be read"));

  auto const by_hand = ca.run({"signer"});
  EXPECT_EQ(by_hand.code, 2);
  EXPECT_THAT(by_hand.all(), HasSubstr("started by serve"));
}

// A restored store does not know what was signed since the back-up: the start says so, and so does `store verify`.
TEST_F(SignerProcess, WhatTheStoreDoesNotKnowIsReported) {
  ca::SignedEntry const unknown{
      .issuer = "abcd", .at = SystemClock().now(), .serial_hex = "0102030405", .tbs_hash = std::string(64, 'a')};
  std::ofstream(ledger) << ca::to_line(unknown) << "cert abcd 17";  // and a torn line
  std::filesystem::permissions(ledger, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ca.serve();
  EXPECT_EQ(logged("signer.unknown_certificate", "serial"), "\"0102030405\"");
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 6) << verified.all();
  EXPECT_THAT(verified.out, HasSubstr("signer.ledger/0102030405"));
  EXPECT_EQ(certificates_on_record(), 2U) << "what came after it stands on a line of its own";
  EXPECT_EQ(ca.stop(), 0);
}

// Its book was cut, emptied or taken away behind its back: the next start says so, and store verify names what is
// missing.
TEST_F(SignerProcess, ALedgerThatLacksWhatTheStoreHasIsTold) {
  ca.serve();
  EXPECT_EQ(logged("signer.ledger_lacks", "count"), "");
  EXPECT_EQ(ca.stop(), 0);
  EXPECT_EQ(ca.run({"store", "verify"}).code, 0);
  std::filesystem::resize_file(ledger, 0);
  for (int i = 0; i < 2; ++i) {
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 6) << verified.all();
    EXPECT_THAT(verified.out, HasSubstr("and the signer's ledger has not"));
    std::filesystem::remove(ledger);
  }
  ca.serve();
  EXPECT_EQ(logged("signer.ledger_lacks", "count"), "1") << ca.log();
  EXPECT_EQ(ca.stop(), 0);
}

// The store's list of numbers was lost: the signer has signed number 1, and would sign no other 1.
TEST_F(SignerProcess, ListsGoOnAboveWhatWasSigned) {
  auto const chain = ca::load_chain(ca.state()).value();
  ca::SignedEntry const list{.kind = ca::SignedEntry::Kind::crl,
                             .issuer = to_hex(chain.issuing.subject_key_id()),
                             .at = SystemClock().now(),
                             .number = 41,
                             .tbs_hash = std::string(64, 'a')};
  std::ofstream(ledger) << ca::to_line(list);
  ca.serve();
  EXPECT_EQ(logged("crl.made", "number"), "42") << ca.log();
  EXPECT_EQ(ca.stop(), 0);
}

// Many ask at once, and it is killed at work: everybody hears of it, and whoever got a signature finds it on record.
TEST_F(SignerProcess, KilledAtWorkItLeavesNothingUnrecorded) {
  auto const settings = acme::authority_settings(acme::load_settings(ca.state() + "/ca.toml", ca.state()).value());
  for (int cycle = 0; cycle < 3; ++cycle) {
    Signer process(ca);
    auto const open_signer = [&](ca::InstalledIssuer const&) -> Result<std::shared_ptr<ca::Signer>> {
      TRY(auto signer, ca::RemoteSigner::open(process.take_socket(), passphrase()));
      return std::shared_ptr<ca::Signer>(std::move(signer));
    };
    auto const issuing = ca::open_issuing(settings, open_signer).value();
    auto const& issuer = *issuing.issuers.front().issuer;
    std::atomic<int> signed_count = 0;
    std::mutex mutex;
    std::set<std::string> serials;
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&, i] {
        auto const wanted = ca::test::request(ca::test::names({"cam" + std::to_string(i) + ".cams.example"}));
        for (int each = 0; each < 1000; ++each) {
          auto draft = issuer.prepare(issuing.profiles.front(), wanted, SystemClock().now());
          auto const made = issuer.sign(std::move(draft).value());
          if (!made) {
            EXPECT_EQ(made.error().code(), Errc::unavailable) << made.error().detail();
            EXPECT_FALSE(issuer.check_ready());
            return;
          }
          std::lock_guard const lock(mutex);
          serials.insert(made->serial_hex());
          if (++signed_count == 20 + 7 * cycle) process.kill();
        }
        ADD_FAILURE() << "the signer was not killed";
      });
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(WIFSIGNALED(process.end()));
    EXPECT_TRUE(
        ca::visit_signing_ledger(ledger, [&](ca::SignedEntry const& entry) { serials.erase(entry.serial_hex); }));
    EXPECT_THAT(serials, IsEmpty());
  }
}

TEST_F(SignerProcess, WhatIsNoFrameEndsTheConversation) {
  Signer process(ca);
  process.send(ca::encode(ca::Opening{passphrase()}));
  ASSERT_TRUE(std::holds_alternative<ca::Ready>(process.receive().value()));
  process.send({0xff, 0xff, 0xff, 0xff, 2});
  EXPECT_FALSE(process.receive());
}

}  // namespace
}  // namespace lenscap::e2e
