// EncryptedColumn: where a field's ciphertexts are in a database, and what they are bound to there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/names.h"
#include "crypto/value.h"
#include "db/sql_names.h"
#include "policy/catalog_lock.h"

namespace coffer::db {

// A column of ciphertexts.
struct ColumnPlace {
  TableName table;
  std::string column;

  auto operator<=>(const ColumnPlace&) const = default;
  std::string ToText() const;
  // "TABLE.COLUMN" or "SCHEMA.TABLE.COLUMN" with the database's names: 1 to 63 bytes each, without dots.
  // kInvalidArgument otherwise. Thread-safe.
  static Result<ColumnPlace> Parse(std::string_view text);
};

// A column that ciphertexts are bound to, and the type that the catalog declares for it.
struct TypedColumn {
  std::string column;
  ValueType type = ValueType::kText;
};
struct BoundName {
  std::string name;  // in the catalog
  TypedColumn value;
};

struct EncryptedColumn {
  std::string field;  // "shop.connection.password"
  ColumnPlace place;
  std::vector<TypedColumn> row;    // all or none of them have names; none: the columns of the table's key are meant
  std::vector<BoundName> context;  // empty where the field binds no columns
  std::string tenant;              // of all rows; empty: "default"
  std::string tenant_column;       // holds each row's tenant, by name; empty: `tenant`
};

// Where a database does not have the catalog's names.
struct ColumnNames {
  std::optional<ColumnPlace> place;                         // else the field's table and column
  std::vector<std::string> row;                             // in catalog order; else the table's key
  std::map<std::string, std::string, std::less<>> context;  // bound name to column; else the same name
  std::string tenant;
  std::string tenant_column;
};

// kNotFound: the lock has no such field. kInvalidArgument: `names` has a row of another size than the field's, a bound
// name that the field does not have, or the column of the ciphertexts in another place too. At the field. Thread-safe.
Result<EncryptedColumn> MapField(const policy::CatalogLock& lock, const FieldName& field, const ColumnNames& names);

// Where the row id's columns have no names they are the `key` of the table. kInvalidArgument At the table: it has
// another number of columns. Thread-safe.
Status NameRow(EncryptedColumn& column, const std::vector<std::string>& key);

}  // namespace coffer::db
