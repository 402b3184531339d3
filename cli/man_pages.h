// Man pages, written from the tree of commands: coffer(1), and one page a group.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command_tree.h"

namespace coffer::cli {

// File names ("coffer.1", "coffer-secret.1") and roff (man(7)) texts. `version`: "0.1.0".
std::vector<std::pair<std::string, std::string>> ManPages(const CLI::App& root, const std::string& version);

}  // namespace coffer::cli
