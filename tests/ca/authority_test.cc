#include "ca/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/file.h"
#include "ca/further_issuer.h"
#include "ca/ledger_visits.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<store::Store> memory() { return store::open("memory:", "").value(); }

// An authority over parts that the test keeps in hand; a second one over the same store is a restart.
struct TestAuthority {
  explicit TestAuthority(GeneratedCa const& ca, store::Store& store) {
    auto holder = std::make_unique<MemoryKey>(ca.issuing_key);
    key = holder.get();
    auto issuer = Issuer::make(ca.issuing, {ca.root}, std::move(holder), kHttpUrl + aia_path(ca.issuing)).value();
    authority =
        std::make_unique<Authority>(std::move(issuer), std::vector{profile("camera-https"), profile("server")}, store);
  }
  MemoryKey* key;
  std::unique_ptr<Authority> authority;
};

TEST(Authority, IssuesAndRemembers) {
  TestCa const test;
  auto const store = memory();
  TestAuthority const made(test.ca, *store);
  auto const certificate =
      made.authority->issue(request(names({"pki.cams.example"}), "server"), "server-tls", kNow).value();
  EXPECT_TRUE(x509::verify_chain(certificate, {test.ca.issuing}, {test.ca.root}, kNow).ok());
  store->read([&](store::ReadTxn& txn) {
    auto const record = find_by_serial(txn, certificate.serial_hex());
    ASSERT_TRUE(record);
    EXPECT_EQ(record->reference, "server-tls");
    EXPECT_EQ(record->status, CertificateStatus::issued);
  });
  EXPECT_EQ(made.authority->chain_of(certificate).pem(certificate, ChainEnd::root),
            certificate.pem() + test.ca.issuing.pem() + test.ca.root.pem());
  EXPECT_EQ(aia_path(test.ca.issuing), "/aia/" + to_hex(test.ca.issuing.subject_key_id()) + ".cer");
}

TEST(Authority, SignsNothingWithoutARecordedIntent) {
  TestCa const test;
  auto const store = memory();
  TestAuthority const made(test.ca, *store);
  auto const outcome = made.authority->sign(made.authority->prepare(request(names({"a.cams.example"})), kNow).value());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::internal);
  EXPECT_EQ(made.key->signatures, 0);
}

TEST(Authority, ClockThatRunsBack) {
  TestCa const test;
  auto const store = memory();
  TestAuthority const made(test.ca, *store);
  ASSERT_TRUE(made.authority->issue(request(names({"a.cams.example"})), "1", kNow).ok());
  auto const draft = made.authority->prepare(request(names({"a.cams.example"})), kNow - kHour);
  ASSERT_FALSE(draft.ok());
  EXPECT_EQ(draft.error().code(), Errc::unavailable);
}

// The store dies at each write in turn, with the write lost or kept; then the program starts again. Whatever happened,
// every signature has an intent that was durable before, no serial is signed twice, and what is not known to be issued
// is listed as possibly issued.
TEST(Authority, StoreThatDiesAtAnyWrite) {
  using fakes::FailingStore;
  TestCa const test;
  for (FailingStore::Effect effect : {FailingStore::Effect::lost, FailingStore::Effect::kept}) {
    for (int nth : {1, 2}) {
      SCOPED_TRACE("write " + std::to_string(nth) + (effect == FailingStore::Effect::kept ? " kept" : " lost"));
      auto const real = memory();
      FailingStore failing(*real);
      TestAuthority before(test.ca, failing);
      std::vector<Bytes> signed_tbs;
      before.key->instead = [&](ByteView tbs) {
        signed_tbs.push_back(to_bytes(tbs));
        return Result<Bytes>(test.ca.issuing_key.sign(HashAlgorithm::sha256, tbs));
      };
      failing.fail_at(nth, effect);
      EXPECT_THROW((void)before.authority->issue(request(names({"a.cams.example"})), "order-1", kNow), store::Broken);
      EXPECT_EQ(signed_tbs.size(), nth == 1 ? 0u : 1u) << "nothing is signed before the intent is known to be durable";

      TestAuthority after(test.ca, *real);
      std::vector<CertificateRecord> records;
      real->read([&](store::ReadTxn& txn) {
        visit_newest(txn, "", [&](CertificateRecord const& record) {
          records.push_back(record);
          return true;
        });
      });
      bool const intent_kept = nth == 2 || effect == FailingStore::Effect::kept;
      ASSERT_EQ(records.size(), intent_kept ? 1u : 0u);
      if (intent_kept) {
        bool const issued = nth == 2 && effect == FailingStore::Effect::kept;
        EXPECT_EQ(records[0].status, issued ? CertificateStatus::issued : CertificateStatus::possibly_issued);
        for (Bytes const& tbs : signed_tbs) EXPECT_EQ(records[0].tbs_hash, to_hex(sha256(tbs)));
      }
      // The next attempt has another serial, and succeeds.
      auto const again = after.authority->issue(request(names({"a.cams.example"})), "order-1", kNow + kMinute).value();
      for (auto const& record : records) EXPECT_NE(record.serial_hex, again.serial_hex());
    }
  }
}

