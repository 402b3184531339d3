// The columns that records get for the tokens of their fields' indexes.
#pragma once

#include <string>
#include <vector>

#include "cli/field_plan.h"

namespace coffer::cli {

// For each index of each field "<column>_<index>" and "<column>_<index>_iv", after the record's own column; for a
// unique index one column a version (cli/planned_index.h).
class TokenColumns {
 public:
  // Of no index.
  TokenColumns() = default;
  // kExitFailed: none of the fields has an index, or two columns would have the same name.
  static Outcome<TokenColumns> Of(const FieldPlan& plan);

  const std::vector<std::string>& names() const { return names_; }

  // Fills in the tokens of one field: value i of the answer belongs to records[owners[i]], each as long as names().
  // kExitFailed: the answer lacks an index, or has another shape.
  Outcome<void> Take(std::size_t field, const v1::ColumnResult& result, const std::vector<std::size_t>& owners,
                     std::vector<std::vector<AppendedValue>>& records) const;

 private:
  struct Source {
    std::size_t field = 0;
    std::string field_name;
    std::string index;
    std::uint32_t version = 0;
    bool array = false;
    bool has_version_column = false;  // right behind the tokens
  };
  void Add(std::size_t field, const MappedField& mapped, const std::string& base, const PlannedIndex& index);

  std::vector<Source> sources_;
  std::vector<std::size_t> at_;  // of each source: its column among the names
  std::vector<std::string> names_;
};

// How many records go into one call, at most `limit`: a slow index takes 16 values, and the tokens of all must fit into
// one answer. For calls that make tokens.
std::size_t MaxRecordsWithTokens(const FieldPlan& plan, std::size_t limit);

}  // namespace coffer::cli
