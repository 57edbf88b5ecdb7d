// For .cc files only (it brings Asio in): wakes a coroutine from a foreign thread.
//   auto start = [&](auto handler) { begin(..., resume_later<Answer>(std::move(handler))); };
//   auto answer = co_await boost::asio::async_initiate<UseAwaitable, void(Answer)>(start, boost::asio::use_awaitable);
#pragma once

#include <memory>

#include "base/net/awaitable.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace lenscap::acme {

using UseAwaitable = boost::asio::use_awaitable_t<> const;

// A callback that std::function can hold around a handler that can only be moved; it may be called from any thread,
// once. It keeps the handler's io context running until then; whoever owns the calling thread must be joined before the
// io context ends, since the call still touches it when the coroutine already runs.
template <class Answer, class Handler>
auto resume_later(Handler handler) {
  auto executor = boost::asio::get_associated_executor(handler);
  auto work = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
  auto shared = std::make_shared<Handler>(std::move(handler));
  return [shared, work](Answer answer) {
    boost::asio::post(work, [shared, answer = std::move(answer)]() mutable { (*shared)(std::move(answer)); });
  };
}

}  // namespace lenscap::acme
