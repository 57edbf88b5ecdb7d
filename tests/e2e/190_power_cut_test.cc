// What a power cut leaves of a CA. recorder.cc writes down every write and sync of the store's and of the signer's file
// while clients order, revoke and change their keys. A disk keeps what was written before a sync that has returned; of
// what came after it, it keeps any part, in sectors of 512 octets (LMDB wants no more: its meta pages fit into one) or
// in pages. So from any moment of the recording many images can be made. Each is opened, and holds every promise of
// `store verify`, and whatever a client had been told by that moment.
//
// And the judge is judged: of a disk that lies about its syncs, and of a program that tells the world before it syncs,
// it finds images that are broken.
//
// The images come from a seed, which is printed: LENSCAP_SEED=N asks for the same choice, LENSCAP_IMAGES=N for another
// number of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "acme/server/store_check.h"
#include "ca/installed_chain.h"
#include "ca/ledger.h"
#include "ca/signing_ledger_check.h"
#include "tests/e2e/load.h"
#include "tests/e2e/recording.h"

namespace lenscap::e2e {
namespace {

constexpr long long kImages = 120;
constexpr std::size_t kServedOf = 20;       // one image of so many is served from, too
constexpr std::size_t kControlImages = 40;  // of each control
constexpr int kWorkers = 2;
constexpr int kOrders = 8;  // of each

// --- the recording

struct Recorded {
  Entry head;
  std::string data;
  std::uint64_t end = 0;  // of this entry in the record's file
};

std::vector<Recorded> read_recording(std::string const& path) {
  auto const octets = fakes::CaProcess::read(path);
  std::vector<Recorded> all;
  for (std::size_t at = 0; at < octets.size();) {
    Recorded next;
    if (octets.size() - at < sizeof next.head) throw std::runtime_error("the recording is cut off");
    std::memcpy(&next.head, octets.data() + at, sizeof next.head);
    at += sizeof next.head;
    if (octets.size() - at < next.head.length) throw std::runtime_error("the recording is cut off");
    next.data = octets.substr(at, next.head.length);
    next.end = at += next.head.length;
    all.push_back(std::move(next));
  }
  return all;
}

// --- images

struct Files {
  std::string store;
  std::string ledger;
  std::string& of(std::uint8_t file) { return file == Entry::kStore ? store : ledger; }
};

void put(std::string& file, std::uint64_t offset, std::string_view data) {
  if (file.size() < offset + data.size()) file.resize(offset + data.size(), '\0');
  std::memcpy(file.data() + offset, data.data(), data.size());
}

void apply(std::string& file, Recorded const& entry) {
  if (entry.head.kind == Entry::kTruncate) file.resize(entry.head.offset, '\0');
  if (entry.head.kind == Entry::kWrite) put(file, entry.head.offset, entry.data);
}

// A part of a write, in units that a disk writes whole.
void apply_torn(std::string& file, Recorded const& entry, std::size_t unit, std::mt19937_64& random) {
  for (std::size_t at = 0; at < entry.data.size();) {
    auto const offset = entry.head.offset + at;
    auto const length = std::min<std::size_t>(unit - offset % unit, entry.data.size() - at);
    if (random() % 2 == 0) put(file, offset, std::string_view(entry.data).substr(at, length));
    at += length;
  }
}

// Does this entry's file keep what came before it?
using KeepsRule = bool (*)(Recorded const& entry);
bool keeps(Recorded const& entry) { return entry.head.kind == Entry::kSync; }
bool lies_about_the_store(Recorded const& entry) {
  return entry.head.kind == Entry::kSync && entry.head.file != Entry::kStore;
}
bool lies_about_the_ledger(Recorded const& entry) {
  return entry.head.kind == Entry::kSync && entry.head.file != Entry::kLedger;
}

// Power goes while the entry `cut` is under way: those before it have returned.
Files image(Files before, std::vector<Recorded> const& all, std::size_t cut, KeepsRule does_keep,
            std::mt19937_64& random) {
  auto files = std::move(before);
  for (std::uint8_t const file : {Entry::kStore, Entry::kLedger}) {
    std::size_t kept = 0;  // everything before it
    for (std::size_t i = 0; i < cut; ++i)
      if (all[i].head.file == file && does_keep(all[i])) kept = i;
    auto& content = files.of(file);
    for (std::size_t i = 0; i < kept; ++i)
      if (all[i].head.file == file) apply(content, all[i]);
    // None of them, all of them, or any; whole, or torn.
    auto const mood = random() % 4;
    std::size_t const unit = random() % 2 == 0 ? 512 : 4096;
    for (std::size_t i = kept; i <= cut && i < all.size(); ++i) {
      auto const& entry = all[i];
      if (entry.head.file != file) continue;
      if (entry.head.is_durable && i < cut)
        apply(content, entry);  // O_DSYNC
      else if (mood == 1 || (mood >= 2 && random() % 2 == 0))
        apply(content, entry);
      else if (mood == 3 && entry.head.kind == Entry::kWrite)
        apply_torn(content, entry, unit, random);
    }
  }
  return files;
}

// --- the judge

std::vector<std::string> judge(std::string const& directory, acme::CheckedBy const& by, Told const& told,
                               Told::Moment until) {
  std::vector<std::string> wrong;
  auto const store = store::open_read_only("lmdb:db", directory);
  if (!store) return {store.error().detail()};
  (*store)->read([&](store::ReadTxn& txn) {
    for (auto const& checked : acme::check_store(txn, by, 3))
      for (auto const& finding : checked.first)
        wrong.push_back(std::string(checked.invariant->name) + " " + finding.record + ": " + finding.what);
  });
  for (auto& missing : told.missing_in(**store, until)) wrong.push_back(std::move(missing));

  auto const ledger = ca::signing_ledger_file(directory);
  auto const unknown = ca::find_unknown(**store, ledger);
  if (!unknown) return {unknown.error().detail()};
  for (auto const& entry : *unknown) wrong.push_back("the store does not know " + entry.serial_hex);
  auto const missing = ca::find_missing(**store, ledger, by.now, 3);
  if (!missing) return {missing.error().detail()};
  for (auto const& record : missing->first) wrong.push_back("the signer's ledger lacks " + record.serial_hex);
  std::set<std::string> on_record;
  auto const visited =
      ca::visit_signing_ledger(ledger, [&](ca::SignedEntry const& entry) { on_record.insert(entry.serial_hex); });
  if (!visited) wrong.push_back(visited.error().detail());
  for (auto const& serial : told.serials(until))
    if (!on_record.contains(serial)) wrong.push_back("the signer's ledger has not " + serial);
  return wrong;
}

struct PowerCut : ::testing::Test {
  PowerCut() {
    seal_lightly(ca);
    eab = make_eab_key(ca);
  }

