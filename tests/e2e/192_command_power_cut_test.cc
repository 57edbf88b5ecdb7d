// What a power cut leaves of a command's work (disk.h). The commands are those of 182_command_faults. One that has
// ended well has done its work for good, each octet and each mode of it; one that was in the midst of it does the rest
// the next time, or had done nothing yet.
//
// And the judge is judged: of a disk that lies about the syncs of folders, and of one that lies about those of files,
// it finds that what commands have written in files is not there.
//
// The images come from a seed, which is printed: LENSCAP_SEED=N asks for the same choice, LENSCAP_IMAGES=N for so many
// of each command, LENSCAP_COMMANDS=REGEX for some commands alone.
#include <algorithm>
#include <chrono>
#include <random>
#include <sstream>

#include "tests/e2e/commands.h"
#include "tests/e2e/disk.h"

namespace lenscap::e2e {
namespace {

constexpr std::chrono::seconds kImagesTime(15);

struct CommandPowerCut : Commands {
  // What one command did, and what it changed by that.
  struct Recorded {
    Command command;
    Tree before, after;
    std::set<std::string> expected;
    Disk disk;
  };

  Recorded record(Command command) {
    SCOPED_TRACE(command.name);
    begin(command);
    Recorded recorded{std::move(command), tree_of(here), {}, {}, Disk(here)};
    auto const longest = std::to_string(16 * 1024 * 1024);
    auto const ran = run_here(recorded.command.words, {"strace", "-D", "-f", "-y", "-xx", "-s", longest, "-o", log,
                                                       "-e", std::string("trace=") + Disk::kCalls});
    EXPECT_EQ(ran.code, 0) << ran.all();
    recorded.after = tree_of(here);
    recorded.expected = changes(recorded.before, recorded.after);
    EXPECT_FALSE(recorded.expected.empty());
    recorded.disk.play(traced());
    // The account is whole: what it leaves of everything is what is there.
    recorded.disk.leave_all(recorded.disk.steps());
    EXPECT_EQ(changes(recorded.after, tree_of(here)), std::set<std::string>());
    return recorded;
  }

  // As far as files go: all of it was written, and no sector is missing.
  static bool is_whole(std::string const& file) {
    if (file.starts_with("no ") || file.find("/db/") != file.npos) return true;
    auto const text = fakes::CaProcess::read(file);
    if (file.ends_with(".crl") || file.ends_with("/made")) return !text.empty();  // the commands read these
    return !text.empty() && text.back() == '\n' && text.find('\0') == text.npos;
  }

