// Checks of arguments for CLI11. Their sentences name what is wanted and never repeat what was given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace coffer::cli {

// A whole decimal number between the two, both included; no sign, no leading zeros.
CLI::Validator NumberBetween(std::uint64_t least, std::uint64_t most);

// One of the words.
CLI::Validator OneOf(const std::vector<std::string>& words);

// What the function says: empty when it is fine.
CLI::Validator Checked(std::function<std::string(const std::string&)> check);

}  // namespace coffer::cli