  void record() {
    before = {fakes::CaProcess::read(ca.state() + "/db/data.mdb"), fakes::CaProcess::read(ledger)};
    std::filesystem::copy(ca.state(), ca.path("before"), std::filesystem::copy_options::recursive);
    auto const file = ca.path("record");
    told.now = [file] {
      std::error_code none;
      auto const size = std::filesystem::file_size(file, none);
      return none ? 0 : size;
    };
    ca.serve({"env", "LD_PRELOAD=" LENSCAP_RECORDER, "LENSCAP_RECORD=" + file});
    std::vector<Worker> workers;
    for (int i = 0; i < kWorkers; ++i) workers.emplace_back(i, static_cast<unsigned long long>(i), ca, eab, told);
    std::vector<std::string> wrong(kWorkers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kWorkers; ++i) threads.emplace_back([&, i] { wrong[i] = workers[i].work(kOrders); });
    for (auto& thread : threads) thread.join();
    for (auto const& each : wrong) EXPECT_EQ(each, "");
    EXPECT_TRUE(until([&] { return are_all_in_a_list(); })) << ca.log();
    EXPECT_EQ(ca.stop(), 0) << ca.log();
    all = read_recording(file);
    recorded_until = SystemClock().now();
  }

  bool are_all_in_a_list() const {
    auto const id = to_hex(issuing.subject_key_id());
    bool are_all = false;
    store::open_read_only("lmdb:db", ca.state()).value()->read([&](store::ReadTxn& txn) {
      auto const list = ca::find_signed_crl(txn, id, "");
      are_all = list && list->revocations == ca::count_revocations(txn, id);
    });
    return are_all;
  }

