// lenscap-ca on a disk that fails, on one that is full, and with a clock that jumps.
//
// Each call by which the server or its signer writes, syncs, renames, opens or cuts a file of the state directory is
// made to fail once, with EIO or ENOSPC, by strace. It may answer with a problem, or end by itself and say why; it may
// not crash, hang, break a promise of `store verify`, or lose what a client was told.
//
// The commands that write are held to more: after a failure everything is as it was, or all of it is done, and the same
// command ends well then. What makes a CA, or moves keys, may stop half way: then the same command does the rest.
//
// There are some hundred such calls; a run tries a sample in which each kind of call on each file is, by a seed that is
// printed: LENSCAP_SEED=N asks for the same one, LENSCAP_FAULTS=N for another number of them, LENSCAP_FAULTS=all for
// all. Of the commands, as many are tried as there is time for; LENSCAP_COMMANDS=REGEX for some of them alone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <map>
#include <random>
#include <regex>
#include <sstream>

#include "base/json.h"
#include "tests/e2e/load.h"

namespace lenscap::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kFaults = 40;
constexpr int kOrders = 3;                         // of a run
constexpr int kHangs = 60;                         // seconds without an end of the client's work
constexpr std::chrono::seconds kCommandsTime(10);  // for faults of commands, and the last ones come to their end

