#include "store/writer.h"

#include <algorithm>
#include <iterator>

namespace lenscap::store {
namespace {

// Bounds the memory and the dirty pages of one transaction: 256 bodies that each put one largest value stay well
// under LMDB's 131 072 dirty pages.
constexpr std::size_t kJobsPerCommit = 256;

// Between two commits, so that under load one carries what came meanwhile: each costs a round trip of the disk and some
// hundred microseconds of the processor. Nobody waits for it when the last one is longer ago, nor when so many wait.
constexpr std::chrono::milliseconds kGathering{4};
constexpr std::size_t kEnough = 64;

}  // namespace

Writer::Writer(Commit commit) : commit_(std::move(commit)), thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_waits_.notify_one();
  thread_.join();
}

void Writer::submit(WriteBody body, WriteDone done, Urgency urgency) {
  submit({std::move(body), std::move(done)}, urgency == Urgency::now, false);
}

void Writer::submit(WriteJob job, bool is_urgent, bool is_alone) {
  bool changes_its_mind = false;  // wakes the thread only for what it waits for (work())
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) latest_ = std::chrono::steady_clock::now() + kPatience;
    changes_its_mind = waiting_.empty() || (is_urgent && !urgent_) || (is_alone && !alone_);
    urgent_ = urgent_ || is_urgent;
    alone_ = alone_ || is_alone;
    waiting_.push_back(std::move(job));
    changes_its_mind = changes_its_mind || waiting_.size() == kEnough;
  }
  if (changes_its_mind) work_waits_.notify_one();
}

bool Writer::run(WriteBody const& body) {
  if (std::this_thread::get_id() == thread_.get_id()) bug("store: write() from inside a body or an answer of a write");
  std::mutex mutex;
  std::condition_variable answered;
  bool finished = false;
  std::exception_ptr error;
  bool committed = false;
  WriteJob job{[&body](WriteTxn& txn) { return body(txn); },
               [&](std::exception_ptr failure, bool kept) {
                 std::lock_guard lock(mutex);
                 error = std::move(failure);
                 committed = kept;
                 finished = true;
                 answered.notify_one();  // under the lock: afterwards these variables may be gone
               }};
  submit(std::move(job), true, true);
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return finished; });
  if (error) std::rethrow_exception(error);
  return committed;
}

void Writer::watch(CommitWatch watch) {
  std::lock_guard lock(mutex_);
  watch_ = std::move(watch);
}

void Writer::work() {
  for (;;) {
    std::vector<WriteJob> jobs;
    CommitWatch watch;
    {
      std::unique_lock lock(mutex_);
      work_waits_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      work_waits_.wait_until(lock, latest_, [this] { return stopping_ || urgent_; });
      work_waits_.wait_until(lock, last_end_ + kGathering,
                             [this] { return stopping_ || alone_ || waiting_.size() >= kEnough; });
      if (waiting_.empty()) return;
      auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kJobsPerCommit));
      std::move(waiting_.begin(), waiting_.begin() + count, std::back_inserter(jobs));
      waiting_.erase(waiting_.begin(), waiting_.begin() + count);
      if (waiting_.empty()) urgent_ = alone_ = false;
      watch = watch_;
    }
    auto const begin = std::chrono::steady_clock::now();
    commit_(jobs);
    last_end_ = std::chrono::steady_clock::now();
    if (watch && std::ranges::any_of(jobs, &WriteJob::committed)) watch(last_end_ - begin);
    for (auto& job : jobs) {
      try {
        job.done(std::move(job.error), job.committed);
      } catch (...) {
        bug("store: the answer of a write threw an exception");
      }
    }
  }
}

}  // namespace lenscap::store
