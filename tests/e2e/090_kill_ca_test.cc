// lenscap-ca is killed with SIGKILL at random moments while clients make accounts, order, finalize and revoke, all at
// once. Whatever a client was told is true afterwards: each certificate that it got is on record, octet for octet, each
// revocation that was confirmed stands, each account is there; no two certificates bear one number; `store verify`
// finds every promise kept; and the server starts again and goes on with the same accounts.
//
// The moments come from a seed, which is printed: LENSCAP_SEED=N asks for the same ones. LENSCAP_KILLS=N asks for
// another number of cycles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "acme/server/records/accounts.h"
#include "acme/wire/jws.h"
#include "base/json.h"
#include "base/x509/certificate.h"
#include "base/x509/csr.h"
#include "ca/ledger.h"
#include "store/store.h"
#include "tests/bench/connection.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {
namespace {

#ifdef LENSCAP_SANITIZED
constexpr int kKills = 15;  // each start and each request takes several times as long
#else
constexpr int kKills = 60;
#endif
constexpr int kWorkers = 4;
constexpr int kAnswersMax = 60;  // after which a kill comes at the latest: some tenths of a second of load

long long asked_for(char const* name, long long otherwise) {
  char const* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoll(text);
}

// What clients were told, over all cycles.
class Told {
 public:
  // False: another certificate bears this number.
  bool certificate(x509::Certificate const& certificate) {
    std::lock_guard lock(mutex_);
    return certificates_.emplace(certificate.serial_hex(), certificate).second;
  }
  void revocation(std::string const& serial) {
    std::lock_guard lock(mutex_);
    revoked_.insert(serial);
  }
  void account(std::string const& url) {
    std::lock_guard lock(mutex_);
    accounts_.insert(url.substr(url.rfind('/') + 1));
  }
  // For who waits for the next moment to kill.
  void answer() {
    std::lock_guard lock(mutex_);
    ++answers_;
    changed_.notify_all();
  }
  void wait_for_answers(int more) {
    std::unique_lock lock(mutex_);
    auto const wanted = answers_ + more;
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return answers_ >= wanted; });
  }
  std::map<std::string, x509::Certificate> const& certificates() const { return certificates_; }
  std::set<std::string> const& revoked() const { return revoked_; }
  std::set<std::string> const& accounts() const { return accounts_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, x509::Certificate> certificates_;
  std::set<std::string> revoked_, accounts_;
  int answers_ = 0;
};

struct Eab {
  std::string kid;
  SecretBytes mac_key;
};

// The server said something else than it should: a failure. That it is gone is none.
class Wrong : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Account {
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  std::string url;
};

class Worker {
 public:
  Worker(int number, unsigned long long seed, fakes::CaProcess const& ca, Eab const& eab, Told& told)
      : number_(number), random_(seed), base_(ca.base()), root_(ca.root()), eab_(eab), told_(told) {}

  // Until the server is gone. Gives what was wrong, or nothing.
  std::string work() {
    try {
      bench::Trusted const trusted(root_);
      bench::Connection connection(trusted, bench::place_of(base_ + "/"));
      connection_ = &connection;
      nonce_.clear();
      for (;;) step();
    } catch (Wrong const& wrong) {
      return wrong.what();
    } catch (std::exception const&) {
      return "";  // no answer any more
    }
  }

 private:
  void step() {
    if (account_.url.empty() || random_() % 16 == 0) make_account();
    order();
    if (random_() % 3 == 0) revoke();
  }

  bench::Answer post(std::string const& url, std::string const& payload, int expected) {
    if (nonce_.empty()) nonce_ = connection_->get(base_ + "/acme/new-nonce", true).nonce;
    auto answer = connection_->post(
        url, acme::sign_jws(account_.key, {.url = url, .nonce = nonce_, .kid = account_.url}, payload));
    nonce_ = answer.nonce;
    if (answer.status == 400 && answer.body.find("badNonce") != std::string::npos) return post(url, payload, expected);
    if (answer.status != expected) throw Wrong(url + ": " + std::to_string(answer.status) + " " + answer.body);
    told_.answer();
    return answer;
  }

  static std::string member(bench::Answer const& answer, std::string_view name) {
    auto const object = json::parse_object(answer.body);
    auto value = object.ok() ? json::need_string(*object, name) : Result<std::string>(object.error());
    if (!value.ok()) throw Wrong("no " + std::string(name) + " in " + answer.body);
    return *std::move(value);
  }

  // The first of an account is its newAccount; the account that the worker had stays, and is never used again.
  void make_account() {
    account_ = Account{};
    auto const url = base_ + "/acme/new-account";
    json::Object request;
    request.set("externalAccountBinding",
                acme::make_eab(eab_.kid, eab_.mac_key, acme::MacAlgorithm::hs256, url, account_.key.public_key()));
    try {
      account_.url = post(url, json::write(request), 201).location;
      told_.account(account_.url);
    } catch (std::exception const&) {
      account_ = Account{};  // who knows whether it was made
      throw;
    }
  }

