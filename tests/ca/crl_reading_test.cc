// A list that the signer reads while it comes: its two hashes, whose list it is, and what a whole signer's process
// needs for a long one.
#include "ca/crl_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/crl.h"
#include "ca/remote_signer.h"
#include "ca/signing_service.h"
#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

CrlPlaces places_of(x509::Certificate const& issuer) { return {.base = kHttpUrl + crl_path(issuer), .parts = 1}; }

Bytes list_of(x509::Certificate const& issuer, Time now) {
  CrlBuilder builder(issuer, {.number = 3, .this_update = now, .next_update = now + kDay}, 1);
  builder.add({.serial_hex = "0102", .not_after = now + kDay, .revoked_at = now - kDay, .reason = {}});
  return to_bytes(std::move(builder).finish().tbs());
}

TEST(CrlReading, HashesForTheRecordAndForTheKey) {
  for (auto const type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::rsa}) {
    SCOPED_TRACE(to_string(type));
    auto const key = x509::PrivateKey::generate(type);
    auto const ca = certify_ca(ceremony_settings(), key.public_key(), kNow).value();
    auto holder = std::make_unique<MemoryKey>(key);
    auto const issuing = issuing_by(
        Issuer::make(ca.issuing, {ca.root}, std::move(holder), kHttpUrl + aia_path(ca.issuing), places_of(ca.issuing))
            .value(),
        {profile("camera-https")});
    auto const tbs = list_of(ca.issuing, kNow);
    CrlReading reading(issuing, message_of(encode_crl_wanted(12, ca.issuing.subject_key_id(), tbs)));
    EXPECT_EQ(reading.id(), 12U);
    auto const read = std::move(reading).finish(kNow).value();
    EXPECT_EQ(read.issuer, &issuing.issuers.front());
    EXPECT_EQ(read.seen.number, 3U);
    EXPECT_EQ(read.hash, sha256(tbs));
    EXPECT_EQ(read.digest, digest(read.issuer->issuer->algorithm().hash, tbs));

    Bytes const other(20, 1);
    CrlReading strange(issuing, message_of(encode_crl_wanted(13, other, tbs)));
    strange.add(tbs);
    EXPECT_EQ(strange.id(), 13U);
    EXPECT_THAT(std::move(strange).finish(kNow).error().detail(), HasSubstr("no issuer 0101"));
  }
}

// A signer in a process of its own, as serve_signing() is its whole life.
class Child {
 public:
  explicit Child(IssuerProcessSettings const& settings) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket pair");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      serve_signing(ends[1], settings, SystemClock(), Log::to_stderr());
      ::_exit(0);
    }
    ::close(ends[1]);
    socket_ = ends[0];
  }
  ~Child() { ::waitpid(pid_, nullptr, 0); }
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;
  int socket() const { return socket_; }
  // The most memory that it ever had.
  std::size_t peak_kib() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
    return 0;
  }

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

TEST(CrlReading, ALongListTakesTheSignersProcessNoMemory) {
  fakes::TempDir dir;
  auto settings = ceremony_settings();
  settings.state_dir = dir.path("state");
  auto const now = SystemClock().now();
  auto const passphrase = [] { return SecretBytes(std::string_view("the issuing key's words")); };
  auto const made =
      make_ca(settings, {passphrase(), SecretBytes(std::string_view("the root's own words"))}, now - kMinute).value();
  Child child({.authority = {.state_dir = settings.state_dir,
                             .http_url = kHttpUrl,
                             .crl_parts = 1,
                             .profile_files = {std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/camera-https.toml"}},
               .caps = {}});
  {
    auto const signer = RemoteSigner::open(child.socket(), passphrase()).value();
    auto const sign = [&](std::uint64_t number, std::size_t entries) {
      CrlBuilder builder(made.issuing, {.number = number, .this_update = now, .next_update = now + kDay}, entries);
      for (std::size_t i = 0; i < entries; ++i)
        builder.add({.serial_hex = to_hex(new_serial(now - kHour)),
                     .not_after = now + kDay,
                     .revoked_at = now - Seconds(static_cast<long>(i)),
                     .reason = x509::RevocationReason::superseded});
      auto const draft = std::move(builder).finish();
      auto const signature = signer->sign(draft, HashAlgorithm::sha256);
      ASSERT_TRUE(signature) << signature.error().detail();
      EXPECT_TRUE(made.issuing.key().verify(HashAlgorithm::sha256, draft.tbs(), *signature));
    };
    sign(1, 10'000);  // more than a socket holds: what it takes to read is taken
    auto const before = child.peak_kib();
    sign(2, 200'000);  // ten megabytes
    EXPECT_GT(before, 0U);
    EXPECT_LT(child.peak_kib() - before, 1024U);
  }
}

}  // namespace
}  // namespace lenscap::ca::test
