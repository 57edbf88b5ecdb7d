// `cert revoke --where` over more certificates than one page takes, broken off between two pages: now the command is
// killed, now the server. The same command then revokes what is left, and nothing twice.
//
// The command writes what it has done into a pipe of one page of memory that nobody reads, and so it stands still in
// the midst of its work for as long as the test wants.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <thread>

#include "ca/audit.h"
#include "ca/installed_chain.h"
#include "ca/ledger.h"
#include "ca/ledger_visits.h"
#include "tests/e2e/load.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;

constexpr int kWorkers = 4;
constexpr int kOrders = 85;  // of each: four pages of a hundred

class RevokeMany : public ::testing::Test {
 protected:
  RevokeMany() {
    seal_lightly(ca);
    auto const eab = make_eab_key(ca);
    ca.serve();
    std::vector<std::thread> threads;
    for (int i = 0; i < kWorkers; ++i)
      threads.emplace_back([this, i, &eab] {
        Worker worker(i, 1, ca, eab, told);
        auto const wrong = worker.with_connection([&] {
          for (int made = 0; made < kOrders; ++made) worker.order();
        });
        EXPECT_EQ(wrong, "");
      });
    for (auto& thread : threads) thread.join();
    all = told.certificates();
    EXPECT_EQ(all, std::size_t{kWorkers} * kOrders);

    EXPECT_EQ(::mkfifo(pipe_file().c_str(), 0600), 0);
    pipe = ::open(pipe_file().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(pipe, 0);
    EXPECT_EQ(::fcntl(pipe, F_SETPIPE_SZ, 4096), 4096);
  }
  ~RevokeMany() override { ::close(pipe); }

  std::string pipe_file() const { return ca.path("pipe"); }
  std::vector<std::string> words() const {
    return {std::string(LENSCAP_BIN_DIR) + "/lenscap-ca", "--state",  ca.state(),  "cert", "revoke", "--where",
            "under=cams.example issuer=default",          "--reason", "superseded"};
  }
  // It has begun to say what it has revoked, and cannot say it all.
  std::unique_ptr<Background> begin() {
    std::vector<std::string> in_shell{"sh", "-c", "exec \"$@\" >\"$0\"", pipe_file()};
    auto const command = words();
    in_shell.insert(in_shell.end(), command.begin(), command.end());
    auto begun = std::make_unique<Background>(in_shell, ca.path("errors"));
    struct pollfd readable {
      pipe, POLLIN, 0
    };
    constexpr int kPatience = 60'000;  // milliseconds
    EXPECT_EQ(::poll(&readable, 1, kPatience), 1);
    EXPECT_NE(readable.revents & POLLIN, 0) << begun->log();
    EXPECT_TRUE(begun->alive());
    return begun;
  }
  // Also beside the server.
  std::size_t revoked() {
    auto const store = store::open_read_only("lmdb:db", ca.state()).value();
    std::size_t count = 0;
    store->read([&](store::ReadTxn& txn) {
      count = 0;
      ca::visit_revoked_records(txn, "", [&](ca::CertificateRecord const&) { return ++count > 0; });
    });
    return count;
  }
  void expect_some_revoked() {
    auto const so_far = revoked();
    EXPECT_GT(so_far, 0U);
    EXPECT_LT(so_far, all) << "it was not broken off";
  }
  // Every one, and each once: by the ledger's own count, and by the audit trail.
  void expect_all_revoked_once() {
    EXPECT_EQ(revoked(), all);
    EXPECT_EQ(ca.stop(), 0);
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    auto const issuer = to_hex(ca::load_chain(ca.state()).value().issuing.subject_key_id());
    std::map<std::string, int> entries;
    (*store)->read([&](store::ReadTxn& txn) {
      EXPECT_EQ(ca::count_revocations(txn, issuer), all);
      entries.clear();
      ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
        if (entry.event == ca::AuditEvent::certificate_revoked) ++entries[entry.subject];
        return true;
      });
    });
    EXPECT_EQ(entries.size(), all);
    for (auto const& serial : told.serials(0)) EXPECT_EQ(entries[serial], 1) << serial;
  }

  fakes::CaProcess ca{"", kLoadSettings};
  Told told;
  std::size_t all = 0;
  int pipe = -1;
};

TEST_F(RevokeMany, TheCommandIsKilled) {
  EXPECT_EQ(begin()->kill(), 128 + SIGKILL);
  expect_some_revoked();
  auto const left = all - revoked();
  auto const again = ca.programs().run(words());
  EXPECT_EQ(again.code, 0) << again.all();
  // Fewer than were left at that moment, where the server was just doing what it had been asked for last.
  auto const named = static_cast<std::size_t>(std::ranges::count(again.out, '\n') - 1);  // and the line of the sum
  EXPECT_GT(named, 0U);
  EXPECT_LE(named, left);
  EXPECT_THAT(again.out, HasSubstr("\n" + std::to_string(named) + " certificates are now revoked"));
  expect_all_revoked_once();
}

TEST_F(RevokeMany, TheServerIsKilled) {
  auto const begun = begin();
  EXPECT_EQ(ca.kill(), 128 + SIGKILL);
  expect_some_revoked();
  EXPECT_EQ(begun->kill(), 128 + SIGKILL);
  ca.serve();
  auto const again = ca.programs().run(words());
  EXPECT_EQ(again.code, 0) << again.all();
  expect_all_revoked_once();
}

}  // namespace
}  // namespace lenscap::e2e
