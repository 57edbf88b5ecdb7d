#include "acme/server/db.h"

#include "acme/server/resume.h"

namespace lenscap::acme {

net::Awaitable<> Db::commit(store::WriteBody body) {
  // `start` and `body` live in this frame until the handler has run.
  auto start = [this, &body](auto handler) {
    auto resume = resume_later<std::exception_ptr>(std::move(handler));
    store_.write_async(std::move(body), [resume](std::exception_ptr error, bool) { resume(std::move(error)); });
  };
  try {
    co_await boost::asio::async_initiate<UseAwaitable, void(std::exception_ptr)>(start, boost::asio::use_awaitable);
  } catch (store::Broken const& broken) {
    tell_broken(broken.what());
    throw;
  }
}

void Db::write_later(std::function<Result<>(store::WriteTxn&)> body) {
  auto const write = [body = std::move(body)](store::WriteTxn& txn) { return body(txn).ok(); };
  auto const done = [this](std::exception_ptr const& error, bool) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (std::exception const& e) {
      tell_broken(e.what());  // whoever waits for the next write learns of it as well
    }
  };
  store_.write_async(write, done, store::Urgency::with_the_next);
}

}  // namespace lenscap::acme
