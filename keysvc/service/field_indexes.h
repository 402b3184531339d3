// The indexes of a call's columns: tokens of what is written, and the comparison of what was searched for.
#pragma once

#include <map>

#include "keysvc/service/field_column.h"
#include "keysvc/service/index_search.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxSlowItems = 16;  // values, or searches, of a slow index in one call

// The plaintexts that a call has at hand, by column and item; nothing where there is none.
using Plaintexts = std::function<std::optional<ByteView>(std::size_t column, std::size_t item)>;

// Finds the parts of a compound index among the columns of one call: values of the same tenant and the same row id, or,
// for fields that bind no row, at the same position. Lives within one call.
class RowParts {
 public:
  // All must outlive it.
  RowParts(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works, const Plaintexts& plaintexts)
      : columns_(columns), works_(works), plaintexts_(plaintexts) {}

  // One plaintext a part, nothing for one that is not there (NULL). kInvalidArgument: a part's field is not in the call
  // for this tenant.
  Result<std::vector<std::optional<ByteView>>> Of(const policy::IndexRule& rule, std::size_t column, std::size_t item);

 private:
  using ItemsByRow = std::map<Bytes, std::size_t>;
  Result<std::size_t> ColumnOf(const std::string& field, TenantUuid tenant) const;
  Result<Bytes> RowOf(std::size_t column, std::size_t item) const;
  Result<const ItemsByRow*> RowsOf(std::size_t column);

  const std::vector<FieldColumn>& columns_;
  const std::vector<ColumnWork>& works_;
  const Plaintexts& plaintexts_;
  std::map<std::size_t, ItemsByRow> rows_;  // of columns that were asked for
};

// Refuses what AddTokens would refuse for a value's sake; makes no key.
Status CheckIndexable(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                      const Plaintexts& plaintexts);

// Fills `indexes` of each column's output.
Status AddTokens(Unsealed& unsealed, const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                 const Plaintexts& plaintexts, FieldOutput& output);

// Takes the values out of `output` that are not what their column's `match` says, wiped; they become failures.
Status ApplyMatches(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works, FieldOutput& output);

}  // namespace coffer::keysvc
