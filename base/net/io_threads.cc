#include "base/net/io_threads.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <exception>
#include <thread>
#include <vector>

#include "base/error.h"

namespace lenscap::net {
namespace asio = boost::asio;

// The concurrency hint 1 tells Asio that one thread runs the loop. Other threads still post to it, so the locks that
// guard its queue stay.
struct IoThreads::Loop : asio::io_context {
  Loop() : asio::io_context(1), work(get_executor()) {}
  // Destroys what waits, while the services of every loop are still there: a handler of one loop may own a socket of
  // another.
  using asio::execution_context::shutdown;

  asio::executor_work_guard<executor_type> work;
  std::thread thread;
};

struct IoThreads::State {
  std::vector<std::unique_ptr<Loop>> loops;
  std::atomic<std::size_t> turn{0};
  std::atomic<bool> stopped{false};
};

IoThreads::IoThreads(std::size_t count) : state_(std::make_unique<State>()) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) state_->loops.push_back(std::make_unique<Loop>());
  for (auto& loop : state_->loops) {
    loop->thread = std::thread([raw = loop.get()]() noexcept { raw->run(); });
  }
}

IoThreads::~IoThreads() {
  stop();
  join();
  for (auto& loop : state_->loops) loop->shutdown();
}

std::size_t IoThreads::size() const { return state_->loops.size(); }

asio::any_io_executor IoThreads::executor(std::size_t index) { return state_->loops.at(index)->get_executor(); }

asio::any_io_executor IoThreads::next() { return executor(state_->turn.fetch_add(1) % size()); }

void IoThreads::stop() {
  state_->stopped = true;
  for (auto& loop : state_->loops) loop->stop();
}

void IoThreads::join() {
  for (auto& loop : state_->loops) {
    if (loop->thread.joinable()) loop->thread.join();
  }
}

bool IoThreads::stopped() const { return state_->stopped; }

void spawn(asio::any_io_executor const& executor, Awaitable<> task) {
  asio::co_spawn(executor, std::move(task), [](std::exception_ptr const& problem) {
    if (!problem) return;
    try {
      std::rethrow_exception(problem);
    } catch (std::exception const& e) {
      bug((std::string("an exception left a spawned task: ") + e.what()).c_str());
    }
  });
}

void run_until_done(asio::any_io_executor const& executor, Awaitable<> task) {
  asio::co_spawn(executor, std::move(task), asio::use_future).get();
}

Awaitable<> sleep_for(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

struct WorkPool::State {
  explicit State(std::size_t threads) : pool(threads) {}
  asio::thread_pool pool;
};

WorkPool::WorkPool(std::size_t threads) : state_(std::make_unique<State>(threads)) {}
WorkPool::~WorkPool() { state_->pool.join(); }

namespace {

// Runs on the pool; what comes back is read on the caller's thread, after the post that wakes it.
struct Job {
  std::function<void()> work;
  asio::any_io_executor caller;
  asio::steady_timer* wake;  // lives in the caller's frame; touched on the caller's thread alone
  bool done = false;
  std::exception_ptr problem;
};

void run_job(std::shared_ptr<Job> const& job) {
  try {
    job->work();
  } catch (...) {
    job->problem = std::current_exception();
  }
  job->work = nullptr;
  asio::post(job->caller, [job] {
    job->done = true;
    job->wake->cancel();
  });
}

}  // namespace

Awaitable<> WorkPool::run(std::function<void()> work) {
  asio::any_io_executor caller = co_await asio::this_coro::executor;
  asio::steady_timer wake(caller, asio::steady_timer::time_point::max());
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  job->caller = caller;
  job->wake = &wake;
  asio::post(state_->pool, [job] { run_job(job); });
  while (!job->done) {
    boost::system::error_code ignored;
    co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (job->problem) std::rethrow_exception(job->problem);
}

}  // namespace lenscap::net
