// lenscap-ca is killed with SIGKILL at random moments while clients make accounts, order, finalize, revoke and change
// their keys, all at once, and each revocation makes a new list; now it is the server, now the signer's process.
// Whatever a client was told is true afterwards: each certificate that it got is on record, octet for octet, each
// revocation that was confirmed stands, each account is there with the key that it last had; no two certificates and no
// two lists bear one number; what was signed and reached nobody is in the first list after it, and what was not signed
// is in none; `store verify` finds every promise kept; and the server starts again and goes on with the same accounts.
//
// The moments come from a seed, which is printed: LENSCAP_SEED=N asks for the same ones. LENSCAP_KILLS=N asks for
// another number of cycles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "ca/crl_places.h"
#include "ca/crl_schedule.h"
#include "ca/installed_chain.h"
#include "ca/ledger_visits.h"
#include "ca/signing_ledger.h"
#include "tests/e2e/load.h"

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

class KillCa : public ::testing::Test {
 protected:
  KillCa() {
    seal_lightly(ca);
    eab = make_eab_key(ca);
  }

  // The store of a server that is dead, against what clients were told.
  void expect_kept(Told const& told) {
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    EXPECT_THAT(told.missing_in(**store), ::testing::IsEmpty());
    auto const issuer = to_hex(ca::load_chain(ca.state()).value().issuing.subject_key_id());
    std::uint64_t number = 0;
    (*store)->read([&](store::ReadTxn& txn) {
      auto const state = ca::find_signed_crl(txn, issuer, "");
      if (state) number = state->number;
    });
    EXPECT_GE(number, last_list) << "the number of a list fell, or one that was served is not on record";
    last_list = number;
  }

  // What a dead server left: intents without certificate.
  std::set<std::string> lost_intents() const {
    std::set<std::string> lost;
    auto const store = store::open_read_only("lmdb:db", ca.state()).value();
    store->read([&](store::ReadTxn& txn) {
      ca::visit_possibly_issued(txn, Time::max(), [&](ca::CertificateRecord const& record) {
        if (!record.given_up_at) lost.insert(record.serial_hex);
        return true;
      });
    });
    return lost;
  }

  // Each start makes a list: its number is above that of every one before, by what OpenSSL reads in what is served. Of
  // what the server before it left it tells of what was signed.
  void expect_next_list(std::set<std::string> const& lost) {
    auto const issuing = ca::load_chain(ca.state()).value().issuing;
    auto const file = ca.path("list.crl");
    auto const fetched =
        ca.programs().run({"curl", "-sS", "--fail", "-o", file, ca.web() + ca::crl_path(issuing) + ".crl"});
    ASSERT_EQ(fetched.code, 0) << fetched.all();
    auto const read = ca.programs().run({"openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-crlnumber"}).out;
    ASSERT_THAT(read, ::testing::StartsWith("crlNumber=0x"));
    auto const number = std::stoull(read.substr(read.find('x') + 1), nullptr, 16);
    EXPECT_GT(number, last_list) << "the number of a list came again";
    last_list = number;
    auto const text = ca.programs().run({"openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-text"}).out;
    // Its signer may have signed for a moment longer, and had ended when the next one began.
    auto const has = signed_serials();
    for (auto const& serial : lost) {
      bool const was_signed = has.contains(serial);
      std::string line = "Serial Number: ";
      for (char const c : serial) line += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      EXPECT_EQ(text.find(line) != text.npos, was_signed) << serial;
      ++(was_signed ? signed_and_lost : never_signed);
    }
  }

  std::set<std::string> signed_serials() const {
    std::set<std::string> serials;
    EXPECT_TRUE(ca::visit_signing_ledger(ca::signing_ledger_file(ca.state()), [&](ca::SignedEntry const& entry) {
      if (entry.kind == ca::SignedEntry::Kind::certificate) serials.insert(entry.serial_hex);
    }));
    return serials;
  }

