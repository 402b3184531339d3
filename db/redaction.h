// Redaction: which columns of a database a dump does not show, and what stands there instead.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "db/check.h"
#include "db/guess.h"
#include "db/schema.h"

namespace coffer::db {

enum class MaskKind : std::uint8_t {
  kNull,
  kCiphertext,  // a placeholder
  kOpaque,      // Masker::Opaque
  kText,
  kNumber,
  kDate,
  kUuid,
  kBytes,
  kByValue,   // SQLite: whatever each cell is
  kConstant,  // the type has no mask
};

enum class MaskReason : std::uint8_t {
  kCatalog,     // a protected column
  kToken,       // of an index of the catalog
  kAsked,       // --mask
  kGuess,       // its name, or what its values look like, says that it is secret or personal
  kForeignKey,  // points to, or is pointed to by, a masked column
};
std::string_view MaskReasonName(MaskReason reason);  // "catalog"

struct ColumnMask {
  std::string column;
  MaskKind kind = MaskKind::kNull;
  MaskReason reason = MaskReason::kGuess;
  std::string constant;  // kConstant
  std::uint32_t length_max = 0;
  std::uint64_t most = 0;   // kNumber
  bool folds_case = false;  // equal texts of another case are equal
};

struct TableRedaction {
  TableName table;
  std::vector<ColumnMask> masks;  // in the order of the table's columns
  bool omits_rows = false;

  const ColumnMask* Find(std::string_view column) const;
};

struct RedactOptions {
  const policy::Catalog* catalog = nullptr;          // null: none
  std::map<policy::ColumnName, ColumnPlace> places;  // as CheckOptions
  std::vector<ColumnPlace> mask;                     // personal columns that no catalog names
  std::vector<ColumnPlace> keep;                     // not masked, whatever their names say
  std::vector<TableName> omit_rows;                  // tables without their rows
  bool guess = true;                                 // mask what GuessByName takes for secret, personal or a copy
  std::vector<std::pair<ColumnPlace, Content>> found_by_values;  // likewise, for what no name tells
};

struct Redaction {
  std::vector<TableRedaction> tables;  // as Schema::tables
};

// kNotFound: a table or column that is named is not there; kInvalidArgument: a protected column is to be kept;
// kFailedPrecondition: a column cannot be masked, since it is generated, part of a partition key, or of a type that has
// neither NULL nor a mask. At the column. Thread-safe.
Result<Redaction> PlanRedaction(const Schema& schema, const RedactOptions& options);

}  // namespace coffer::db