// A draft whose intent was completed already must not be signed, whoever asks.
TEST(Authority, IntentThatIsCompleted) {
  TestCa const test;
  auto const store = memory();
  TestAuthority const made(test.ca, *store);
  auto draft = made.authority->prepare(request(names({"a.cams.example"})), kNow).value();
  auto const issued = forge(test.ca, draft.what());
  store->write([&](store::WriteTxn& txn) {
    return record_intent(txn, draft, "1").ok() && record_issued(txn, issued, kNow).ok();
  });
  EXPECT_FALSE(made.authority->sign(std::move(draft)).ok());
  EXPECT_EQ(made.key->signatures, 0);
}

TEST(Authority, AnIntentThatIsClosedIsNotSigned) {
  TestCa const test;
  auto const store = memory();
  TestAuthority const made(test.ca, *store);
  auto const intend = [&] {
    auto draft = made.authority->prepare(request(names({"a.cams.example"})), kNow).value();
    store->write([&](store::WriteTxn& txn) { return record_intent(txn, draft, "1").ok(); });
    return draft;
  };
  auto given_up = intend();
  auto revoked = intend();
  store->write([&](store::WriteTxn& txn) {
    return give_up_intent(txn, given_up.serial_hex(), CertificateStatus::not_issued, kNow).ok() &&
           record_revoked(txn, revoked.serial_hex(), {.at = kNow, .reason = {}, .by = "a person"}).ok();
  });
  EXPECT_EQ(made.authority->sign(std::move(given_up)).error().code(), Errc::conflict);
  EXPECT_EQ(made.authority->sign(std::move(revoked)).error().code(), Errc::already_revoked);
  EXPECT_EQ(made.key->signatures, 0);
}

TEST(Authority, ManyThreads) {
  TestCa const test;
  auto const store = memory();
  auto issuer =
      Issuer::make(test.ca.issuing, {test.ca.root}, std::make_unique<MemoryKey>(test.ca.issuing_key), "").value();
  Authority const authority(std::move(issuer), {profile("camera-https")}, *store);
  auto const wanted = request(names({"a.cams.example"}, {"10.20.0.1"}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(authority.issue(wanted, "x", kNow).ok());
    });
  }
  for (auto& thread : threads) thread.join();
  int count = 0;
  store->read([&](store::ReadTxn& txn) {
    visit_by_key(txn, wanted.key, [&](CertificateRecord const&) { return ++count > 0; });
  });
  EXPECT_EQ(count, 40);
}

// What `init` makes, on the disk.
class AuthorityOpen : public ::testing::Test {
 protected:
  void SetUp() override {
    settings.state_dir = dir.path("state");
    ASSERT_TRUE(make_ca(settings, passphrases, kNow).ok());
    good.state_dir = settings.state_dir;
  }

  fakes::TempDir dir;
  CeremonySettings settings = ceremony_settings();
  CeremonyPassphrases const passphrases{SecretBytes("correct horse battery"), SecretBytes("staple of another kind")};
  std::unique_ptr<store::Store> const store = memory();
  AuthoritySettings good{.state_dir = "",
                         .key = "file:keys/issuing.key",
                         .http_url = kHttpUrl,
                         .profile_files = {std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/camera-https.toml"}};
};

TEST_F(AuthorityOpen, WhatInitMade) {
  good.ocsp_is_served = true;
  auto const authority = Authority::open(good, *store, passphrases.issuing);
  ASSERT_TRUE(authority.ok()) << authority.error().detail();
  EXPECT_TRUE((*authority)->issue(request(names({"a.cams.example"})), "1", kNow).ok());
  EXPECT_EQ((*authority)->default_profile().name, "camera-https");
  EXPECT_EQ((*authority)->issuer().ocsp_url(), "http://pki.cams.example/ocsp");
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  EXPECT_TRUE((*authority)->issue({std::string(kOcspSignerProfile), key, {}, {}}, "ocsp", kNow).ok())
      << "where answers are served there is a profile for what signs them";

  struct Case {
    char const* name;
    std::function<void(AuthoritySettings&)> change;
    char const* passphrase;
    Errc code;
    char const* text;
  };
  Case const cases[] = {
      {"wrong passphrase", [](auto&) {}, "correct horse batterie", Errc::wrong_passphrase, "issuing.key"},
      {"the root's passphrase", [](auto&) {}, "staple of another kind", Errc::wrong_passphrase, "issuing.key"},
      {"no CA there", [&](auto& s) { s.state_dir = dir.path("elsewhere"); }, "x", Errc::file, "lenscap-ca init"},
      {"AIA over HTTPS", [](auto& s) { s.http_url = "https://pki.cams.example"; }, "x", Errc::settings, "http://"},
      {"no profile", [](auto& s) { s.profile_files.clear(); }, "x", Errc::settings, "no profile"},
      {"a profile twice", [](auto& s) { s.profile_files.push_back(s.profile_files[0]); }, "x", Errc::settings, "twice"},
      {"unknown holder", [](auto& s) { s.key = "cloud:x"; }, "x", Errc::settings, "none of: file:"},
      {"missing key", [](auto& s) { s.key = "file:keys/other.key"; }, "x", Errc::file, "other.key"},
      {"the root's key", [](auto& s) { s.key = "file:keys/root.key"; }, "staple of another kind", Errc::settings,
       "does not belong"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    AuthoritySettings changed = good;
    c.change(changed);
    auto const refused = Authority::open(changed, *store, SecretBytes(std::string_view(c.passphrase)));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.code) << refused.error().detail();
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.text));
  }
  std::filesystem::permissions(settings.state_dir + "/keys/issuing.key", std::filesystem::perms(0640));
  auto const readable = Authority::open(good, *store, passphrases.issuing);
  ASSERT_FALSE(readable.ok());
  EXPECT_THAT(readable.error().detail(), HasSubstr("chmod 600"));
}

