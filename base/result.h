// Result<T>: a value or an Error. A rule that may refuse returns one; TRY passes the refusal up.
// Reading value() of a refusal is a bug and stops the process.
#pragma once

#include <concepts>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace lenscap {

template <class From, class To, class Self>
concept ValueFor = std::convertible_to<From&&, To> && !std::same_as<std::remove_cvref_t<From>, Self> &&
                   !std::same_as<std::remove_cvref_t<From>, Error>;

template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  template <class U = T>
  requires ValueFor<U, T, Result> Result(U&& value)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return check(), std::get<0>(state_); }
  T const& value() const& { return check(), std::get<0>(state_); }
  T&& value() && { return check(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  T const& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  T const* operator->() const { return &value(); }

  Error& error() & { return std::get<1>(state_); }
  Error const& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  void check() const {
    if (!ok()) bug(("value() of a refusal: " + std::get<1>(state_).detail()).c_str());
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {
    if (error_) bug(("value() of a refusal: " + error_->detail()).c_str());
  }
  Error& error() & { return *error_; }
  Error const& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

#define LENSCAP_CONCAT_(a, b) a##b
#define LENSCAP_CONCAT(a, b) LENSCAP_CONCAT_(a, b)
#define LENSCAP_TRY_(tmp, keyword, declaration, ...) \
  auto tmp = (__VA_ARGS__);                          \
  if (!tmp.ok()) keyword std::move(tmp).error();     \
  declaration = std::move(tmp).value()

// TRY(auto csr, parse(bytes));  -- declares csr, or returns the refusal from this function.
#define TRY(declaration, ...) LENSCAP_TRY_(LENSCAP_CONCAT(try_result_, __LINE__), return, declaration, __VA_ARGS__)
// CHECK_OK(rule(x));            -- for Result<>.
#define CHECK_OK(...)                                                 \
  do {                                                                \
    auto check_result_ = (__VA_ARGS__);                               \
    if (!check_result_.ok()) return std::move(check_result_).error(); \
  } while (false)
// The same inside a coroutine. Name temporaries before a co_await: GCC 12 destroys some of them twice.
#define CO_TRY(declaration, ...) \
  LENSCAP_TRY_(LENSCAP_CONCAT(try_result_, __LINE__), co_return, declaration, __VA_ARGS__)
#define CO_CHECK_OK(...)                                                 \
  do {                                                                   \
    auto check_result_ = (__VA_ARGS__);                                  \
    if (!check_result_.ok()) co_return std::move(check_result_).error(); \
  } while (false)

}  // namespace lenscap
