// What a front end in wrong hands gets over the socket of a signer: nothing outside profile, constraints, cap and
// record. tests/ca asks the same of the signer's judgement without a process, with roll-overs and wrong clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "acme/server/server.h"
#include "base/local_socket.h"
#include "ca/installed_issuers.h"
#include "tests/ca/signed_things.h"
#include "tests/e2e/signer_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::SizeIs;

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
    front.learns(things.numbers());
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

}  // namespace
}  // namespace lenscap::e2e
