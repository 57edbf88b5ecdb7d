// lenscap-ca on a disk that fails.
//
// Each call by which the server or its signer writes, syncs, renames, opens or cuts a file of the state directory is
// made to fail, with EIO or ENOSPC, by strace: once, or of a file also for good. It may answer with a problem, or end
// by itself and say why; it may not crash, hang, break a promise of `store verify`, or lose what a client was told.
//
// There are some hundred such calls; a run tries a sample in which each kind of call on each file is, by a seed that is
// printed: LENSCAP_SEED=N asks for the same one, LENSCAP_FAULTS=N for another number of them, LENSCAP_FAULTS=all for
// all.
#include <algorithm>
#include <csignal>
#include <future>
#include <random>

#include "tests/e2e/traced.h"

namespace lenscap::e2e {
namespace {

constexpr std::size_t kFaults = 40;
constexpr int kOrders = 3;  // of a run
constexpr int kHangs = 60;  // seconds without an end of the client's work

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
    // Of a bell that was lost it may wait until this test ends it, or until it gives up by itself.
    bool const gave_up = server_log().find("a connection does not end", said) != std::string::npos;
    bool const is_excused =
        met_no_file(run.log) && (run.code == 128 + SIGKILL || (run.code == 128 + SIGABRT && gave_up));
    EXPECT_TRUE(run.code < 126 || is_excused) << run.code << ", it crashed or hung:\n"
                                              << server_log().substr(said) << run.log;
    EXPECT_TRUE(crash(run.log).empty() || (is_excused && gave_up && crash(run.log) == "SIGABRT"))
        << crash(run.log) << ", the server or its signer:\n"
        << server_log().substr(said) << run.log;
    EXPECT_TRUE(run.code == 0 || server_log().size() > said) << "it ended without a word";
    return run;
  }
  std::string server_log() const { return fakes::CaProcess::read(ca.path("log")); }
};

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
        all.push_back({call.substr(0, call.find('#')), path, n, error, !path.empty() && random() % 2 == 0});
        bool const is_first = n == (path.empty() ? count : chosen) && error == chosen_error;
        (is_first ? sample : rest).push_back(all.back());
      }
  }
  auto const kinds = sample.size();
  std::ranges::shuffle(sample, random);
  std::ranges::shuffle(rest, random);
  sample.insert(sample.end(), rest.begin(), rest.end());
  char const* const wanted = std::getenv("LENSCAP_FAULTS");
  std::size_t const most = wanted == nullptr                   ? std::max(kFaults, kinds)
                           : std::string_view(wanted) == "all" ? sample.size()
                                                               : std::stoul(wanted);
  sample.resize(std::min(most, sample.size()));
  std::printf("LENSCAP_SEED=%llu: %zu of %zu faults, of %zu kinds\n", static_cast<unsigned long long>(seed),
              sample.size(), all.size(), kinds);

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

}  // namespace
}  // namespace lenscap::e2e
