// The coroutine type of the house. Name things before you co_await them: see docs/adr and tests/tidy/coroutine_test.
#pragma once

#include <utility>  // Boost 1.81's awaitable.hpp forgets it

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace lenscap::net {

template <class T = void>
using Awaitable = boost::asio::awaitable<T>;

}  // namespace lenscap::net
