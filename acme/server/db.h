// The store for coroutines: a body runs in one transaction, and the coroutine goes on where it was, on its own
// executor, when the outcome is durable. A body is a plain callable `Result<T>(store::ReadTxn&)` or
// `Result<T>(store::WriteTxn&)`, never a coroutine: a refusal undoes the transaction. It may run more than once and on
// another thread, so it takes by reference only what the awaiting coroutine keeps alive, and changes only its own
// copies. Name it before you await: `auto body = [...]; co_await db.write(body)` (GCC 12).
#pragma once

#include <optional>

#include "base/net/awaitable.h"
#include "base/result.h"
#include "store/store.h"

namespace lenscap::acme {

class Db {
 public:
  explicit Db(store::Store& store) : store_(store) {}

  // Called when a commit failed: the store stays broken, and the process should end (store.h). May not return.
  std::function<void(std::string const& why)> on_broken;
  void tell_broken(std::string const& why) const {
    if (on_broken) on_broken(why);
  }

  // LMDB reads are memory accesses of some microseconds: they run in place.
  template <class Body>
  auto read(Body body) -> net::Awaitable<std::invoke_result_t<Body&, store::ReadTxn&>> {
    std::optional<std::invoke_result_t<Body&, store::ReadTxn&>> result;
    store_.read([&](store::ReadTxn& txn) { result.emplace(body(txn)); });
    co_return *std::move(result);
  }

  template <class Body>
  auto write(Body body) -> net::Awaitable<std::invoke_result_t<Body&, store::WriteTxn&>> {
    std::optional<std::invoke_result_t<Body&, store::WriteTxn&>> result;
    store::WriteBody erased = [&result, &body](store::WriteTxn& txn) {
      result.emplace(body(txn));
      return result->ok();
    };
    co_await commit(std::move(erased));
    co_return *std::move(result);
  }

  // Writes with the next commit, and nobody waits for it: for what may be lost with the last moments before a crash.
  // Takes effect before every write that is handed in later. `body` keeps what it needs by value; its
  // refusal only undoes it.
  void write_later(std::function<Result<>(store::WriteTxn&)> body);

  // The same for code that may block (start, commands).
  template <class Body>
  auto write_blocking(Body body) -> std::invoke_result_t<Body&, store::WriteTxn&> {
    std::optional<std::invoke_result_t<Body&, store::WriteTxn&>> result;
    store_.write([&](store::WriteTxn& txn) {
      result.emplace(body(txn));
      return result->ok();
    });
    return *std::move(result);
  }
  template <class Body>
  auto read_blocking(Body body) -> std::invoke_result_t<Body&, store::ReadTxn&> {
    std::optional<std::invoke_result_t<Body&, store::ReadTxn&>> result;
    store_.read([&](store::ReadTxn& txn) { result.emplace(body(txn)); });
    return *std::move(result);
  }

 private:
  net::Awaitable<> commit(store::WriteBody body);
  store::Store& store_;
};

}  // namespace lenscap::acme