  // By the signer's own book, which it writes before it signs.
  void expect_no_number_signed_twice() {
    std::set<std::string> serials;
    std::set<std::uint64_t> lists;
    EXPECT_TRUE(ca::visit_signing_ledger(ca::signing_ledger_file(ca.state()), [&](ca::SignedEntry const& entry) {
      bool const is_new = entry.kind == ca::SignedEntry::Kind::certificate ? serials.insert(entry.serial_hex).second
                          : entry.kind == ca::SignedEntry::Kind::crl       ? lists.insert(entry.number).second
                                                                           : true;
      EXPECT_TRUE(is_new) << ca::to_line(entry);
    }));
  }

  void expect_promises_kept() {
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
  }

  // The pid of the signer of the server that was started last: its log goes on over all cycles.
  pid_t signer_pid() const {
    auto const log = ca.log();
    auto const at = log.find("\"pid\":", log.rfind("\"event\":\"signer.ready\""));
    if (at == std::string::npos) throw std::runtime_error("no signer: " + log);
    return static_cast<pid_t>(std::stol(log.substr(at + 6)));
  }

  fakes::CaProcess ca{"", kLoadSettings};
  Eab eab;
  std::uint64_t last_list = 0;
  int signed_and_lost = 0, never_signed = 0;  // intents that a start found
};

TEST_F(KillCa, AtRandomMomentsUnderMixedLoad) {
  auto const seed = static_cast<unsigned long long>(asked_for("LENSCAP_SEED", std::random_device{}()));
  auto const kills = asked_for("LENSCAP_KILLS", kKills);
  std::printf("LENSCAP_SEED=%llu LENSCAP_KILLS=%lld\n", seed, kills);
  std::mt19937_64 random(seed);
  Told told;
  std::vector<Worker> workers;
  // The server may say that its signer is gone.
  for (int i = 0; i < kWorkers; ++i) workers.emplace_back(i, random(), ca, eab, told, Refusals::proper);
  int signers_killed = 0;

  for (int cycle = 0; cycle < kills && !HasFailure(); ++cycle) {
    SCOPED_TRACE("kill " + std::to_string(cycle + 1) + " of seed " + std::to_string(seed));
    auto const lost = cycle == 0 ? std::set<std::string>() : lost_intents();
    ca.serve();
    expect_next_list(lost);
    std::vector<std::string> wrong(kWorkers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kWorkers; ++i) threads.emplace_back([&, i] { wrong[i] = workers[i].work(); });
    told.wait_for_answers(1 + static_cast<int>(random() % kAnswersMax));
    // Not at the moment of an answer: anywhere in the work on the next ones.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
    bool const is_signer = cycle % 5 == 4;
    if (is_signer) {
      ++signers_killed;
      ::kill(signer_pid(), SIGKILL);
      EXPECT_EQ(ca.wait(), 1) << ca.log();
    } else {
      EXPECT_EQ(ca.kill(), 128 + SIGKILL) << ca.log();
    }
    for (auto& thread : threads) thread.join();
    for (auto const& each : wrong) EXPECT_EQ(each, "");
    for (auto const& worker : workers) EXPECT_TRUE(is_signer || !worker.was_refused()) << "refused while all was well";
    for (auto& worker : workers) worker.forget_refusal();
    expect_promises_kept();
    expect_kept(told);
  }
  expect_no_number_signed_twice();
  std::printf(
      "%zu certificates were given out, %zu of them revoked, to %zu accounts with %zu changes of keys; %llu "
      "lists; the signer was killed %d times; %d certificates were signed and lost, %d not signed\n",
      told.certificates(), told.revoked(), told.accounts(), told.changed_keys(),
      static_cast<unsigned long long>(last_list), signers_killed, signed_and_lost, never_signed);
  EXPECT_GT(told.certificates(), static_cast<std::size_t>(kills));
  EXPECT_GT(told.revoked(), 0u);
  EXPECT_GT(told.changed_keys(), 0u);
}

}  // namespace
}  // namespace lenscap::e2e