  // Images of cuts at random moments, of these or of all; how many of them are broken, and what is wrong with the last
  // of those.
  struct Judged {
    std::size_t broken = 0;
    std::string how;
  };
  Judged try_images(std::vector<Recorded> const& recording, std::size_t count, KeepsRule does_keep,
                    std::mt19937_64& random, std::vector<std::size_t> const& cuts = {}) {
    Judged judged;
    for (std::size_t i = 0; i < count; ++i) {
      auto const cut = cuts.empty() ? random() % (recording.size() + 1) : cuts[random() % cuts.size()];
      auto const until = cut == 0 ? 0 : recording[cut - 1].end;
      auto const wrong = judge_image(image(before, recording, cut, does_keep, random), until);
      if (wrong.empty()) continue;
      ++judged.broken;
      judged.how = "image " + std::to_string(i) + ", cut at entry " + std::to_string(cut) + " of " +
                   std::to_string(recording.size()) + ": " + wrong;
    }
    return judged;
  }

  // Lists are to be made at once: what a store has in no list, when it is looked at so much later than it was recorded,
  // is told. However long it takes to try all images.
  acme::CheckedBy by(Seconds later = Seconds(0)) const {
    return {.now = recorded_until + later, .crl_plan = {.after_revocation = Seconds(0)}, .issuers = {issuing}};
  }

