// The signer as a process: what it gets from a hostile front end, what the server does when it dies, and what is left
// when it is killed at work. tests/ca has its judgement without a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "acme/server/server.h"
#include "base/local_socket.h"
#include "ca/installed_chain.h"
#include "ca/installed_issuers.h"
#include "ca/remote_signer.h"
#include "ca/signing_ledger_check.h"
#include "tests/ca/signed_things.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char const* kPassphrase = "the issuing key's words";

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

struct SignerProcess : ::testing::Test {
  fakes::CaProcess ca;
  std::string const ledger = ca::signing_ledger_file(ca.state());

  SecretBytes passphrase() const { return SecretBytes(std::string_view(kPassphrase)); }
  std::size_t certificates_on_record() const {
    std::size_t count = 0;
    EXPECT_TRUE(ca::visit_signing_ledger(ledger, [&](ca::SignedEntry const& entry) {
      count += entry.kind == ca::SignedEntry::Kind::certificate ? 1 : 0;
    }));
    return count;
  }
  // What the server's log says in this event's field.
  std::string logged(std::string const& event, std::string const& field) const {
    auto const log = ca.log();
    auto const at = log.find("\"event\":\"" + event + "\"");
    auto const begin = log.find("\"" + field + "\":", at);
    if (at == std::string::npos || begin == std::string::npos) return "";
    auto const from = begin + field.size() + 3;
    return log.substr(from, log.find_first_of(",}", from) - from);
  }
  pid_t signer_pid() const { return static_cast<pid_t>(std::stol("0" + logged("signer.ready", "pid"))); }
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

// --- a hostile front end ---

// A signer that listens, for this user, and stays while front ends come and go; and what is known of it from outside.
struct HostileFrontEnd : SignerProcess {
  // So few that a hostile front end comes upon them.
  static constexpr ca::SigningCaps kCaps{.per_minute = 1'500, .per_day = 1'000'000};
  // What a batch may take until its answers are there, however busy the machine.
  static constexpr Seconds kAnswersTake{120};

  std::string const socket = ca.path("signer.socket");
  std::unique_ptr<Background> signer;

  void SetUp() override {
    auto const file = ca.state() + "/ca.toml";
    auto text = fakes::CaProcess::read(file);
    text.insert(text.find("[ca]\n") + 5,
                "profiles = [\"camera-https\", \"server\", \"short-lived\", \"agent\", \"dot1x\"]\n");
    text += "[ocsp]\nserve = true\n[signer]\nsocket = \"" + socket +
            "\"\nper_minute = " + std::to_string(kCaps.per_minute) + "\nper_day = " + std::to_string(kCaps.per_day) +
            "\n";
    std::ofstream(file) << text;
    std::ofstream(ca.path("root-words")) << "the root's own words\n";
    std::filesystem::permissions(ca.path("root-words"), std::filesystem::perms(0600));
    auto const made = ca.run({"issuer", "create", "--site", "plant4", "--permit-dns", "p4.cams.example", "--permit-ip",
                              "10.20.4.0/24", "--passphrase-file", ca.path("root-words")});
    ASSERT_EQ(made.code, 0) << made.all();
    signer = std::make_unique<Background>(
        std::vector<std::string>{LENSCAP_BIN_DIR "/lenscap-ca", "--state", ca.state(), "signer"},
        ca.path("signer-log"));
    auto const says = [this](char const* event) { return signer->log().find(event) != std::string::npos; };
    ASSERT_TRUE(until([&] { return says("\"signer.waiting\"") || !signer->alive(); }));
    ASSERT_TRUE(signer->alive()) << signer->log();
  }

  std::vector<ca::test::SeenIssuer> issuers() const {
    auto const settings = acme::load_settings(ca.state() + "/ca.toml", ca.state()).value();
    auto const base = settings.http_url();
    auto const installed = ca::load_issuers(ca.state()).value();
    std::vector<ca::test::SeenIssuer> all;
    for (auto const& [name, dns, ip] : {std::tuple("default", "cams.example", "10.20.0.0/15"),
                                        std::tuple("plant4", "p4.cams.example", "10.20.4.0/24")})
      for (auto const& each : installed) {
        if (each.name != name) continue;
        auto const& issuing = each.chain.issuing;
        all.push_back({.name = name,
                       .certificate = issuing,
                       .ca_issuers_url = base + ca::aia_path(issuing),
                       .places = {.base = base + ca::crl_path(issuing), .parts = settings.crl.shards},
                       .ocsp_url = base + std::string(ca::kOcspPath),
                       .begins = std::max(issuing.not_before(), each.chain.root().not_before()),
                       .ends = std::min(issuing.not_after(), each.chain.root().not_after()),
                       .dns = {dns},
                       .ip = {ip}});
      }
    return all;
  }
};

// A connection to it, which begins as one of the server does.
class FrontEnd {
 public:
  explicit FrontEnd(std::string const& socket) : socket_(connect_to(socket).value()) {
    send(ca::encode(ca::Opening{SecretBytes()}));
    auto const ready = receive();
    if (!ready || !std::holds_alternative<ca::Ready>(*ready)) throw std::runtime_error("the signer is not ready");
  }
  ~FrontEnd() { ::close(socket_); }
  FrontEnd(FrontEnd const&) = delete;
  FrontEnd& operator=(FrontEnd const&) = delete;

