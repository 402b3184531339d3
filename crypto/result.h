// Errors as values: Error, Result<T> and the two macros that pass failures on.
//
// An Error can carry names and limits but never a value: its text is a string literal checked at compile time, and
// where it happened is a Where of bounded, harmless characters. So no error can leak what a caller sent.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace coffer {

// What went wrong, as a closed set. It is mapped once to a gRPC status (keysvc/rpc) and once to an exit code (cli).
enum class ErrorCode : std::uint8_t {
  kInvalidArgument = 1,     // The request breaks a documented limit or form. Nothing changed.
  kUnauthenticated = 2,     // The caller is not known.
  kPermissionDenied = 3,    // The caller is known and may not.
  kNotFound = 4,            // The named thing does not exist.
  kAlreadyExists = 5,       // The name is taken.
  kFailedPrecondition = 6,  // The state forbids it now (disabled version, not initialised, retired field...).
  kConflict = 7,            // Compare-and-set lost: read again, then decide.
  kDecryptFailed = 8,       // The one error for whatever depends on a ciphertext's bytes.
  kSealed = 9,              // The root key is locked.
  kUnavailable = 10,        // An outage (disk full, store down, draining). The one code that means "try again".
  kResourceExhausted = 11,  // A limit of the store is reached.
  kIntegrity = 12,          // Stored state was altered outside the service. Nothing is served from it.
  kInternal = 13,           // A defect of ours or of a library.
};

// The code's name in lower case, "invalid_argument" for one; stable, used in machine output.
std::string_view ErrorCodeName(ErrorCode code);

// A string literal: constructible at compile time only, so no run-time value can become an error's text.
class Literal {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant to convert.
  consteval Literal(const char* text) : text_(text) {}
  constexpr std::string_view view() const { return text_; }

 private:
  const char* text_;
};

// One failure. Copyable, small; thread-compatible.
class Error {
 public:
  Error(ErrorCode code, Literal message) : code_(code), message_(message.view()) {}

  // Where it happened: a field path like "columns[2].values[7]" or a name. Characters outside [A-Za-z0-9._/:[]- ]
  // become '?', and more than kMaxPath are cut; an inner path is kept behind the outer one ("columns[2]" +
  // "values[7]").
  Error At(std::string_view path) &&;
  // The line of a text input, counted from 1.
  Error AtLine(std::uint64_t line) &&;
  // The limit that was broken, in the unit that the message names.
  Error WithLimit(std::uint64_t limit) &&;

  ErrorCode code() const { return code_; }
  std::string_view message() const { return message_; }
  const std::string& path() const { return path_; }
  std::uint64_t line() const { return line_; }
  std::uint64_t limit() const { return limit_; }

  // One sentence: "columns[2].values[7]: is longer than allowed (limit 65536)".
  std::string ToString() const;

  static constexpr std::size_t kMaxPath = 64;

 private:
  ErrorCode code_;
  std::string_view message_;  // Always a literal's.
  std::string path_;
  std::uint64_t line_ = 0;   // 0: none.
  std::uint64_t limit_ = 0;  // 0: none.
};

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

// A programmer's error, checked in release builds too: prints the condition (never a value) and aborts.
#define COFFER_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::coffer::CheckFailed(#condition, __FILE__, __LINE__))

// A T or an Error. Reading the wrong one is a programmer's error and aborts.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` and `return Error(...);` both read well.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

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

  const Error& error() const& {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    COFFER_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    COFFER_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

#define COFFER_CONCAT_INNER_(a, b) a##b
#define COFFER_CONCAT_(a, b) COFFER_CONCAT_INNER_(a, b)

// Returns the error of `expression` (a Result) from the enclosing function; goes on when it is ok.
#define COFFER_TRY(expression) COFFER_TRY_(COFFER_CONCAT_(coffer_try_, __COUNTER__), expression)
#define COFFER_TRY_(result, expression)                 \
  do {                                                  \
    auto result = (expression);                         \
    if (!result.ok()) return std::move(result).error(); \
  } while (false)

// Declares or assigns `lhs` from the value of `expression`, or returns its error from the enclosing function.
#define COFFER_ASSIGN_OR_RETURN(lhs, expression) \
  COFFER_ASSIGN_OR_RETURN_(COFFER_CONCAT_(coffer_result_, __COUNTER__), lhs, expression)
#define COFFER_ASSIGN_OR_RETURN_(result, lhs, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return std::move(result).error();     \
  lhs = std::move(result).value()

}  // namespace coffer
