// What a command comes to: a T, or a Failure to print and an exit code.
#pragma once

#include <string>
#include <string_view>

#include "client/rpc_error.h"

namespace coffer::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // refused, or did not work
inline constexpr int kExitUsage = 2;   // asked wrongly; nothing was done

// Printed as "coffer: <sentence>" and, where there is one, "  <next step>" on a line of its own, or on several. Never
// holds a value that the caller gave; names of files, as ShownPath gives them.
struct Failure {
  Failure(int code, std::string_view text, std::string_view step = {})
      : exit_code(code), sentence(text), next_step(step) {}
  // What was found here is usage when the argument is at fault; what the service answers is a failure.
  explicit Failure(const Error& error);
  explicit Failure(const client::RpcError& error);

  int exit_code;
  std::string sentence;
  std::string next_step;
  std::string asked;  // id of the approval that was asked for, as the user wanted: no failure then
};

template <typename T>
using Outcome = client::Expected<T, Failure>;

// A path as messages show it: the end of a long one, and '?' for what is no harmless character.
std::string ShownPath(std::string_view path);
// "<option>: <path>: <sentence>".
Failure FileFailure(std::string_view option, std::string_view path, const Error& error);

// What options take for standard input or output: "-", or nothing.
inline constexpr std::string_view kStandardInput = "-";
inline bool IsStandardStream(std::string_view path) { return path.empty() || path == kStandardInput; }

inline Failure UsageFailure(std::string_view sentence) { return Failure(kExitUsage, sentence); }

}  // namespace coffer::cli
