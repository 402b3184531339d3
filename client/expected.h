// Expected: a T or an E, shaped like Result but with a choice of error, for those whose messages are not literals: what
// a service answered, what a command line says. COFFER_TRY and COFFER_ASSIGN_OR_RETURN work with it, and an error
// converts to any E that can be made from it.
#pragma once

#include <concepts>
#include <utility>
#include <variant>

#include "crypto/result.h"

namespace coffer::client {

// What an E can be made from, without being the outcome itself or its value.
template <typename F, typename Whole, typename T, typename E>
concept FailureOf =
    std::constructible_from<E, F> && !std::constructible_from<T, F> && !std::same_as<std::remove_cvref_t<F>, Whole>;

// Reading the wrong one is a programmer's error and aborts.
template <typename T, typename E>
class [[nodiscard]] Expected {
  using State = std::variant<T, E>;

 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` and `return error;` both read well.
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <FailureOf<Expected, T, E> F>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(F&& error) : state_(std::in_place_index<1>, E(std::forward<F>(error))) {}
  // The same outcome with an error that E can be made from.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(Result<T> result)
      : state_(result.ok() ? State(std::in_place_index<0>, std::move(result).value())
                           : State(std::in_place_index<1>, E(std::move(result).error()))) {}
  template <typename F>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(Expected<T, F> other)
      : state_(other.ok() ? State(std::in_place_index<0>, std::move(other).value())
                          : State(std::in_place_index<1>, E(std::move(other).error()))) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    COFFER_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    COFFER_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const& {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  E&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  State state_;
};

// Success without a value, or an E.
template <typename E>
class [[nodiscard]] Expected<void, E> {
 public:
  Expected() = default;
  template <FailureOf<Expected, std::monostate, E> F>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(F&& error) : state_(std::in_place_index<1>, E(std::forward<F>(error))) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(Result<void> result) {
    if (!result.ok()) state_.template emplace<1>(E(std::move(result).error()));
  }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const E& error() const& {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  E&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace coffer::client
