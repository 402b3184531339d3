// Which records the audit commands ask for, as options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/outcome.h"
#include "coffer/v1/audit.pb.h"

namespace coffer::cli {

struct AuditFilterOptions {
  std::string since;
  std::string until;
  std::optional<std::uint64_t> from;
  std::optional<std::uint64_t> to;
  std::string type;
  std::string caller_role;
  std::string principal;
  std::string operation;
  std::string object;
  std::string tenant;
  std::string outcome;
  std::string request_id;
  std::uint64_t key_id = 0;
  std::vector<std::string> row;
  bool refused = false;
  bool failed = false;
};

// Adds the options; those about an end only where there is one.
void AddAuditFilter(CLI::App& command, AuditFilterOptions& options, bool with_ends);

// `now_us` is what durations are counted back from.
Outcome<v1::RecordFilter> AuditFilterOf(const AuditFilterOptions& options, std::int64_t now_us);

// "call", "begin": the type's name in options and output.
std::string AuditTypeName(v1::AuditRecordType type);

}  // namespace coffer::cli
