// RowParts: the parts of a compound index, found among the columns of one call by their row ids.
#pragma once

#include <map>

#include "keysvc/service/field_column.h"

namespace coffer::keysvc {

// The plaintexts that a call has at hand, by column and item; nothing for a value that failed.
using Plaintexts = std::function<std::optional<ByteView>(std::size_t column, std::size_t item)>;

// Lives within one call; not thread-safe.
class RowParts {
 public:
  // All must outlive it.
  RowParts(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works, const Plaintexts& plaintexts)
      : columns_(columns), works_(works), plaintexts_(plaintexts) {}

  // Where a row's parts stand in the call: column and item of each, nothing for one that is not there (NULL).
  struct Place {
    std::size_t column = 0;
    std::size_t item = 0;
    auto operator<=>(const Place&) const = default;
  };
  using Places = std::vector<std::optional<Place>>;
  // Of the row of columns[column].values[item]. kInvalidArgument: a part's field is not in the call for this tenant, or
  // twice, or a column has no row ids, or has a row twice.
  Result<Places> Find(const policy::IndexRule& rule, std::size_t column, std::size_t item);

  struct Values {
    std::vector<std::optional<ByteView>> parts;  // nothing: NULL
    bool failed = false;                         // one is there and failed
  };
  Values ValuesAt(const Places& places) const;

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

}  // namespace coffer::keysvc
