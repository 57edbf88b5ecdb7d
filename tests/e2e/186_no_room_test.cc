// lenscap-ca where there is no room: a store that may not grow, and a disk that is full. Revocation and its lists go
// on, and nothing new is begun.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/e2e/faults.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::size_t lists_made(fakes::CaProcess const& ca) {
  std::size_t count = 0;
  auto const log = ca.log();
  for (auto at = log.find("crl.made"); at != log.npos; at = log.find("crl.made", at + 1)) ++count;
  return count;
}

// --- a store that may not grow any more

struct FullStore : ::testing::Test {
  static constexpr store::Table kFilling{"filling"};
  static constexpr std::uint64_t kSizeMax = std::uint64_t{4} << 20;

  // While nobody serves: so many percent of it are in use then; 0: what was filled in is gone.
  void fill_to(std::uint64_t percent) {
    auto const store = store::open("lmdb:db", ca.state()).value();
    store->write([](store::WriteTxn& txn) {
      std::vector<std::string> old;
      store::scan_prefix(txn, kFilling, "", [&](std::string_view key, std::string_view) {
        old.emplace_back(key);
        return true;
      });
      for (auto const& key : old) txn.erase(kFilling, key);
      return true;
    });
    for (int i = 0; store->usage().used < kSizeMax / 100 * percent; i += 10)
      store->write([i](store::WriteTxn& txn) {
        for (int more = 0; more < 10; ++more)
          txn.put(kFilling, std::to_string(i + more), std::string(3'000, 'x'));  // a page
        return true;
      });
  }
  // What the doctor says of room, and how bad it is.
  std::string doctor() {
    std::string said;
    auto const object = json::parse_object(ca.run({"doctor", "--output", "json"}).out);
    if (!object.ok()) return object.error().detail();
    for (auto const& each : *object->find("checks")->as_array())
      if (json::need_string(*each.as_object(), "check").value() == "space")
        said += json::need_string(*each.as_object(), "severity").value() + " " +
                json::need_string(*each.as_object(), "what").value() + "\n";
    return said;
  }

  fakes::CaProcess ca{"",
                      "size_max = \"4MiB\"\nballast = \"0\"\n" + std::string(kLoadSettings) + "[ocsp]\nserve = true\n"};
};

TEST_F(FullStore, RevocationGoesOnAndNewOrdersWait) {
  seal_lightly(ca);
  auto const eab = make_eab_key(ca);
  fill_to(93);
  ca.serve();
  EXPECT_THAT(doctor(), HasSubstr("warning the store has taken 9"));
  Told told;
  Worker worker(0, 1, ca, eab, told, Refusals::proper);
  EXPECT_EQ(worker.with_connection([&] {
    while (!worker.was_refused() && worker.orders() < 200) worker.order();
  }),
            "");
  EXPECT_TRUE(worker.was_refused()) << worker.orders();
  EXPECT_GT(worker.orders(), 0);
  EXPECT_THAT(ca.programs().run({"curl", "-s", ca.web() + "/health"}).out, HasSubstr("so nothing new is begun"));
  EXPECT_THAT(doctor(), HasSubstr("critical the store has taken 95 %"));

  auto const lists = lists_made(ca);
  auto const serial = told.serials(~Told::Moment{0}).front();
  EXPECT_EQ(ca.run({"cert", "revoke", serial, "--reason", "superseded"}).code, 0);
  auto const says = [&](std::string const& what, std::vector<std::string> words) {
    auto const ran = ca.programs().run(std::move(words));
    return ran.all().find(what) != std::string::npos;
  };
  std::vector<std::string> const ocsp{"openssl", "ocsp",    "-url",       ca.web() + "/ocsp", "-CAfile",
                                      ca.root(), "-issuer", ca.issuing(), "-serial",          "0x" + serial};
  EXPECT_TRUE(says("superseded", ocsp));
  EXPECT_TRUE(until([&] { return lists_made(ca) > lists; })) << ca.log();
  EXPECT_EQ(ca.stop(), 0);
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();

  fill_to(0);
  ca.serve();
  worker.forget_refusal();
  auto const before = worker.orders();
  EXPECT_EQ(worker.with_connection([&] { worker.order(); }), "");
  EXPECT_EQ(worker.orders(), before + 1);
  EXPECT_EQ(doctor().find("the store"), std::string::npos) << doctor();
  EXPECT_EQ(ca.stop(), 0);
}

// --- a disk that is full

constexpr std::uint64_t kMiB = 1024 * 1024;

// A small file system for this process and its children alone, at `path`; before the process has a second thread.
bool mount_small_disk(std::string const& path) {
  auto const put = [](char const* file, std::string const& text) { std::ofstream(file) << text; };
  auto const uid = ::geteuid();
  auto const gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  put("/proc/self/setgroups", "deny");
  put("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
  put("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  return ::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=700") == 0;
}

// The last one: this process stays in its namespace.
TEST(FullDisk, RevocationGoesOnAndNewOrdersWait) {
  fakes::TempDir dir;
  if (!mount_small_disk(dir.path())) GTEST_SKIP() << "SKIPPED: no mounts may be made here";
  ::setenv("TMPDIR", dir.path().c_str(), 1);
  // What `init` writes ends inside [store].
  fakes::CaProcess ca("", std::string("free_space_min = \"8MiB\"\nballast = \"4MiB\"\n") + kLoadSettings);
  seal_lightly(ca);
  auto const eab = make_eab_key(ca);
  auto const filling = dir.path("filling");  // another program's
  auto const leave_free = [&](std::uint64_t octets) {
    std::filesystem::remove(filling);
    struct statvfs disk {};
    ASSERT_EQ(::statvfs(dir.path().c_str(), &disk), 0);
    auto const free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    int const fd = ::open(filling.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::posix_fallocate(fd, 0, static_cast<off_t>(free - octets)), 0);
    ::close(fd);
  };
  auto const expect_whole = [&](Told const& told) {
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    EXPECT_THAT(told.missing_in(**store), IsEmpty());
  };
  auto const health = [&] { return ca.programs().run({"curl", "-s", ca.web() + "/health"}).out; };

  ca.serve();
  Told told;
  Worker holder(0, 1, ca, eab, told, Refusals::proper);
  EXPECT_EQ(holder.with_connection([&] { holder.order(); }), "");
  ASSERT_EQ(holder.orders(), 1);
  EXPECT_THAT(health(), Not(HasSubstr("failed")));
  auto const ballast = ca.state() + "/ballast";
  EXPECT_TRUE(until([&] { return std::filesystem::exists(ballast); }));

  leave_free(6 * kMiB);
  Worker stranger(1, 2, ca, eab, told, Refusals::proper);
  EXPECT_EQ(stranger.with_connection([&] { stranger.order(); }), "");
  EXPECT_TRUE(stranger.was_refused()) << "no new account";
  EXPECT_EQ(holder.with_connection([&] { holder.order(); }), "");
  EXPECT_TRUE(holder.was_refused()) << "no new order";
  EXPECT_EQ(holder.orders(), 1);
  EXPECT_THAT(health(), HasSubstr("so nothing new is begun"));
  auto const lists = lists_made(ca);
  EXPECT_EQ(holder.with_connection([&] { holder.revoke(); }), "");
  EXPECT_EQ(told.revoked(), 1U) << ca.log();
  EXPECT_TRUE(until([&] { return lists_made(ca) > lists; })) << "no list: " << ca.log();
  expect_whole(told);

  std::filesystem::remove(filling);
  holder.forget_refusal();
  EXPECT_EQ(holder.with_connection([&] { holder.order(); }), "");
  EXPECT_EQ(holder.orders(), 2) << "there is room again";

  // Not one octet, which other programs can bring about: nothing is promised but that nothing is lost.
  leave_free(0);
  EXPECT_EQ(holder.with_connection([&] {
    for (int i = 0; i < 20; ++i) holder.change_key();
  }),
            "");
  EXPECT_THAT(ca.stop(), ::testing::AnyOf(0, 1, 70)) << ca.log();
  // The other program's file cannot go: the ballast can, and what has to go on goes on.
  EXPECT_TRUE(std::filesystem::remove(ballast));
  ca.serve();
  std::size_t revoked = 0;  // by the operator: nobody knows which key the holder's account has
  for (auto const& serial : told.serials(~Told::Moment{0})) revoked += ca.run({"cert", "revoke", serial}).code == 0;
  EXPECT_EQ(revoked, told.certificates() - 1) << "one was revoked before: " << ca.log();
  EXPECT_EQ(ca.stop(), 0);
  std::filesystem::remove(filling);
  expect_whole(told);
  ca.serve();
  EXPECT_TRUE(until([&] { return std::filesystem::exists(ballast); })) << "it is made again";
  Worker later(2, 3, ca, eab, told);
  EXPECT_EQ(later.work(2), "");
  EXPECT_EQ(later.orders(), 2);
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

}  // namespace
}  // namespace lenscap::e2e