  // In a process of its own: an image whose pages are not there ends whoever reads it with SIGBUS.
  std::string judge_image(Files const& files, Told::Moment until) {
    fakes::TempDir dir;
    std::filesystem::create_directory(dir.path("db"));
    std::ofstream(dir.path("db") + "/data.mdb", std::ios::binary) << files.store;
    std::ofstream(ca::signing_ledger_file(dir.path()), std::ios::binary) << files.ledger;
    std::filesystem::permissions(dir.path("db"), std::filesystem::perms::owner_all);
    auto const verdict = dir.path("verdict");
    std::fflush(nullptr);
    pid_t const pid = ::fork();
    if (pid == 0) {
      std::string text;
      try {
        for (auto const& each : judge(dir.path(), by(), told, until)) text += each + "\n";
      } catch (std::exception const& error) {
        text = error.what();
      }
      std::ofstream(verdict) << text;
      ::_exit(text.empty() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
    auto const text = fakes::CaProcess::read(verdict);
    return WEXITSTATUS(status) == 0 ? "" : text.empty() ? "no verdict" : text;
  }

  // The programs themselves, in place of the judge: the command finds every promise kept in an image, and the CA serves
  // and issues from there.
  void expect_served(std::size_t count, std::mt19937_64& random) {
    Told later;
    auto const expect_whole = [&] {
      auto const verified = verify_later(ca, ca.state());
      EXPECT_EQ(verified.code, 0) << verified.all();
    };
    for (std::size_t i = 0; i < count; ++i) {
      auto const cut = random() % (all.size() + 1);
      SCOPED_TRACE("cut at entry " + std::to_string(cut));
      auto const files = image(before, all, cut, keeps, random);
      std::filesystem::remove_all(ca.state());
      std::filesystem::copy(ca.path("before"), ca.state(), std::filesystem::copy_options::recursive);
      std::ofstream(ca.state() + "/db/data.mdb", std::ios::binary) << files.store;
      std::ofstream(ledger, std::ios::binary) << files.ledger;
      expect_whole();
      ca.serve();
      Worker worker(kWorkers + static_cast<int>(i), random(), ca, eab, later);
      EXPECT_EQ(worker.work(1), "");
      EXPECT_EQ(worker.orders(), 1);
      EXPECT_EQ(ca.stop(), 0) << ca.log();
      expect_whole();
      auto const store = store::open_read_only("lmdb:db", ca.state()).value();
      EXPECT_THAT(told.missing_in(*store, cut == 0 ? 0 : all[cut - 1].end), ::testing::IsEmpty());
      if (HasFailure()) return;
    }
  }

  fakes::CaProcess ca{"", kLoadSettings};
  std::string const ledger = ca::signing_ledger_file(ca.state());
  x509::Certificate const issuing = ca::load_chain(ca.state()).value().issuing;
  Eab eab;
  Told told;
  Files before;
  std::vector<Recorded> all;
  Time recorded_until{};
};

TEST_F(PowerCut, LeavesWhatClientsWereToldAndEveryPromiseKept) {
  char const* const given = std::getenv("LENSCAP_SEED");
  auto const seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  char const* const wanted = std::getenv("LENSCAP_IMAGES");
  auto const images = static_cast<std::size_t>(wanted != nullptr ? std::stoll(wanted) : kImages);
  std::mt19937_64 random(seed);
  record();
  auto const count = [&](std::uint8_t kind, std::uint8_t file) {
    return std::ranges::count_if(all, [&](Recorded const& e) { return e.head.kind == kind && e.head.file == file; });
  };
  std::printf(
      "LENSCAP_SEED=%llu LENSCAP_IMAGES=%zu: store %td writes and %td syncs, ledger %td writes and %td syncs; "
      "%zu certificates\n",
      static_cast<unsigned long long>(seed), images, count(Entry::kWrite, Entry::kStore),
      count(Entry::kSync, Entry::kStore), count(Entry::kWrite, Entry::kLedger), count(Entry::kSync, Entry::kLedger),
      told.certificates());
  ASSERT_EQ(told.certificates(), static_cast<std::size_t>(kWorkers * kOrders));
  ASSERT_GE(count(Entry::kSync, Entry::kLedger), kOrders);
  ASSERT_GE(count(Entry::kSync, Entry::kStore), kOrders);

  // The recording is whole: played from its beginning, it gives the files as they are now.
  auto played = before;
  for (auto const& entry : all) apply(played.of(entry.head.file), entry);
  EXPECT_TRUE(played.store == fakes::CaProcess::read(ca.state() + "/db/data.mdb"));
  EXPECT_TRUE(played.ledger == fakes::CaProcess::read(ledger));

  auto const judged = try_images(all, images, keeps, random);
  EXPECT_EQ(judged.broken, 0U) << judged.how << "seed " << seed;
  std::filesystem::copy(ca.state(), ca.path("after"), std::filesystem::copy_options::recursive);
  expect_served(std::max<std::size_t>(images / kServedOf, 1), random);
  std::filesystem::remove_all(ca.state());
  std::filesystem::rename(ca.path("after"), ca.state());

  // From here on the judge is judged. What the server left has a list with all that is revoked, and has not once there
  // is a revocation more.
  constexpr Seconds kLater = kHour;
  ASSERT_GT(told.revoked(), 0U);
  EXPECT_THAT(judge(ca.state(), by(kLater), told, ~Told::Moment{0}), ::testing::IsEmpty());
  auto const store = store::open("lmdb:db", ca.state()).value();
  store->write([&](store::WriteTxn& txn) {
    auto const serials = told.serials(~Told::Moment{0});
    auto const left = std::ranges::find_if(serials, [&](auto const& each) { return !ca::find_revocation(txn, each); });
    EXPECT_NE(left, serials.end());
    return ca::record_revoked(txn, *left, {.at = by().now, .reason = {}, .by = "a test"}).ok();
  });
  std::string late;
  store->read([&](store::ReadTxn& txn) {
    for (auto const& checked : acme::check_store(txn, by(kLater), 1))
      for (auto const& finding : checked.first) late += std::string(checked.invariant->name) + " " + finding.what;
  });
  EXPECT_EQ(late, "I8 1 certificates are revoked and in no list yet");
  auto const lying = try_images(all, kControlImages, lies_about_the_store, random);
  EXPECT_GT(lying.broken, 0U) << "a disk that lies about the syncs of the store";
  auto const forgetful = try_images(all, kControlImages, lies_about_the_ledger, random);
  EXPECT_GT(forgetful.broken, 0U) << "a disk that lies about the syncs of the ledger";
  // LMDB's meta page, which says which pages count, is written after the sync of those pages: here before it.
  auto early = all;
  std::vector<std::size_t> between;  // where power goes when the meta page is there and the pages may not be
  for (std::size_t i = 1; i < early.size(); ++i) {
    if (!early[i].head.is_durable) continue;
    auto sync = i - 1;
    while (sync > 0 && early[sync].head.file != early[i].head.file) --sync;
    if (early[sync].head.kind != Entry::kSync) continue;
    auto const at = [&](std::size_t n) { return early.begin() + static_cast<std::ptrdiff_t>(n); };
    std::rotate(at(sync), at(i), at(i) + 1);
    between.push_back(sync + 1);
  }
  auto const hasty = try_images(early, kControlImages, keeps, random, between);
  EXPECT_GT(hasty.broken, 0U) << "a store that writes its meta page before it syncs";
  std::printf("controls: %zu, %zu and %zu of %zu images each are broken, such as:\n%s\n%s\n%s\n", lying.broken,
              forgetful.broken, hasty.broken, kControlImages, lying.how.c_str(), forgetful.how.c_str(),
              hasty.how.c_str());
}

}  // namespace
}  // namespace lenscap::e2e