struct Faults : ::testing::Test {
  Faults() {
    seal_lightly(ca);
    eab = make_eab_key(ca);
  }
  void expect_whole(Told const& told) {
    auto const verified = ca.run({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    EXPECT_THAT(told.missing_in(**store), IsEmpty());
  }

  fakes::CaProcess ca{"", kLoadSettings};
  Eab eab;
};

// --- calls that fail

// A call to fail: the n-th of its kind on this file, or among all files where the file's name is made by chance.
struct Fault {
  std::string call;
  std::string path;  // empty: any
  int n = 1;
  std::string error;

  std::string text() const {
    return call + " " + (path.empty() ? "any file" : path) + " number " + std::to_string(n) + " " + error;
  }
};

// What counts and injects.
struct Traced : Faults {
  static constexpr char const* kCalls =
      "write,writev,pwrite64,pwritev,sendfile,copy_file_range,fsync,fdatasync,sync_file_range,rename,renameat,"
      "renameat2,"
      "link,unlink,unlinkat,openat,ftruncate,fallocate,mkdir,chmod,fchmod,fchmodat";

  std::string const log = ca.path("strace.log");

  // -D: the server stays this test's child, and its exit code its own. -f: its threads and its signer too.
  std::vector<std::string> strace(std::vector<std::string> const& more) const {
    std::vector<std::string> words{"strace", "-D", "-f", "-y", "-s", "0", "-o", log};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // ptrace may be forbidden, as in many containers. Asked by what a test needs of it.
  bool may_trace() {
    auto const file = ca.path("probe");
    std::ofstream(file) << "x";
    auto const ran = ca.programs().run(
        {"strace", "-D", "-f", "-y", "-o", log, "-P", file, "-e", "inject=fsync:error=EIO:when=1", "sync", file});
    return ran.code == 1 && ran.err.find("Input/output error") != std::string::npos;
  }

  // What strace said; its last line comes a moment after the program's end.
  std::string traced() const {
    std::string text;
    EXPECT_TRUE(until([&] { return (text = fakes::CaProcess::read(log)).find("+++ exited with") != text.npos; }))
        << text;
    return text;
  }
  // A fault of any file meets the n-th call of each thread, whatever it is on. Where that was the bell by which a
  // thread wakes another, or a pipe, a program may wait for ever: no disk makes that fail.
  static bool met_no_file(std::string const& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (line.find("(INJECTED)") != line.npos &&
          (line.find("<anon_inode:") != line.npos || line.find("<pipe:") != line.npos))
        return true;
    return false;
  }
  // Which calls were made on files below the folder.
  static std::map<std::pair<std::string, std::string>, int> count_calls(std::string const& text,
                                                                        std::string const& folder);
  static std::vector<std::string> injecting(Fault const& fault) {
    std::vector<std::string> words{
        "-e", "trace=" + fault.call, "-e",
        "inject=" + fault.call + ":error=" + fault.error + ":when=" + std::to_string(fault.n)};
    if (!fault.path.empty()) words.insert(words.end(), {"-P", fault.path});
    return words;
  }
};

struct InjectedFailures : Traced {
  // A start, some orders and an end. What was wrong is a failure.
  struct Run {
    bool has_started = false;
    int code = -1;
    std::string log;  // strace's
  };
  Run run(std::vector<std::string> const& before, Worker& worker) {
    std::filesystem::remove(log);
    auto const said = server_log().size();
    Run run;
    try {
      ca.serve(before);
      run.has_started = true;
    } catch (std::runtime_error const&) {
    }
    if (run.has_started) {
      auto working = std::async(std::launch::async, [&] { return worker.work(kOrders); });
      if (working.wait_for(std::chrono::seconds(kHangs)) != std::future_status::ready) ca.kill();
      EXPECT_EQ(working.get(), "");
    }
    run.code = ca.stop();
    if (!before.empty()) run.log = traced();
    EXPECT_TRUE(run.code < 126 || met_no_file(run.log)) << run.code << ", it crashed or hung:\n"
                                                        << server_log().substr(said) << run.log;
    EXPECT_TRUE(run.code == 0 || server_log().size() > said) << "it ended without a word";
    return run;
  }
  std::string server_log() const { return fakes::CaProcess::read(ca.path("log")); }
};

std::map<std::pair<std::string, std::string>, int> Traced::count_calls(std::string const& text,
                                                                       std::string const& folder) {
  // By thread, since strace counts in each thread by itself; then the most of a thread.
  std::map<std::tuple<std::string, std::string, std::string>, int> by_thread, of_call;
  std::map<std::pair<std::string, std::string>, int> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto const parenthesis = line.find('(');
    auto const begin = line.find(folder);
    auto const blank = line.find(' ');
    if (parenthesis == line.npos || blank == line.npos || blank > parenthesis || line.find("resumed>") != line.npos)
      continue;
    auto const thread = line.substr(0, blank);
    auto const name_begin = line.find_first_not_of(' ', blank);
    auto const call = line.substr(name_begin, parenthesis - name_begin);
    auto const nth = ++of_call[{thread, call, ""}];
    if (begin == line.npos) continue;
    auto path = line.substr(begin, line.find_first_of("\">", begin) - begin);
    if (path.find(".new-") == path.npos) {
      auto const count = ++by_thread[{thread, call, path}];
      calls[{call, path}] = std::max(calls[{call, path}], count);
    } else {
      calls[{call + "#" + std::to_string(nth), ""}] = nth;
    }
  }
  return calls;
}

TEST_F(InjectedFailures, LeaveAProperAnswerOrACleanEndAndEveryPromiseKept) {
  if (!may_trace()) GTEST_SKIP() << "SKIPPED: strace may not trace here";
  char const* const given = std::getenv("LENSCAP_SEED");
  auto const seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::mt19937_64 random(seed);
  Told told;
  Worker first(0, random(), ca, eab, told);
  run({}, first);  // makes what is made once
  Worker counted(1, random(), ca, eab, told);
  auto const counting = run(strace({"-e", std::string("trace=") + kCalls}), counted);
  ASSERT_EQ(counting.code, 0) << ca.log();
  ASSERT_EQ(counted.orders(), kOrders);

  // One of each kind on each file first, then others by chance.
  std::vector<Fault> all, sample, rest;
  for (auto const& [what, count] : count_calls(counting.log, ca.state())) {
    auto const& [call, path] = what;
    auto const chosen = 1 + static_cast<int>(random() % static_cast<unsigned>(count));
    std::string_view const chosen_error = random() % 2 == 0 ? "EIO" : "ENOSPC";
    for (int n = path.empty() ? count : 1; n <= count; ++n)
      for (char const* error : {"EIO", "ENOSPC"}) {
        all.push_back({call.substr(0, call.find('#')), path, n, error});
        bool const is_first = n == (path.empty() ? count : chosen) && error == chosen_error;
        (is_first ? sample : rest).push_back(all.back());
      }
  }
  std::ranges::shuffle(sample, random);
  std::ranges::shuffle(rest, random);
  sample.insert(sample.end(), rest.begin(), rest.end());
  char const* const wanted = std::getenv("LENSCAP_FAULTS");
  std::size_t const most = wanted == nullptr                   ? kFaults
                           : std::string_view(wanted) == "all" ? sample.size()
                                                               : std::stoul(wanted);
  sample.resize(std::min(most, sample.size()));
  std::printf("LENSCAP_SEED=%llu: %zu of %zu faults\n", static_cast<unsigned long long>(seed), sample.size(),
              all.size());

  std::size_t hit = 0, ended = 0, refused = 0;
  for (auto const& fault : sample) {
    SCOPED_TRACE(fault.text() + ", seed " + std::to_string(seed));
    Worker worker(2, random(), ca, eab, told, Refusals::proper);
    auto const ran = run(strace(injecting(fault)), worker);
    bool const was_hit = ran.log.find("(INJECTED)") != std::string::npos;
    hit += was_hit ? 1 : 0;
    ended += ran.code != 0 ? 1 : 0;
    refused += worker.was_refused() ? 1 : 0;
    if (std::getenv("LENSCAP_TELL") != nullptr)
      std::printf("%s: %s, exit code %d, %d orders%s\n", fault.text().c_str(), was_hit ? "hit" : "not met", ran.code,
                  worker.orders(), worker.was_refused() ? ", refused" : "");
    EXPECT_TRUE(was_hit || ran.code == 0) << "ended without a fault: " << server_log();
    expect_whole(told);
    if (HasFailure()) break;
  }
  std::printf("%zu faults met: %zu ended the server, %zu were told to the client; %zu certificates were given out\n",
              hit, ended, refused, told.certificates());
  EXPECT_GT(hit, sample.size() / 2);
  EXPECT_GT(ended, 0U);

  // And with a disk that works again, all goes on.
  Worker last(3, random(), ca, eab, told);
  EXPECT_EQ(run({}, last).code, 0);
  EXPECT_EQ(last.orders(), kOrders);
  expect_whole(told);
}

// --- commands that write

// What a store holds for whoever reads it. The octets of its file are no measure: a commit that failed may have written
// pages that belong to no state of it. Nothing where it is no store yet.
std::optional<std::string> records_of(std::string const& folder) {
  auto const store = store::open_read_only("lmdb:" + folder, "/");
  if (!store.ok()) return std::nullopt;
  std::string all;
  auto const add = [&](std::string_view text) { all += std::to_string(text.size()) + ":" + std::string(text) + "\n"; };
  (*store)->read([&](store::ReadTxn& txn) {
    for (auto const& name : txn.tables()) {
      add(name);
      txn.scan(store::Table{name}, "", [&](std::string_view key, std::string_view value) {
        add(key);
        add(value);
        return true;
      });
    }
  });
  return all;
}

// What lies below a folder, but for what lies beside a file while it is replaced, and what
// tells LMDB and us who uses the store.
using Tree = std::map<std::string, std::string>;
Tree tree_of(std::string const& folder) {
  Tree tree;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) {
    auto const path = entry.path().string();
    auto const is_beside = path.find(".new") != path.npos || path.ends_with(".former") || path.ends_with("lock.mdb") ||
                           path.ends_with("/db/lock");
    if (!entry.is_regular_file() || is_beside) continue;
    auto const records = path.ends_with("/db/data.mdb") ? records_of(entry.path().parent_path()) : std::nullopt;
    tree[path] = records ? *records : fakes::CaProcess::read(path);
  }
  return tree;
}

// Keys are made by chance: which files came, went and changed is what two runs have in common.
std::set<std::string> changes(Tree const& before, Tree const& after) {
  std::set<std::string> all;
  for (auto const& [path, text] : after)
    if (!before.contains(path) || before.at(path) != text) all.insert(path);
  for (auto const& [path, text] : before)
    if (!after.contains(path)) all.insert("no " + path);
  return all;
}

struct Commands : Traced {
  struct Command {
    std::string name;
    std::vector<std::string> words;
    std::function<void()> prepare;        // what stands in `here` before
    std::vector<std::string> judge = {};  // a command that has to end well when all is done
    bool once = false;                    // done twice it is refused
    bool goes_on = false;                 // what it left half done, the next time does the rest of
  };

