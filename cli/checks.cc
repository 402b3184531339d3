#include "cli/checks.h"

#include <algorithm>
#include <charconv>

namespace coffer::cli {
namespace {

bool IsNumberBetween(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  return error == std::errc{} && stop == end && !leading_zero && number >= least && number <= most;
}

}  // namespace

CLI::Validator Checked(std::function<std::string(const std::string&)> check) {
  return CLI::Validator([check = std::move(check)](std::string& text) { return check(text); }, "");
}

CLI::Validator NumberBetween(std::uint64_t least, std::uint64_t most) {
  return Checked([least, most](const std::string& text) -> std::string {
    if (IsNumberBetween(text, least, most)) return {};
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  });
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : word == words.back() ? " or " : ", ") + word;
  return Checked([words, list](const std::string& text) -> std::string {
    return std::find(words.begin(), words.end(), text) != words.end() ? "" : "must be " + list;
  });
}

}  // namespace coffer::cli
