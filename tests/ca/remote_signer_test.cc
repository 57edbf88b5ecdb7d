// The front end's side of the signer, against a signer in a thread: what it asks for is what was prepared, and it knows
// when there is no use in asking.
#include "ca/remote_signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "ca/crl.h"
#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

// The other end of the socket: says that it is ready, then answers by `answer`; closes when that gives nothing.
class OtherEnd {
 public:
  explicit OtherEnd(std::function<Bytes(Bytes const&)> answer) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) throw std::runtime_error("no socket pair");
    thread_ = std::thread([this, say = std::move(answer)] {
      Frames frames;
      std::uint8_t block[4096];
      for (bool open = true; open;) {
        auto const count = ::recv(ends_[1], block, sizeof block, 0);
        if (count <= 0) break;
        frames.feed(ByteView(block, static_cast<std::size_t>(count)));
        while (auto const next = frames.next().value()) {
          auto const said = say(*next);
          open = open && !said.empty() && ::send(ends_[1], said.data(), said.size(), MSG_NOSIGNAL) > 0;
        }
      }
      ::shutdown(ends_[1], SHUT_RDWR);
    });
  }
  ~OtherEnd() {
    ::shutdown(ends_[1], SHUT_RDWR);
    thread_.join();
    ::close(ends_[1]);
  }
  int socket() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

struct RemoteSignerTest : ::testing::Test {
  Time const now = kNow;
  fakes::TempDir dir;
  GeneratedCa const ca = generate_ca(ceremony_settings(), now).value();
  std::unique_ptr<IssuerProcess> process;
  std::string passphrase;  // that came

  std::function<Bytes(Bytes const&)> signing(SigningCaps const& caps) {
    process = open_signer(ca, dir.path("ledger"), now, caps);
    return [this](Bytes const& message) {
      if (auto const opening = decode_opening(message)) {
        passphrase = opening->passphrase.text();
        return encode(Ready{process->spkis(), true, true, ""});
      }
      return process->answer({message}, now).front();
    };
  }
  static std::unique_ptr<RemoteSigner> open(OtherEnd const& other) {
    return RemoteSigner::open(other.socket(), SecretBytes(std::string_view("words"))).value();
  }
  std::unique_ptr<Issuer> issuer(std::unique_ptr<RemoteSigner> signer) const {
    return Issuer::make(ca.issuing, {ca.root}, std::shared_ptr<Signer>(std::move(signer)),
                        kHttpUrl + aia_path(ca.issuing), {.base = kHttpUrl + crl_path(ca.issuing), .parts = kCrlParts})
        .value();
  }
  Result<x509::Certificate> issue(Issuer const& from) const {
    auto wanted = request(names({"cam1.cams.example"}, {"10.20.0.1"}));
    wanted.common_name = "cam1.cams.example";
    wanted.not_after = now + kDay;
    TRY(auto draft, from.prepare(profile("camera-https"), wanted, now));
    return from.sign(std::move(draft));
  }
};

TEST_F(RemoteSignerTest, SignsWhatWasPrepared) {
  OtherEnd other(signing({}));
  auto const remote = issuer(open(other));
  EXPECT_EQ(passphrase, "words");
  EXPECT_TRUE(remote->signs_elsewhere());
  auto const made = issue(*remote);
  ASSERT_TRUE(made) << made.error().detail();
  EXPECT_TRUE(made->is_signed_by(ca.issuing.key()));
  CrlBuilder builder(ca.issuing, {.number = 1, .this_update = now, .next_update = now + kDay}, 0);
  auto const list = remote->sign_crl(std::move(builder).finish());
  EXPECT_TRUE(list) << list.error().detail();
  EXPECT_EQ(entries_of(dir.path("ledger")).size(), 2U);
}

TEST_F(RemoteSignerTest, HearsWhatWasSignedAndOfItsEnd) {
  std::promise<void> ended;
  {
    OtherEnd other(signing({}));
    auto const remote = RemoteSigner::open(other.socket(), SecretBytes(), [&] { ended.set_value(); }).value();
    EXPECT_EQ(passphrase, "") << "the signer has its own";
    auto const told = remote->recently_signed();
    ASSERT_TRUE(told) << told.error().detail();
    EXPECT_TRUE(told->certificates.empty());
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  }
}

TEST_F(RemoteSignerTest, KnowsOfTheCapBeforeItAsks) {
  OtherEnd other(signing({.per_minute = 1}));
  auto const remote = issuer(open(other));
  EXPECT_TRUE(remote->check_ready());
  ASSERT_TRUE(issue(*remote));
  auto const ready = remote->check_ready();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code(), Errc::unavailable);
  ASSERT_TRUE(ready.error().retry_after);
  EXPECT_GT(*ready.error().retry_after, Seconds(0));
  EXPECT_LE(*ready.error().retry_after, kMinute);
  auto const refused = issue(*remote);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail(), HasSubstr("cap is reached"));
}

TEST_F(RemoteSignerTest, WhoWaitsHearsOfItsEnd) {
  auto sign = signing({});
  OtherEnd other([&](Bytes const& message) { return message.at(0) == 1 ? sign(message) : Bytes(); });
  auto const remote = issuer(open(other));
  EXPECT_TRUE(remote->check_ready());
  auto const refused = issue(*remote);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_THAT(refused.error().detail(), HasSubstr("the signer has ended"));
  EXPECT_TRUE(refused.error().retry_after);
  EXPECT_FALSE(remote->check_ready());
  EXPECT_FALSE(issue(*remote));
}

TEST_F(RemoteSignerTest, NonsenseIsTheSameAsTheEnd) {
  auto sign = signing({});
  OtherEnd other([&](Bytes const& message) { return message.at(0) == 1 ? sign(message) : Bytes{0, 0, 0, 1, 0x99}; });
  auto const remote = issuer(open(other));
  EXPECT_THAT(issue(*remote).error().detail(), HasSubstr("the signer has ended"));
}

TEST_F(RemoteSignerTest, ASignatureOfSomethingElseIsFound) {
  auto sign = signing({});
  OtherEnd other([&](Bytes const& message) {
    if (message.at(0) == 1) return sign(message);
    return encode(Signature{message_id(message), ca.issuing_key.sign(HashAlgorithm::sha256, as_bytes("else")), {}});
  });
  auto const remote = issuer(open(other));
  EXPECT_THAT(issue(*remote).error().detail(), HasSubstr("does not verify"));
}

TEST_F(RemoteSignerTest, TheAuthorityRefusesBeforeAnythingIsClaimed) {
  OtherEnd other(signing({.per_minute = 1}));
  auto const store = store::open("memory:", "").value();
  Authority const authority(issuer(open(other)), {profile("camera-https")}, *store);
  auto const wanted = request(names({"cam1.cams.example"}));
  ASSERT_TRUE(authority.issue(wanted, "order", now));
  auto const refused = authority.prepare(wanted, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_TRUE(refused.error().retry_after) << "for the answer's Retry-After";
}

}  // namespace
}  // namespace lenscap::ca::test