  std::string const here = ca.path("here");
  std::string const state = here + "/state";
  fakes::Corporation corporation;

  void SetUp() override {
    corporation.issue_with_key();
    auto const words = [&](char const* name, char const* text) {
      std::ofstream(ca.path(name)) << text;
      std::filesystem::permissions(ca.path(name), std::filesystem::perms(0600));
    };
    words("other-words", "words of another\n");
    words("root-words", "the root's own words\n");
    seal_lightly_with(ca.path("root-words"), ca.state() + "/keys/root.key");
    must({"--state", ca.state(), "backup", "create", ca.path("backup"), "--passphrase-file", ca.path("other-words")});
    must({"--state", ca.path("below"), "init", "--intermediate", "--name", "Example Cameras", "--permit-dns",
          "localhost", "cams.example", "--url", "https://localhost", "--passphrase-file", ca.path("passphrases")});
    seal_lightly_with(ca.path("passphrases"), ca.path("below") + "/keys/issuing.key");
    must({"--state", ca.path("restored"), "restore", ca.path("backup"), "--passphrase-file", ca.path("other-words")});
    // What stands where, copied before each run: the own root, what was restored from it, one without a chain, the same
    // with its chain installed.
    copy(ca.path("below"), ca.path("installed"));
    must({"--state", ca.path("installed"), "issuer", "csr", "--out", corporation.path("our.csr")});
    corporation.sign(corporation.path("our.csr"));
    std::filesystem::rename(corporation.issuing(), corporation.path("ours.pem"));
    corporation.shell(
        "openssl x509 -req -in our.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile "
        "issuing.ext -out renewed.pem");
    corporation.sign(corporation.path("issuing.csr"));
    must({"--state", ca.path("installed"), "issuer", "install", corporation.path("ours.pem"), corporation.root()});
  }