  void order() {
    auto const name = "cam" + std::to_string(number_) + "-" + std::to_string(random_() % 1000) + ".cams.example";
    json::Object const wish{{"identifiers", json::Array{json::Object{{"type", "dns"}, {"value", name}}}}};
    auto const made = post(base_ + "/acme/new-order", json::write(wish), 201);
    x509::NameSet names;
    names.dns.insert(x509::DnsName::parse(name).value());
    auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names);
    auto const finalized = post(member(made, "finalize"), json::write(json::Object{{"csr", to_base64url(csr)}}), 200);
    if (member(finalized, "status") != "valid") throw Wrong("finalize: " + finalized.body);
    auto const chain = x509::parse_pem_chain(post(member(finalized, "certificate"), "", 200).body);
    if (!chain.ok()) throw Wrong("no chain: " + chain.error().detail());
    last_ = chain->front();
    if (!told_.certificate(*last_)) throw Wrong("the number " + last_->serial_hex() + " was given twice");
    last_of_account_ = account_.url;
  }

  void revoke() {
    if (!last_ || last_of_account_ != account_.url) return;
    json::Object const request{{"certificate", to_base64url(last_->der())}};
    post(base_ + "/acme/revoke-cert", json::write(request), 200);
    told_.revocation(last_->serial_hex());
    last_.reset();
  }

  int number_;
  std::mt19937_64 random_;
  std::string base_, root_;
  Eab const& eab_;
  Told& told_;
  bench::Connection* connection_ = nullptr;
  std::string nonce_;
  Account account_;
  std::optional<x509::Certificate> last_;
  std::string last_of_account_;
};

// The limits are for what goes wrong; this much is wanted here.
constexpr char const* kNoLimits =
    "[acme.limits]\nnew_accounts = \"none\"\nnew_orders = \"none\"\norders_for_name = \"none\"\n";

class KillCa : public ::testing::Test {
 protected:
  KillCa() {
    // Each start opens the key: sealed as it is, that takes a second, and this test is not about it.
    auto const key = ca.state() + "/keys/issuing.key";
    // openssl takes the second line when it reads one file for both.
    std::filesystem::copy_file(ca.path("passphrases"), ca.path("again"));
    auto const resealed = ca.programs().run({"openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1", "-in",
                                             key, "-out", key + ".new", "-passin", "file:" + ca.path("passphrases"),
                                             "-passout", "file:" + ca.path("again")});
    if (resealed.code != 0) throw std::runtime_error(resealed.all());
    std::filesystem::rename(key + ".new", key);

    auto const made = ca.run({"eab", "create", "--uses", "many", "--grant-dns", "cams.example", "--output", "json"});
    auto const object = json::parse_object(made.out);
    if (!object.ok()) throw std::runtime_error(made.all());
    eab.kid = json::need_string(*object, "kid").value();
    eab.mac_key = SecretBytes(from_base64url(json::need_string(*object, "mac_key").value()).value());
  }

  // The store of a server that is dead, against what clients were told.
  void expect_kept(Told const& told) {
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    (*store)->read([&](store::ReadTxn& txn) {
      for (auto const& [serial, certificate] : told.certificates()) {
        auto const kept = ca::find_certificate(txn, serial);
        EXPECT_TRUE(kept && kept->der() == certificate.der()) << serial << " was given out and is not on record";
      }
      for (auto const& serial : told.revoked())
        EXPECT_TRUE(ca::find_revocation(txn, serial)) << serial << " was revoked, and is not any more";
      for (auto const& id : told.accounts()) EXPECT_TRUE(acme::load_account(txn, id)) << "account " << id << " is gone";
    });
  }

  void expect_promises_kept() {
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
  }

  fakes::CaProcess ca{"", kNoLimits};
  Eab eab;
};

TEST_F(KillCa, AtRandomMomentsUnderMixedLoad) {
  auto const seed = static_cast<unsigned long long>(asked_for("LENSCAP_SEED", std::random_device{}()));
  auto const kills = asked_for("LENSCAP_KILLS", kKills);
  std::printf("LENSCAP_SEED=%llu LENSCAP_KILLS=%lld\n", seed, kills);
  std::mt19937_64 random(seed);
  Told told;
  std::vector<Worker> workers;
  for (int i = 0; i < kWorkers; ++i) workers.emplace_back(i, random(), ca, eab, told);

  for (int cycle = 0; cycle < kills && !HasFailure(); ++cycle) {
    SCOPED_TRACE("kill " + std::to_string(cycle + 1) + " of seed " + std::to_string(seed));
    ca.serve();
    std::vector<std::string> wrong(kWorkers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kWorkers; ++i) threads.emplace_back([&, i] { wrong[i] = workers[i].work(); });
    told.wait_for_answers(1 + static_cast<int>(random() % kAnswersMax));
    // Not at the moment of an answer: anywhere in the work on the next ones.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
    EXPECT_EQ(ca.kill(), 128 + SIGKILL) << ca.log();
    for (auto& thread : threads) thread.join();
    for (auto const& each : wrong) EXPECT_EQ(each, "");
    expect_promises_kept();
    expect_kept(told);
  }
  std::printf("%zu certificates were given out, %zu of them revoked, to %zu accounts\n", told.certificates().size(),
              told.revoked().size(), told.accounts().size());
  EXPECT_GT(told.certificates().size(), static_cast<std::size_t>(kills));
  EXPECT_GT(told.revoked().size(), 0u);
}

}  // namespace
}  // namespace lenscap::e2e