// Of an issuer below the next root and of one below the first: whichever root leads, the other one is not lost.
TEST_F(AuthorityOpen, ChainsLeadToEitherRoot) {
  auto const& state = settings.state_dir;
  auto const first = load_chain(state).value().root();
  auto const first_key =
      x509::PrivateKey::from_pem(read_file(state + "/keys/root.key").value(), passphrases.root).value();
  auto const next = make_next_root("Example Cameras", first, first_key, kNow).value();
  auto known = load_known_roots(state, first).value();
  ASSERT_TRUE(keep_next_root(state, known, next, passphrases.root).ok());
  known = load_known_roots(state, first).value();
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const issuing = certify_issuer(next.root, next.key,
                                      {"Example Cameras", "Example Cameras Issuing CA 2", key.public_key(),
                                       *next.root.name_constraints(), settings.extended_key_usage},
                                      kNow)
                           .value();
  ASSERT_TRUE(install_issuer(state, "default-2", issuing, known.above_newest(), key, passphrases.issuing,
                             {.active_from = kNow + kDay, .replaces = kDefaultIssuer})
                  .ok());
  for (bool const next_leads : {false, true}) {
    SCOPED_TRACE(next_leads);
    if (next_leads) {
      ASSERT_TRUE(lead_to_newest(state, known, kNow).ok());
    }
    auto const fresh = memory();  // else the clock would run back
    auto const authority = Authority::open(good, *fresh, passphrases.issuing);
    ASSERT_TRUE(authority.ok()) << authority.error().detail();
    EXPECT_EQ((*authority)->root_certificate(), next_leads ? next.root : first);
    for (auto const when : {kNow, kNow + 2 * kDay}) {  // by the first issuer, and by the one that takes its place
      auto const leaf = (*authority)->issue(request(names({"a.cams.example"})), "1", when);
      ASSERT_TRUE(leaf.ok()) << leaf.error().detail();
      auto const& chains = (*authority)->chains_of(*leaf);
      ASSERT_EQ(chains.size(), 2U);
      std::vector<x509::Certificate> roots{first, next.root};
      if (next_leads) std::swap(roots[0], roots[1]);
      for (std::size_t i = 0; i < 2; ++i) {
        auto const chain = x509::parse_pem_chain(chains[i].pem(*leaf, ChainEnd::below_root)).value();
        std::vector<x509::Certificate> const between(chain.begin() + 1, chain.end());
        auto const verified = x509::verify_chain(*leaf, between, {roots[i]}, when);
        EXPECT_TRUE(verified.ok()) << i << ": " << verified.error().detail();
      }
    }
  }
}

// At the start, and not when the first device asks.
TEST_F(AuthorityOpen, ProfileThatTheIssuingCertificateIsNotGoodFor) {
  good.profile_files.push_back(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/dot1x.toml");
  EXPECT_TRUE(Authority::open(good, *store, passphrases.issuing).ok());
  settings.state_dir = dir.path("servers_alone");
  settings.extended_key_usage = {ExtendedKeyUsage::server_auth};
  ASSERT_TRUE(make_ca(settings, passphrases, kNow).ok());
  good.state_dir = settings.state_dir;
  auto const refused = Authority::open(good, *store, passphrases.issuing);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::settings);
  EXPECT_THAT(refused.error().detail(), HasSubstr("profile dot1x is for clientAuth"));
}

TEST_F(AuthorityOpen, StoreOfBeforeTheFirstRelease) {
  // Its revocations stand where nobody looks any more.
  for (char const* table : {"ca_serials", "ca_revoked"}) {
    SCOPED_TRACE(table);
    auto const old = store::open("memory:", "").value();
    old->write([&](store::WriteTxn& txn) {
      txn.put(store::Table{table}, "0badcafe", "7");
      return true;
    });
    auto const refused = Authority::open(good, *old, passphrases.issuing);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr("before the first release"));
  }
}

}  // namespace
}  // namespace lenscap::ca::test