  // All is done. The next start adds what the audit trail lacks, and the marks of a store that is new.
  std::string judge_done(Recorded const& recorded) {
    auto changed = changes(recorded.before, tree_of(here));
    auto expected = recorded.expected;
    for (auto const* spared : {"/db/data.mdb:ca_audit", "/db/data.mdb:ca_audit_heads", "/db/data.mdb:acme_meta"})
      for (auto* all : {&changed, &expected}) all->erase(state + spared);
    for (auto* all : {&changed, &expected}) all->erase(state + recorded.command.by_the_way);
    std::string wrong;
    for (auto const& each : changed)
      if (!expected.contains(each)) wrong += "it has changed " + each + "\n";
    for (auto const& each : expected)
      if (!changed.contains(each))
        wrong += "it should have changed " + each + "\n";
      else if (!is_whole(each))
        wrong += each + " is not whole\n";
    for (auto words : {std::vector<std::string>{"--state", state, "store", "verify"}, recorded.command.judge}) {
      if (words.empty() || (words[2] == "store" && !is_ca())) continue;
      if (auto const ran = run_here(words); ran.code != 0) wrong += words[2] + " " + words[3] + ": " + ran.all();
    }
    return wrong;
  }
  // It had ended well when power went.
  std::string judge_end(Recorded const& recorded) const {
    std::string wrong;
    for (auto const& each : changes(recorded.after, tree_of(here)))
      if (each != state + recorded.command.by_the_way) wrong += each + "\n";
    return wrong;
  }
  // Does it find, at the end, that files are missing? A store alone would say too little of the others.
  std::size_t loses_files(Recorded const& recorded, Disk::Syncs syncs) const {
    recorded.disk.leave_least(recorded.disk.steps(), syncs);
    std::istringstream lines(judge_end(recorded));
    for (std::string line; std::getline(lines, line);)
      if (line.find("/db/data.mdb") == line.npos) return 1;
    return 0;
  }
  static bool writes_files(Recorded const& recorded) {
    return std::ranges::any_of(recorded.expected, [](std::string const& each) {
      return !each.starts_with("no ") && each.find("/db/data.mdb") == each.npos;
    });
  }
  // It had not: the next time it ends well, or says that all is done.
  std::string judge_cut(Recorded const& recorded) {
    bool const was_unchanged = tree_of(here) == recorded.before;
    auto again = run_here(recorded.command.words);
    if (follow_advice(again.all())) again = run_here(recorded.command.words);
    if (again.code != 0 && (was_unchanged || !recorded.command.once)) return again.all();
    auto const wrong = judge_done(recorded);
    return wrong.empty() ? "" : wrong + again.all();
  }
};

TEST_F(CommandPowerCut, LeavesWhatTheNextTimeCompletes) {
  if (!may_trace()) GTEST_SKIP() << "SKIPPED: strace may not trace here";
  char const* const given = std::getenv("LENSCAP_SEED");
  auto const seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  char const* const wanted = std::getenv("LENSCAP_IMAGES");
  std::mt19937_64 random(seed);

  std::vector<Recorded> all;
  for (auto& command : chosen()) all.push_back(record(std::move(command)));
  ASSERT_FALSE(HasFailure());
  for (auto const& each : all) {
    each.disk.leave_least(each.disk.steps());
    EXPECT_EQ(judge_end(each), "") << each.command.name;
  }

  auto const until_when = std::chrono::steady_clock::now() + kImagesTime;
  std::size_t tried = 0, unchanged = 0, steps = 0;
  auto const images = wanted != nullptr ? std::stoull(wanted) : ~0ULL;
  for (std::size_t i = 0; i < images && !HasFailure(); ++i) {
    if (i > 0 && wanted == nullptr && std::chrono::steady_clock::now() > until_when) break;
    for (auto const& each : all) {
      auto const cut = random() % (each.disk.steps() + 1);
      SCOPED_TRACE(each.command.name + ", power goes at step " + std::to_string(cut) + " of " +
                   std::to_string(each.disk.steps()) + ", " + each.disk.describe(cut) + ", seed " +
                   std::to_string(seed));
      each.disk.leave(cut, random);
      ++tried;
      unchanged += tree_of(here) == each.before ? 1 : 0;
      EXPECT_EQ(cut == each.disk.steps() ? judge_end(each) : judge_cut(each), "");
      if (HasFailure()) break;
    }
  }
  for (auto const& each : all) steps += each.disk.steps();

  std::size_t writing = 0, of_folders = 0, of_files = 0;
  for (auto const& each : all) {
    if (!writes_files(each)) continue;
    ++writing;
    of_folders += loses_files(each, Disk::Syncs::of_folders_lie);
    of_files += loses_files(each, Disk::Syncs::of_files_lie);
  }
  std::printf(
      "LENSCAP_SEED=%llu: %zu images of %zu commands in %zu steps, %zu unchanged; of %zu that write files, %zu lose "
      "some by a disk that lies about folders, and %zu by one that lies about files\n",
      static_cast<unsigned long long>(seed), tried, all.size(), steps, unchanged, writing, of_folders, of_files);
  EXPECT_EQ(of_folders, writing);
  EXPECT_EQ(of_files, writing);
}

}  // namespace
}  // namespace lenscap::e2e