  Ran run_here(std::vector<std::string> words, std::vector<std::string> before = {}) {
    before.insert(before.end(), {std::string(LENSCAP_BIN_DIR) + "/lenscap-ca"});
    before.insert(before.end(), words.begin(), words.end());
    return ca.programs().run(std::move(before));
  }
  void must(std::vector<std::string> words) {
    auto const ran = run_here(std::move(words));
    ASSERT_EQ(ran.code, 0) << ran.all();
  }
  static void copy(std::string const& from, std::string const& to) {
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }
  std::function<void()> on(std::string const& from) {
    return [this, from] { copy(from, state); };
  }

  // As seal_lightly(): most of the time would go into opening keys.
  void seal_lightly_with(std::string const& words_file, std::string const& key) {
    std::filesystem::copy_file(words_file, ca.path("once-more"), std::filesystem::copy_options::overwrite_existing);
    auto const resealed =
        ca.programs().run({"openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1", "-in", key, "-out",
                           key + ".new", "-passin", "file:" + words_file, "-passout", "file:" + ca.path("once-more")});
    ASSERT_EQ(resealed.code, 0) << resealed.all();
    std::filesystem::rename(key + ".new", key);
  }

  std::vector<Command> all() {
    auto const words = [&](std::vector<std::string> more) {
      more.insert(more.begin(), {"--state", state});
      return more;
    };
    auto const passphrases = ca.path("passphrases");
    auto const root_words = ca.path("root-words");
    auto const other = ca.path("other-words");
    auto const split = [this] {
      copy(ca.state(), state);
      auto text = fakes::CaProcess::read(state + "/ca.toml");
      auto const table = text.find("[signer]\n");
      std::string const socket = "socket = \"" + here + "/signer.socket\"\n";
      if (table == text.npos)
        text += "[signer]\n" + socket;
      else
        text.insert(table + 9, socket);
      std::ofstream(state + "/ca.toml") << text;
    };
    auto const init = [&](std::vector<std::string> more) {
      more.insert(more.end(), {"--name", "Example Cameras", "--permit-dns", "localhost", "cams.example", "--url",
                               "https://localhost", "--passphrase-file", passphrases});
      return words(std::move(more));
    };
    return {
        {"init", init({"init"}), [] {}, words({"issuer", "list"}), true, true},
        {"init --intermediate", init({"init", "--intermediate"}), [] {}, words({"issuer", "csr"}), true, true},
        {"root import", words({"root", "import", corporation.path("root.key"), corporation.root()}),
         on(ca.path("below")), words({"issuer", "list"}), true},
        {"root seal", words({"root", "seal", "--to", here + "/medium", "--passphrase-file", root_words}),
         on(ca.state()), words({"issuer", "list"}), true, true},
        {"restore confirm", words({"restore", "confirm"}), on(ca.path("restored")), {}, true},
        {"issuer import",
         words({"issuer", "import", corporation.path("issuing.key"), corporation.issuing(), corporation.root()}),
         on(ca.path("below")), words({"issuer", "install", corporation.issuing(), corporation.root()})},
        {"issuer install", words({"issuer", "install", corporation.path("renewed.pem"), corporation.root()}),
         on(ca.path("installed")), words({"issuer", "install", corporation.path("renewed.pem"), corporation.root()})},
        {"issuer create",
         words(
             {"issuer", "create", "--site", "plant4", "--permit-ip", "10.20.4.0/24", "--passphrase-file", root_words}),
         on(ca.state()), words({"issuer", "list"}), true},
        {"root roll-over",
         words({"root", "roll-over", "--passphrase-file", root_words, "--new-passphrase-file", other}), on(ca.state()),
         words({"root", "status"}), true},
        {"root crl", words({"root", "crl", "--passphrase-file", root_words}), on(ca.state()),
         words({"issuer", "list"})},
        {"issuer revoke", words({"issuer", "revoke", "default", "--passphrase-file", root_words}), on(ca.state()),
         words({"issuer", "list"}), true},
        {"signer split",
         words({"signer", "split", "--to", here + "/signer", "--passphrase-file", passphrases, "--new-passphrase-file",
                other}),
         split,
         {},
         false,
         true},
        {"backup create", words({"backup", "create", here + "/made", "--passphrase-file", other}), on(ca.state()),
         words({"backup", "verify", here + "/made", "--passphrase-file", other}), true},
        {"restore", words({"restore", ca.path("backup"), "--passphrase-file", other}), [] {}, {}, true},
    };
  }

