// lenscap-ca takes its settings, profiles, certificates and keys anew at SIGHUP. Clients notice nothing but what was
// changed: no connection ends, no request fails. What cannot be taken is refused by name, and then nothing has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "ca/ledger_visits.h"
#include "tests/e2e/load.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char const* kTerms = "https://localhost/terms-of-2027";

class Reload : public ::testing::Test {
 protected:
  explicit Reload(std::string const& tables = kLoadSettings) : ca("", tables) {
    seal_lightly(ca);
    std::ofstream(ca.path("root-words")) << "the root's own words\n";
    std::filesystem::permissions(ca.path("root-words"), std::filesystem::perms(0600));
  }

  std::string file() const { return ca.state() + "/ca.toml"; }
  void change(std::string const& what, std::string const& into) const {
    auto text = fakes::CaProcess::read(file());
    auto const at = text.find(what);
    ASSERT_NE(at, text.npos) << what << " in\n" << text;
    text.replace(at, what.size(), into);
    std::ofstream(file()) << text;
  }
  std::string last_line(std::string const& event) const {
    auto const log = ca.log();
    auto const at = log.rfind("\"event\":\"" + event + "\"");
    if (at == log.npos) return "";
    auto const begin = log.rfind('\n', at) + 1;
    return log.substr(begin, log.find('\n', at) - begin);
  }
  std::string fetch(std::string const& url) {
    auto const got = ca.programs().run({"curl", "-sS", "--cacert", ca.root(), url});
    EXPECT_EQ(got.code, 0) << got.all();
    return got.out;
  }
  std::string served_chain() {
    return ca.programs()
        .run({"curl", "-sS", "--cacert", ca.root(), "--write-out", "%{certs}", "--output", "/dev/null", ca.directory()})
        .out;
  }
  Ran roll_over() {
    return ca.run({"issuer", "roll-over", "--after", "0s", "--passphrase-file", ca.path("root-words")});
  }

  fakes::CaProcess ca;
};

TEST_F(Reload, UnderLoadNoConnectionEndsAndNoRequestFails) {
  constexpr int kClients = 4;
  constexpr int kReloads = 8;
  auto const eab = make_eab_key(ca);
  ca.serve();
  Told told;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kClients; ++i)
    workers.push_back(std::make_unique<Worker>(i, static_cast<unsigned>(i + 1), ca, eab, told));
  std::atomic<bool> enough = false;
  std::atomic<int> ended_well = 0;
  std::vector<std::string> wrong(kClients);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kClients; ++i)
    threads.emplace_back([&, i] {
      wrong[i] = workers[i]->with_connection([&] {
        while (!enough) workers[i]->order();
        ++ended_well;
      });
    });
  told.wait_for_answers(20);
  for (int i = 0; i < kReloads; ++i) {
    EXPECT_EQ(ca.reload(), "reload.done");
    told.wait_for_answers(20);  // and clients go on
  }
  enough = true;
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(wrong, ::testing::Each(IsEmpty()));
  EXPECT_EQ(ended_well, kClients) << "the others lost their connection";
  EXPECT_GT(told.certificates(), 20u);
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  EXPECT_EQ(ca.events("net.handler_deadline") + ca.events("net.exception"), 0) << ca.log();
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
  auto const store = store::open_read_only("lmdb:db", ca.state());
  ASSERT_TRUE(store.ok());
  EXPECT_THAT(told.missing_in(**store), IsEmpty());
}

// What an earlier run left is revoked at a start, and a reload is one: so it waits for what is being signed.
TEST_F(Reload, WhatIsBeingSignedBecomesACertificate) {
  constexpr int kClients = 4;
  auto const eab = make_eab_key(ca);
  std::ofstream(file(), std::ios::app) << "[chaos]\nasync_finalize = \"5s\"\n";
  ca.serve();
  Told told;
  std::vector<std::thread> threads;
  std::vector<std::string> said(kClients);
  for (std::size_t i = 0; i < kClients; ++i)
    threads.emplace_back([&, i] {
      Worker worker(static_cast<int>(i), i + 1, ca, eab, told);
      said[i] = worker.with_connection([&] { worker.order(); });
    });
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(said, ::testing::Each(HasSubstr("\"processing\"")));
  EXPECT_EQ(ca.reload(), "reload.done") << last_line("reload.refused");
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  int issued = 0;
  auto const store = store::open_read_only("lmdb:db", ca.state()).value();
  store->read([&](store::ReadTxn& txn) {
    ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
      EXPECT_EQ(record.status, ca::CertificateStatus::issued) << record.reference;
      EXPECT_FALSE(record.revocation) << record.reference;
      issued += record.subscriber.empty() ? 0 : 1;
      return true;
    });
  });
  EXPECT_EQ(issued, kClients);
  EXPECT_EQ(ca.events("certificate.possibly_issued"), 0) << ca.log();
}

