#include "agent/scheduler.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/journal_record.h"
#include "base/random.h"

namespace lenscap::agent {
namespace {

namespace asio = boost::asio;

// What the workers of one task share; they all live on one thread.
struct Batch {
  Workshop& shop;
  std::string task;
  std::vector<Job> jobs;
  std::size_t next = 0;
  std::size_t workers = 0;
  std::vector<TaskResult> results;
  std::exception_ptr broken;
  asio::steady_timer done;  // cancelled by the last worker
};

net::Awaitable<> work(Batch& batch) {
  while (batch.next < batch.jobs.size() && !batch.broken && !batch.shop.is_told_to_stop()) {
    Job const job = batch.jobs[batch.next++];
    auto result = co_await run_device(batch.shop, job.serial, job.purpose, batch.task);
    batch.results.push_back(std::move(result));
  }
}

}  // namespace

std::vector<Job> due_jobs(store::ReadTxn& txn, Time now) {
  std::vector<Job> jobs;
  for (Device const& device : all_devices(txn)) {
    auto const journal = load_journal(txn, device.serial);
    Journal const* const current = journal ? &*journal : nullptr;
    switch (work_for(device, current, now)) {
      case Work::nothing:
        break;
      case Work::go_on:
        jobs.push_back({device.serial, current->purpose});
        break;
      case Work::enroll:
        jobs.push_back({device.serial, Purpose::enroll});
        break;
      case Work::renew:
        jobs.push_back({device.serial, Purpose::renew});
        break;
    }
  }
  return jobs;
}

net::Awaitable<std::vector<TaskResult>> run_task(Workshop& shop, std::string what, std::vector<Job> jobs) {
  Task task{.id = new_id(shop.clock.now()), .what = std::move(what), .begun = shop.clock.now(), .ended = std::nullopt};
  shop.store.write([&](store::WriteTxn& txn) { return save_task(txn, task), true; });

  auto const executor = co_await asio::this_coro::executor;
  Batch batch{.shop = shop,
              .task = task.id,
              .jobs = std::move(jobs),
              .results = {},
              .broken = nullptr,
              .done = asio::steady_timer(executor, asio::steady_timer::time_point::max())};
  std::size_t const count = std::min(shop.settings.parallel, batch.jobs.size());
  batch.workers = count;
  for (std::size_t i = 0; i < count; ++i) {
    auto const ended = [&batch](std::exception_ptr const& error) {
      if (error && !batch.broken) batch.broken = error;
      if (--batch.workers == 0) batch.done.cancel();
    };
    asio::co_spawn(executor, work(batch), ended);
  }
  if (batch.workers > 0) {
    boost::system::error_code cancelled;
    co_await batch.done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  if (batch.broken) std::rethrow_exception(batch.broken);

  task.ended = shop.clock.now();
  shop.store.write([&](store::WriteTxn& txn) {
    save_task(txn, task);
    forget_former_if_moved(txn);
    return true;
  });
  std::ranges::sort(batch.results, {}, &TaskResult::serial);
  co_return std::move(batch.results);
}

}  // namespace lenscap::agent