  // As much as the other end takes.
  void send(ByteView octets) const {
    while (!octets.empty()) {
      auto const count = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      octets = octets.subspan(static_cast<std::size_t>(count));
    }
  }
  void send_no_more() const { ::shutdown(socket_, SHUT_WR); }
  void end() const { ::shutdown(socket_, SHUT_RDWR); }
  // Nothing: the other end is closed.
  std::optional<ca::Answer> receive() {
    while (true) {
      auto const next = frames_.next().value();
      if (next) return ca::decode_answer(*next).value();
      auto const count = ::recv(socket_, block_.data(), block_.size(), 0);
      if (count <= 0) return std::nullopt;
      frames_.feed(ByteView(block_).first(static_cast<std::size_t>(count)));
    }
  }

 private:
  int const socket_;
  ca::Frames frames_;
  Bytes block_ = Bytes(std::size_t{64} * 1024);
};

// What a batch of octets is to whoever reads frames; `is_whole`: the next one can follow on the same connection.
struct Batch {
  std::vector<Bytes> messages;
  bool is_whole = false;
};
Batch read_as_frames(Bytes const& octets) {
  Batch batch;
  ca::Frames frames;
  frames.feed(octets);
  while (true) {
    auto next = frames.next();
    if (!next || !*next) {
      batch.is_whole = next.ok() && frames.is_empty();
      return batch;
    }
    batch.messages.push_back(**std::move(next));
  }
}

// ThreadSanitizer takes many times as long and finds what it finds in fewer.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kMessages = 5'000;
#else
constexpr std::size_t kMessages = 20'000;
#endif

unsigned long long asked_for(char const* name, unsigned long long otherwise) {
  char const* const given = std::getenv(name);
  return given != nullptr ? std::stoull(given) : otherwise;
}

// As tests/ca's hostile front end, over the socket. What it sends comes from a seed, which is printed: LENSCAP_SEED=N
// asks for the same, and LENSCAP_HOSTILE_MESSAGES=N for another number of messages than 20,000.
TEST_F(HostileFrontEnd, GetsNothingOverTheSocketEither) {
  constexpr std::size_t kBatch = 50;
  auto const total = asked_for("LENSCAP_HOSTILE_MESSAGES", kMessages);
  auto const seed = asked_for("LENSCAP_SEED", std::random_device{}());
  std::printf("LENSCAP_SEED=%llu LENSCAP_HOSTILE_MESSAGES=%llu\n", seed, total);
  std::fflush(stdout);  // whatever becomes of the test
  auto known = issuers();
  ASSERT_THAT(known, SizeIs(2));
  auto const root = ca::load_chain(ca.state()).value().root();
  ca::test::HostileFront front(root, known, seed);
  known.front().dns.emplace_back("localhost");
  known.front().ip.emplace_back("127.0.0.0/8");
  ca::test::SignedThings things(root, known);
  things.answers_take(kAnswersTake);
  std::map<std::string, std::size_t> refusals;
  std::size_t connections = 0, answered = 0;
  std::unique_ptr<FrontEnd> connection;
  auto const begin = SystemClock().now();
  for (std::size_t sent = 0; sent < total; sent += kBatch) {
    if (!connection) {
      connection = std::make_unique<FrontEnd>(socket);
      ++connections;
    }
    auto const octets = front.stream(SystemClock().now(), kBatch);
    auto const batch = read_as_frames(octets);
    // Its answers have to be taken meanwhile, or neither end goes on.
    std::thread sender([&] {
      connection->send(octets);
      if (!batch.is_whole) connection->send_no_more();
    });
    std::string wrong;
    std::size_t at = 0;
    for (; wrong.empty() && at < batch.messages.size(); ++at) {
      auto const answer = connection->receive();
      if (!answer) break;
      auto const now = SystemClock().now();
      things.clock_says(now);
      wrong = things.judge(front.shot_of(batch.messages[at]), *answer, now);
      if (auto const* refused = std::get_if<ca::Refused>(&*answer))
        ++refusals[std::string(to_string(refused->error.code()))];
    }
    if (wrong.empty() && !batch.is_whole && connection->receive()) wrong = "an answer to what is no message";
    if (!wrong.empty()) connection->end();
    sender.join();
    ASSERT_EQ(wrong, "") << "message " << at << " behind " << sent << ": "
                         << to_hex(batch.messages[at == 0 ? 0 : at - 1]);
    // What came together with something unreadable is not answered.
    ASSERT_TRUE(!batch.is_whole || at == batch.messages.size()) << "behind " << sent << ": " << signer->log();
    answered += at;
    if (!batch.is_whole) connection.reset();
  }
  connection.reset();
  EXPECT_TRUE(signer->alive()) << signer->log();
  std::set<std::string> on_record;
  EXPECT_TRUE(
      ca::visit_signing_ledger(ledger, [&](ca::SignedEntry const& entry) { on_record.insert(entry.tbs_hash); }));
  on_record.erase("");  // of the clock
  EXPECT_EQ(things.hashes(), on_record);
  auto const minutes = static_cast<std::size_t>((SystemClock().now() - begin).count() / 60 + 1);
  EXPECT_LE(things.certificates_at().size(), minutes * (kCaps.per_minute + ca::kOwnReserve.per_minute));
  // It was not refused for a reason that makes the test empty.
  EXPECT_GT(answered, total / 2);
  EXPECT_GT(connections, total / 2'000);
  EXPECT_GT(things.certificates_at().size(), std::min<std::size_t>(total / 20, kCaps.per_minute / 2));
  EXPECT_GT(things.lists_signed(), std::min<std::size_t>(total / 400, 1'000));
  auto const& by = things.certificates();
  for (auto const* each : {"default camera-https", "default server", "default short-lived", "default agent",
                           "default dot1x", "default ocsp-signer", "plant4 camera-https", "plant4 ocsp-signer"})
    EXPECT_TRUE(by.contains(each) || total < 20'000) << each;
  for (auto const code : {Errc::malformed, Errc::rejected_identifier, Errc::bad_public_key, Errc::internal,
                          Errc::unavailable, Errc::invalid_profile, Errc::bad_csr})
    EXPECT_TRUE(refusals[std::string(to_string(code))] > 0U || total < 20'000) << to_string(code);
}

TEST_F(SignerProcess, WhatIsNoFrameEndsTheConversation) {
  Signer process(ca);
  process.send(ca::encode(ca::Opening{passphrase()}));
  ASSERT_TRUE(std::holds_alternative<ca::Ready>(process.receive().value()));
  process.send({0xff, 0xff, 0xff, 0xff, 2});
  EXPECT_FALSE(process.receive());
}

// --- a signer with a user of its own ---

// Three users where this is root; else all of them are this one, and what the kernel would keep apart is not asked.
struct SignerOfItsOwn : SignerProcess {
  static constexpr uid_t kFront = 61001, kSigner = 61002, kStranger = 61003;
  static constexpr gid_t kBoth = 61000;
  std::string const program = LENSCAP_BIN_DIR "/lenscap-ca";
  std::string const there = ca.path("signer");
  std::string const key = there + "/keys/issuing.key";
  std::string const socket = ca.path("run/signer.socket");
  bool const has_users = ::geteuid() == 0 && ca.programs().run(as(kFront, {program, "--version"})).code == 0;
  std::unique_ptr<Background> signer;
  int started = 0;

  static std::vector<std::string> as(uid_t user, std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"setpriv", "--reuid=" + std::to_string(user), "--regid=" + std::to_string(kBoth), "--clear-groups"});
    return words;
  }
  std::vector<std::string> with_credential(uid_t user, std::string const& folder, std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"env", "CREDENTIALS_DIRECTORY=" + folder});
    return has_users ? as(user, std::move(words)) : words;
  }
  void give(std::string const& folder, uid_t user) const {
    if (!has_users) return;
    auto const one = [&](std::filesystem::path const& path) {
      if (::lchown(path.c_str(), user, kBoth) != 0) throw std::runtime_error("chown");
    };
    one(folder);
    for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) one(entry.path());
  }
  void put_credential(std::string const& folder, std::string const& words, uid_t user) const {
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/words") << words << "\n";
    std::filesystem::permissions(folder + "/words", std::filesystem::perms(0600));
    give(folder, user);
  }

  // The settings are the same for both; what the credential is, each is told by its own supervisor.
  void SetUp() override {
    auto const file = ca.state() + "/ca.toml";
    auto text = fakes::CaProcess::read(file);
    auto const at = text.find("passphrase = \"");
    text.replace(at, text.find("\"", at + 14) + 1 - at, "passphrase = \"credential:words\"");
    text += "[signer]\nsocket = \"" + socket + "\"\n";
    if (has_users) text += "front_user = \"" + std::to_string(kFront) + "\"\n";
    std::ofstream(file) << text;
    ca::SignedEntry const earlier{.issuer = "abcd",
                                  .at = SystemClock().now() - kHour,
                                  .serial_hex = "0102030405",
                                  .tbs_hash = std::string(64, 'a')};
    std::ofstream(ledger) << ca::to_line(earlier);
    std::filesystem::permissions(ledger, std::filesystem::perms(0600));
    for (auto const* each : {"front-words", "signer-words", "run"}) std::filesystem::create_directory(ca.path(each));
    put_credential(ca.path("front-words"), kPassphrase, kFront);
    put_credential(ca.path("signer-words"), "words of the signer alone", kSigner);
  }
  Ran split() {
    return ca.run({"signer", "split", "--to", there, "--passphrase-file", ca.path("passphrases"),
                   "--new-passphrase-file", ca.path("signer-words/words")});
  }
  void hand_out() {
    give(there, kSigner);
    give(ca.path("run"), kSigner);
    give(ca.state(), kFront);
    if (!has_users) return;
    auto const base = std::filesystem::path(there).parent_path();
    std::filesystem::permissions(base, std::filesystem::perms(0755));
    ASSERT_EQ(::chown(base.c_str(), kFront, kBoth), 0);
  }
  void start_signer() {
    auto const log = ca.path("signer-log-" + std::to_string(++started));  // else the last one's words would be there
    signer = std::make_unique<Background>(
        with_credential(kSigner, ca.path("signer-words"), {program, "--state", there, "signer"}), log);
    ASSERT_TRUE(until([this] { return says("signer.waiting") || !signer->alive(); }));
    ASSERT_TRUE(signer->alive()) << signer->log();
  }
  bool says(std::string const& event) const { return signer->log().find("\"" + event + "\"") != std::string::npos; }
  void serve() { ca.serve(with_credential(kFront, ca.path("front-words"))); }
};

TEST_F(SignerOfItsOwn, TheServerSignsThroughItAndCannotHaveTheKey) {
  auto const done = split();
  ASSERT_EQ(done.code, 0) << done.all();
  EXPECT_FALSE(std::filesystem::exists(ca.state() + "/keys/issuing.key"));
  EXPECT_FALSE(std::filesystem::exists(ledger));
  auto const with_old =
      ca.programs().run({"openssl", "pkey", "-in", key, "-noout", "-passin", "file:" + ca.path("front-words/words")});
  EXPECT_NE(with_old.code, 0) << "what the server knows opens the key";
  auto const with_new =
      ca.programs().run({"openssl", "pkey", "-in", key, "-noout", "-passin", "file:" + ca.path("signer-words/words")});
  EXPECT_EQ(with_new.code, 0) << with_new.all();
  hand_out();
  start_signer();
  EXPECT_THAT(signer->log(), HasSubstr("\"calls_filtered\":true"));
  serve();
  EXPECT_THAT(logged("signer.ready", "socket"), HasSubstr(socket));
  EXPECT_EQ(logged("signer.unknown_certificate", "serial"), "\"0102030405\"") << "it is told over the socket";
  auto const fetched = ca.programs().run({"curl", "-s", "--cacert", ca.root(), ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("newOrder"));
  auto const recorded = fakes::CaProcess::read(ca::signing_ledger_file(there));
  EXPECT_EQ(std::count(recorded.begin(), recorded.end(), '\n'), 3) << recorded;  // one from before, one, and a list
  EXPECT_FALSE(std::filesystem::exists(ledger));
  if (has_users) {
    for (auto const& file : {key, ca::signing_ledger_file(there), ca.path("signer-words/words")}) {
      auto const tried = ca.programs().run(as(kFront, {"cat", file}));
      EXPECT_NE(tried.code, 0) << file;
      EXPECT_THAT(tried.err, HasSubstr("Permission denied"));
    }
  }

  // Whether the store knows all of it: asked by whoever may read the ledger.
  EXPECT_THAT(ca.run({"store", "verify"}).out, Not(HasSubstr("S1")));
  auto const verified = ca.run({"store", "verify", "--signer-ledger", ca::signing_ledger_file(there)});
  EXPECT_EQ(verified.code, 6) << verified.all();
  EXPECT_THAT(verified.out, HasSubstr("signer.ledger/0102030405"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, ItOutlivesTheServerAndNotTheOtherWayRound) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  ASSERT_TRUE(until([this] { return says("signer.front_went"); }));
  serve();  // the next one is taken
  EXPECT_EQ(logged("signer.ready", "calls_filtered"), "true") << ca.log();
  EXPECT_EQ(signer->kill(), 128 + SIGKILL);
  auto const ended = [this] {
    return ca.log().find("server.stopped", ca.log().find("signer.ended")) != std::string::npos;
  };
  ASSERT_TRUE(until([&] { return ca.log().find("signer.ended") != std::string::npos && ended(); })) << ca.log();
  EXPECT_EQ(ca.stop(), 1) << "so that the supervisor starts it again";
  EXPECT_EQ(logged("signer.ended", "how"), "\"the end of its connection\"");
  EXPECT_THROW(serve(), std::runtime_error) << "there is nobody to sign";
  start_signer();
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

// As after signer split, or an accident: clients of the server notice nothing.
TEST_F(SignerOfItsOwn, TheServerFollowsOneThatIsStartedAnew) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  serve();
  EXPECT_EQ(signer->kill(), 128 + SIGKILL);
  start_signer();
  ASSERT_TRUE(until([this] { return ca.log().find("reload.done") != std::string::npos; })) << ca.log();
  EXPECT_TRUE(says("signer.front_came"));
  auto const fetched = ca.programs().run({"curl", "-s", "--cacert", ca.root(), ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("newOrder"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

// Made where the server's files are, and of no use there. The directory is the signer's by then, and what root puts
// into it is the signer's, too.
TEST_F(SignerOfItsOwn, ANewIssuersKeyGoesToIt) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  auto const root_words = ca.path("root-words");
  std::ofstream(root_words) << "the root's own words\n";
  std::filesystem::permissions(root_words, std::filesystem::perms(0600));
  std::string const own_key = "/issuers/default-2/issuing.key";
  auto const made =
      ca.programs().run({"env", "CREDENTIALS_DIRECTORY=" + ca.path("front-words"), program, "--state", ca.state(),
                         "issuer", "roll-over", "--after", "0s", "--passphrase-file", root_words});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, HasSubstr("signer split"));
  EXPECT_TRUE(std::filesystem::exists(ca.state() + own_key));
  give(ca.state(), kFront);
  auto const usual = ::umask(077);  // of an administrator who is careful
  auto const moved = split();
  ::umask(usual);
  ASSERT_EQ(moved.code, 0) << moved.all();
  EXPECT_FALSE(std::filesystem::exists(ca.state() + own_key));
  EXPECT_TRUE(std::filesystem::exists(there + own_key));
  start_signer();
  serve();
  auto const fetched = ca.programs().run(
      {"curl", "-s", "--cacert", ca.root(), "--write-out", "%{certs}", "--output", "/dev/null", ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("Issuing CA 2"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, AStrangerIsSentAway) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  if (!has_users) GTEST_SKIP() << "there is one user";
  pid_t const child = ::fork();
  if (child == 0) {  // in the group that may open the socket, and yet not the front end
    if (::setgid(kBoth) != 0 || ::setuid(kStranger) != 0) ::_exit(9);
    auto const reached = connect_to(socket);
    if (!reached) ::_exit(8);
    auto const opening = ca::encode(ca::Opening{SecretBytes()});
    (void)::send(*reached, opening.data(), opening.size(), MSG_NOSIGNAL);
    char octet = 0;
    ::_exit(::recv(*reached, &octet, 1, 0) > 0 ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(signer->log(), HasSubstr("\"uid\":" + std::to_string(kStranger)));
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, WhatWasNotMovedIsSaid) {
  auto const short_words = ca.path("short");
  std::ofstream(short_words) << "short\n";
  std::filesystem::permissions(short_words, std::filesystem::perms(0600));
  auto const with = [&](std::string const& to, std::string const& words) {
    return ca.run(
        {"signer", "split", "--to", to, "--passphrase-file", ca.path("passphrases"), "--new-passphrase-file", words});
  };
  EXPECT_THAT(with(there, short_words).all(), HasSubstr("at least 12 characters"));
  EXPECT_THAT(with(there, ca.path("front-words/words")).all(), HasSubstr("the one that the server has"));
  EXPECT_THAT(with(ca.state() + "/signer", ca.path("signer-words/words")).all(), HasSubstr("inside the state"));
  EXPECT_TRUE(std::filesystem::exists(ca.state() + "/keys/issuing.key"));
  EXPECT_TRUE(std::filesystem::exists(ledger));
  ASSERT_EQ(split().code, 0);
  std::ofstream(ca.state() + "/profiles/camera-https.toml", std::ios::app) << "# changed\n";
  auto const again = split();
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_THAT(again.out, Not(HasSubstr("moved")));
  EXPECT_THAT(fakes::CaProcess::read(there + "/profiles/camera-https.toml"), HasSubstr("# changed"));
}

}  // namespace
}  // namespace lenscap::e2e