TEST_F(Reload, TakesSettingsAndProfiles) {
  ca.serve();
  EXPECT_THAT(fetch(ca.directory()), Not(HasSubstr(kTerms)));
  change("[acme]\n", std::string("[acme]\nterms_of_service = \"") + kTerms + "\"\n");
  EXPECT_THAT(fetch(ca.directory()), Not(HasSubstr(kTerms))) << "nothing is taken before it is asked for";
  EXPECT_EQ(ca.reload(), "reload.done") << last_line("reload.refused");
  EXPECT_THAT(fetch(ca.directory()), HasSubstr(kTerms));
  EXPECT_THAT(fetch(ca.directory()), Not(HasSubstr("short-lived")));
  change("[ca]\n", "[ca]\nprofiles = [\"camera-https\", \"short-lived\"]\n");
  EXPECT_EQ(ca.reload(), "reload.done") << last_line("reload.refused");
  EXPECT_THAT(fetch(ca.directory()), HasSubstr("short-lived"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(Reload, TakesANewIssuer) {
  ca.serve();
  EXPECT_THAT(served_chain(), Not(HasSubstr("Issuing CA 2")));
  auto const made = roll_over();
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_EQ(ca.reload(), "reload.done") << last_line("reload.refused");
  EXPECT_THAT(served_chain(), HasSubstr("Issuing CA 2"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(Reload, WhatCannotBeTakenIsRefusedAndNothingChanges) {
  ca.serve();
  auto const before = fakes::CaProcess::read(file());
  auto const directory = fetch(ca.directory());
  auto const chain = served_chain();
  struct Case {
    char const* what;
    char const* into;
    char const* says;
  };
  for (auto const& c :
       {Case{"[acme]\n", "[acme\n", "ca.toml:"}, Case{"[acme]\n", "[acme]\nno_such = 1\n", "no_such"},
        Case{"[ca]\n", "[ca]\nprofiles = [\"nowhere\"]\n", "nowhere"},
        Case{"[server]\n", "[server]\nidle = \"5s\"\nconnections = 99\n", "server.connections, server.idle"},
        Case{"[signer]\n", "[signer]\nprocess = false\n", "signer.process"},
        Case{"[acme]\n", "[acme]\neab_required = false\nopen.grant_dns = [\"other.example\"]\n", "other.example"}}) {
    auto const refused = ca.events("reload.refused") + ca.events("reload.failed");
    change(c.what, c.into);
    ca.signal(SIGHUP);
    EXPECT_TRUE(until([&] { return ca.events("reload.refused") + ca.events("reload.failed") > refused; })) << c.into;
    EXPECT_THAT(last_line("reload.refused") + last_line("reload.failed"), HasSubstr(c.says));
    EXPECT_EQ(fetch(ca.directory()), directory) << c.into;
    std::ofstream(file()) << before;
  }
  EXPECT_EQ(ca.events("reload.done"), 0);
  EXPECT_EQ(served_chain(), chain) << "its certificate is the one of the start";
  EXPECT_EQ(ca.reload(), "reload.done") << "it was put right";
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

// What is on the disk would keep the server from starting again: so it is looked at while the old one still serves.
TEST_F(Reload, AKeyThatDoesNotOpenIsFoundBeforeAnythingEnds) {
  ca.serve();
  ASSERT_EQ(roll_over().code, 0);
  auto const key = ca.state() + "/issuers/default-2/issuing.key";
  auto const other = ca.programs().run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                                        "-aes-256-cbc", "-pass", "pass:other words", "-out", key});
  ASSERT_EQ(other.code, 0) << other.all();
  EXPECT_EQ(ca.reload(), "reload.refused");
  EXPECT_THAT(last_line("reload.refused"), HasSubstr("default-2"));
  EXPECT_THAT(fetch(ca.directory()), HasSubstr("newOrder"));
  EXPECT_THAT(served_chain(), Not(HasSubstr("Issuing CA 2")));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(Reload, CheckSaysBeforehand) {
  auto const fine = ca.run({"serve", "--check"});
  EXPECT_EQ(fine.code, 0) << fine.all();
  EXPECT_THAT(fine.out, HasSubstr("can be served"));
  change("[ca]\n", "[ca]\nprofiles = [\"nowhere\"]\n");
  auto const refused = ca.run({"serve", "--check"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("nowhere"));
}

class ReloadWithoutASigner : public Reload {
 protected:
  ReloadWithoutASigner() : Reload("[signer]\nprocess = false\n") {}
};

TEST_F(ReloadWithoutASigner, GoesTheSameWay) {
  ca.serve();
  ASSERT_EQ(roll_over().code, 0);
  EXPECT_EQ(ca.reload(), "reload.done") << last_line("reload.refused");
  EXPECT_THAT(served_chain(), HasSubstr("Issuing CA 2"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

class ReloadAtTheCap : public Reload {
 protected:
  ReloadAtTheCap() : Reload("[signer]\nper_day = 1\n") {}
};

// The first certificate, which is the server's own, reaches it.
TEST_F(ReloadAtTheCap, NeitherAReloadNorARestartNeedsWhatOthersMayNotHave) {
  ca.serve();
  auto const shown = served_chain();
  EXPECT_EQ(ca.reload(), "reload.done") << ca.log();
  EXPECT_EQ(served_chain(), shown) << "nothing new was needed";
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  ca.serve();
  EXPECT_NE(served_chain(), shown) << "it came out of the reserve";
  EXPECT_EQ(ca.reload(), "reload.done") << ca.log();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

}  // namespace
}  // namespace lenscap::e2e