  void begin(Command const& command) {
    std::filesystem::remove_all(here);
    std::filesystem::create_directory(here);
    command.prepare();
  }
  // Every promise is kept, where there is a store of a CA that has its settings and its certificate: the one is the
  // last that `init` writes, the other comes from the parent.
  void expect_whole_store() {
    for (auto const* file : {"/db/data.mdb", "/ca.toml", "/keys/issuing.pem"})
      if (!std::filesystem::exists(state + file)) return;
    auto const verified = run_here({"--state", state, "store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
  }
  void expect_done(Command const& command, Tree const& before, std::set<std::string> const& expected) {
    EXPECT_EQ(changes(before, tree_of(here)), expected);
    expect_whole_store();
    expect_judged(command);
  }
  // An init that ended just before its last step leaves that to whoever reads what the next one says.
  void follow_advice(std::string const& said) {
    constexpr std::string_view kAdvice = "Finish it with: ";
    auto const at = said.find(kAdvice);
    if (at == said.npos) return;
    auto const command = said.substr(at + kAdvice.size(), said.find(" (E", at) - at - kAdvice.size());
    EXPECT_EQ(ca.programs().run({"bash", "-c", command}).code, 0) << said;
  }
  void expect_judged(Command const& command) {
    if (command.judge.empty()) return;
    auto const judged = run_here(command.judge);
    EXPECT_EQ(judged.code, 0) << judged.all();
  }
};

TEST_F(Commands, ThatFailChangeNothingOrAllAndEndWellTheNextTime) {
  if (!may_trace()) GTEST_SKIP() << "SKIPPED: strace may not trace here";
  char const* const given = std::getenv("LENSCAP_SEED");
  auto const seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  char const* const wanted = std::getenv("LENSCAP_FAULTS");
  bool const is_all = wanted != nullptr && std::string_view(wanted) == "all";
  auto const until_when = std::chrono::steady_clock::now() + kCommandsTime;
  std::mt19937_64 random(seed);

  struct Counted {
    Command command;
    std::set<std::string> expected;  // what it changes
    std::vector<Fault> faults;
  };
  std::vector<Counted> counted;
  char const* const chosen = std::getenv("LENSCAP_COMMANDS");
  std::regex const wanted_commands(chosen == nullptr ? ".*" : chosen);
  for (auto& command : all()) {
    if (!std::regex_match(command.name, wanted_commands)) continue;
    SCOPED_TRACE(command.name);
    begin(command);
    auto const before = tree_of(here);
    auto const ran = run_here(command.words, strace({"-e", std::string("trace=") + kCalls}));
    ASSERT_EQ(ran.code, 0) << ran.all();
    Counted one{std::move(command), changes(before, tree_of(here)), {}};
    EXPECT_FALSE(one.expected.empty());
    for (auto const& [what, count] : count_calls(traced(), here)) {
      auto const& [call, path] = what;
      for (int n = path.empty() ? count : 1; n <= count; ++n)
        for (char const* error : {"EIO", "ENOSPC"})
          if (is_all || (random() % 2 == 0) == (std::string_view(error) == "EIO"))
            one.faults.push_back({call.substr(0, call.find('#')), path, n, error});
    }
    std::ranges::shuffle(one.faults, random);
    counted.push_back(std::move(one));
  }

  std::size_t tried = 0, hit = 0, of = 0, unchanged = 0;
  for (auto const& each : counted) of += each.faults.size();
  // In turn, so that each command has its share of the time.
  for (std::size_t i = 0; !HasFailure(); ++i) {
    bool any = false;
    for (auto& each : counted) {
      if (i >= each.faults.size() || (i > 0 && !is_all && std::chrono::steady_clock::now() > until_when)) continue;
      any = true;
      auto const& fault = each.faults[i];
      SCOPED_TRACE(each.command.name + ": " + fault.text() + ", seed " + std::to_string(seed));
      begin(each.command);
      auto const before = tree_of(here);
      auto const ran = run_here(each.command.words, strace(injecting(fault)));
      auto const told = traced();
      auto const after = tree_of(here);
      bool const was_hit = told.find("(INJECTED)") != told.npos;
      bool const is_unchanged = after == before;
      ++tried;
      hit += was_hit ? 1 : 0;
      unchanged += is_unchanged ? 1 : 0;
      if (std::getenv("LENSCAP_TELL") != nullptr)
        std::printf("%s: %s: %s, exit code %d, %s\n", each.command.name.c_str(), fault.text().c_str(),
                    was_hit ? "hit" : "not met", ran.code, is_unchanged ? "unchanged" : "changed");
      EXPECT_LT(ran.code, 126) << ran.all();
      EXPECT_TRUE(was_hit || ran.code == 0) << ran.all();
      EXPECT_FALSE(ran.code == 0 && is_unchanged) << "it said that it was done: " << ran.all();
      // A back-up may be good though nobody noted that there is one, and an issuer, a root or a key changed though the
      // audit trail does not say by whom (exit code 6).
      bool const is_part = each.command.goes_on || ran.code == 6;
      expect_whole_store();
      if (!is_unchanged && !is_part) expect_done(each.command, before, each.expected);
      EXPECT_TRUE(ran.code == 0 || is_unchanged || is_part) << "it said that it was refused: " << ran.all();
      if (ran.code == 6) {
        EXPECT_FALSE(is_unchanged) << ran.all();
        expect_judged(each.command);
        continue;
      }
      auto const again = run_here(each.command.words);
      EXPECT_TRUE(again.code == 0 || (!is_unchanged && each.command.once)) << again.all();
      follow_advice(again.all());
      expect_done(each.command, before, each.expected);
      if (HasFailure()) break;
    }
    if (!any) break;
  }
  std::printf("LENSCAP_SEED=%llu: %zu of %zu faults, %zu met; %zu changed nothing\n",
              static_cast<unsigned long long>(seed), tried, of, hit, unchanged);
  EXPECT_GT(hit, tried / 2);
  EXPECT_GT(unchanged, 0U);
}

// --- a clock that jumps

struct Clock : Faults {
  // What `serve` says when its clock is moved by so much, and the code with which it ended; 0 when it served.
  std::pair<int, std::string> serve_at(std::string const& moved, std::vector<std::string> const& more = {}) {
    auto const said = fakes::CaProcess::read(ca.path("log")).size();
    std::vector<std::string> before;
    // As the program faketime does it, which would stand between this test and the server.
    if (!moved.empty())
      before = {"env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "FAKETIME=" + moved};
    try {
      ca.serve(before, more);
    } catch (std::runtime_error const&) {
    }
    auto const code = ca.stop();
    return {code, fakes::CaProcess::read(ca.path("log")).substr(said)};
  }
};

TEST_F(Clock, IsNotBelievedWhenItJumpsBack) {
  Told told;
  Worker worker(0, 1, ca, eab, told);
  ca.serve();
  EXPECT_EQ(worker.work(1), "");
  EXPECT_EQ(ca.stop(), 0);
  auto const little = serve_at("-200s");
  EXPECT_EQ(little.first, 0) << "five minutes are believed: " << little.second;
  auto const much = serve_at("-600s");
  EXPECT_EQ(much.first, 0) << "it serves what was signed before: " << much.second;
  EXPECT_THAT(much.second, HasSubstr("server.certificate_not_renewed"));
  EXPECT_THAT(much.second, HasSubstr("nothing is signed until the clock is right"));
  auto const long_ago = serve_at("@1970-01-02 00:00:00");
  EXPECT_EQ(long_ago.first, 0) << long_ago.second;
  EXPECT_THAT(long_ago.second, HasSubstr("1970-01-0"));
  EXPECT_THAT(long_ago.second, HasSubstr("this program was not there yet"));
  expect_whole(told);
  ca.serve();
  EXPECT_EQ(worker.work(1), "") << "the right clock is believed again";
  EXPECT_EQ(worker.orders(), 2);
  EXPECT_EQ(ca.stop(), 0);
}

// What was signed in the meantime bears a late time; whether it was wrong only a person can know.
TEST_F(Clock, ThatHadRunAheadIsAcceptedByAPersonAlone) {
  Told told;
  Worker worker(0, 1, ca, eab, told);
  auto const ahead = serve_at("+30d");
  EXPECT_EQ(ahead.first, 0) << ahead.second;
  auto const back = serve_at("");
  EXPECT_EQ(back.first, 0) << back.second;
  EXPECT_THAT(back.second, HasSubstr("serve --accept-clock, once"));
  auto const accepted = serve_at("", {"--accept-clock"});
  EXPECT_EQ(accepted.first, 0) << accepted.second;
  ca.serve();
  EXPECT_EQ(worker.work(1), "");
  EXPECT_EQ(worker.orders(), 1);
  EXPECT_EQ(ca.stop(), 0);
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
}

// --- a clock that jumps while it serves

// What the server and its signer take for the time: both look at one file (shifted_clock.cc).
class MovableClock {
 public:
  explicit MovableClock(std::string file) : file_(std::move(file)) {
    std::ofstream(file_) << std::string(sizeof(std::int64_t), '\0');
    int const fd = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
    void* const place = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (place == MAP_FAILED) throw std::runtime_error("no clock in " + file_);
    shift_ = static_cast<std::atomic<std::int64_t>*>(place);
  }
  ~MovableClock() { ::munmap(shift_, sizeof(std::int64_t)); }
  MovableClock(MovableClock const&) = delete;
  MovableClock& operator=(MovableClock const&) = delete;

  // Words in front of the program that is to have this clock.
  std::vector<std::string> before() const {
    return {"env", "LD_PRELOAD=" LENSCAP_SHIFTED_CLOCK, "LENSCAP_CLOCK_SHIFT=" + file_};
  }
  void be_off_by(Seconds seconds) { *shift_ = seconds.count(); }
  void be_right() { *shift_ = 0; }

 private:
  std::string const file_;
  std::atomic<std::int64_t>* shift_ = nullptr;
};

struct ClockOfAServer : Faults {
  void serve(std::vector<std::string> const& more = {}) { ca.serve(clock.before(), more); }
  // One of these, with a connection of its own; what was wrong is a failure.
  void order() {
    work([&] { client.order(); });
  }
  void revoke() {
    work([&] { client.revoke(); });
  }
  void work(std::function<void()> const& what) {
    client.forget_refusal();
    EXPECT_EQ(client.with_connection(what), "");
  }
  std::string health() { return ca.programs().run({"curl", "-s", ca.web() + "/health"}).out; }
  // Is the list that is served one that clients take, by their clock and not the server's?
  bool is_list_of_now() {
    auto const issuing = x509::parse_pem_chain(fakes::CaProcess::read(ca.issuing())).value().front();
    auto const url = ca.web() + "/crl/" + to_hex(issuing.subject_key_id()) + ".crl";
    auto const octets = ca.programs().run({"curl", "-s", url}).out;
    auto const* at = as_bytes(octets).data();
    ossl::Ptr<X509_CRL, X509_CRL_free> const list(d2i_X509_CRL(nullptr, &at, static_cast<long>(octets.size())));
    return list && X509_cmp_current_time(X509_CRL_get0_lastUpdate(list.get())) < 0 &&
           X509_cmp_current_time(X509_CRL_get0_nextUpdate(list.get())) > 0;
  }
  // An order that has to be refused, with the reason.
  void expect_no_signature(std::string const& reason) {
    auto const orders = client.orders();
    order();
    EXPECT_TRUE(client.was_refused());
    EXPECT_EQ(client.orders(), orders);
    EXPECT_THAT(client.refusal(), AllOf(HasSubstr("/finalize: 503 "), HasSubstr(reason)));
  }

  MovableClock clock{ca.path("shift")};
  Told told;
  Worker client{0, 1, ca, eab, told, Refusals::proper};
};

TEST_F(ClockOfAServer, GoesBackByAnHourAndIsPutRight) {
  serve();
  order();
  ASSERT_EQ(client.orders(), 1) << client.refusal();
  EXPECT_TRUE(is_list_of_now());
  auto const lists = ca.events("crl.made");

  clock.be_off_by(-kHour);
  expect_no_signature("nothing is signed until the clock is right");
  EXPECT_THAT(health(), AllOf(HasSubstr("\"status\":\"failed\""), HasSubstr("clock: this machine's clock says ")));
  EXPECT_GT(ca.events("finalize.put_off"), 0) << ca.log();
  // What takes no signature goes on; the list with this revocation waits.
  EXPECT_EQ(ca.reload(), "reload.done") << ca.log();
  EXPECT_TRUE(is_list_of_now());
  revoke();
  work([&] { client.change_key(); });
  EXPECT_FALSE(client.was_refused()) << client.refusal();
  EXPECT_EQ(told.revoked(), 1U);
  EXPECT_EQ(told.changed_keys(), 1U);
  EXPECT_TRUE(until([&] { return ca.events("crl.not_made") > 0; })) << ca.log();
  EXPECT_EQ(ca.events("crl.made"), lists);
  EXPECT_THAT(health(), HasSubstr("could not be made anew; the last list is still good"));

  clock.be_right();
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  revoke();
  EXPECT_TRUE(until([&] { return ca.events("crl.made") > lists; })) << ca.log();
  EXPECT_THAT(health(), Not(HasSubstr("could not be made")));
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

TEST_F(ClockOfAServer, WasAYearAheadAndSignedNothingThen) {
  serve();
  order();
  clock.be_off_by(365 * kDay);
  work([&] { client.change_key(); });
  EXPECT_EQ(told.changed_keys(), 1U);
  clock.be_right();
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

// Whether that was the right time only a person can know.
TEST_F(ClockOfAServer, WasAYearAheadAndSignedThen) {
  serve();
  order();
  clock.be_off_by(365 * kDay);
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  clock.be_right();
  expect_no_signature("serve --accept-clock, once");
  revoke();
  EXPECT_EQ(told.revoked(), 1U) << "revocation goes on";
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);

  serve();  // lists and revocation go on; by itself it does not believe the clock
  expect_no_signature("serve --accept-clock, once");
  EXPECT_EQ(ca.stop(), 0);
  serve({"--accept-clock"});
  order();
  EXPECT_EQ(client.orders(), 3) << client.refusal();
  EXPECT_THAT(health(), Not(HasSubstr("could not be made")));
  EXPECT_EQ(ca.stop(), 0);
  serve();
  order();
  EXPECT_EQ(client.orders(), 4) << client.refusal();
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

// A list bears the late time as a certificate does, and clients take none whose time has not come.
TEST_F(ClockOfAServer, WasAYearAheadAndMadeAListThen) {
  serve();
  order();
  auto const lists = ca.events("crl.made");
  clock.be_off_by(365 * kDay);
  revoke();
  ASSERT_TRUE(until([&] { return ca.events("crl.made") > lists; })) << ca.log();
  clock.be_right();
  EXPECT_FALSE(is_list_of_now());
  order();
  EXPECT_TRUE(client.was_refused());
  EXPECT_THAT(client.refusal(), HasSubstr("serve --accept-clock, once")) << "the list is remembered";
  EXPECT_THAT(client.refusal(), HasSubstr(": 503 ")) << "and the order waits";
  EXPECT_EQ(ca.stop(), 0);
  serve({"--accept-clock"});
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  EXPECT_TRUE(is_list_of_now());
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

// --- where there is no room

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
