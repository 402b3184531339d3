// What a stream of records means: which column holds which field's value, what its rows and bound columns are, with
// their types from the applied catalogs.
#pragma once

#include <string>
#include <vector>

#include "cli/outcome.h"
#include "cli/planned_index.h"
#include "cli/record_format.h"
#include "client/client.h"
#include "crypto/names.h"
#include "crypto/value.h"

namespace coffer::cli {

// A field and the column that holds its value.
struct FieldMapping {
  FieldName field;
  std::string column;
};

// "scope.table.column=name"; without "=name" the column is called as in the field. Usage failure otherwise.
Outcome<FieldMapping> ParseMapping(std::string_view text);

// A column of the record, as index into FieldPlan::columns, and its declared type.
struct TypedColumn {
  std::size_t column = 0;
  ValueType type = ValueType::kText;
};
struct BoundPlan {
  std::string name;
  TypedColumn value;
};

struct MappedField {
  std::string field;
  std::size_t value = 0;           // index into FieldPlan::columns
  std::vector<TypedColumn> row;    // empty when the field's rows are not bound
  std::vector<BoundPlan> context;  // likewise
  std::vector<PlannedIndex> indexes;
};

struct FieldPlan {
  std::vector<std::string> columns;  // all that are wanted, without duplicates
  std::vector<MappedField> fields;
};

// Asks the service for the catalogs of the fields' scopes. `row`: the columns of the record that are its row id, in
// catalog order. A failure when a field is unknown or the number of row columns is not the declared one.
Outcome<FieldPlan> MakePlan(client::Client& client, const std::vector<FieldMapping>& mappings,
                            const std::vector<std::string>& row);

}  // namespace coffer::cli
