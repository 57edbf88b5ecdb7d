// The one writing thread of a back end: gathers the bodies that wait while the disk is busy, and hands them over
// together. It knows nothing of transactions. Thread-safe: submit() from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "store/store.h"

namespace lenscap::store {

using WriteDone = std::function<void(std::exception_ptr, bool committed)>;

struct WriteJob {
  WriteBody body;
  WriteDone done;
  std::exception_ptr error = nullptr;  // the outcome, filled in by the back end
  bool committed = false;
};

class Writer {
 public:
  // `commit` gets at least one job, fills in every outcome, and does not throw. It runs on the writing thread only.
  using Commit = std::function<void(std::vector<WriteJob>& jobs)>;

  explicit Writer(Commit commit);
  ~Writer();  // finishes what was submitted
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;

  // One that comes right behind a commit waits a moment (kGathering) for others, so that they share the next.
  void submit(WriteBody body, WriteDone done, Urgency urgency = Urgency::now);
  // Submits and waits. From the writing thread itself this could never return: a bug.
  bool run(WriteBody const& body);
  // Told how long each call of `commit` took that kept something.
  void watch(CommitWatch watch);

 private:
  void work();
  void submit(WriteJob job, bool is_urgent, bool is_alone);

  Commit commit_;
  std::mutex mutex_;
  std::condition_variable work_waits_;
  std::vector<WriteJob> waiting_;
  CommitWatch watch_;
  bool urgent_ = false;                               // is there one among them that is not to wait?
  bool alone_ = false;                                // and one whose thread stands still until it is done?
  std::chrono::steady_clock::time_point latest_{};    // when the others have waited long enough
  std::chrono::steady_clock::time_point last_end_{};  // of the last commit
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace lenscap::store
