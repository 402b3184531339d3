#include "db/postgres_value.h"

#include "crypto/bytes.h"
#include "db/cipher_rows.h"

namespace coffer::db {

Result<const PostgresColumn*> PlainColumnOf(const PostgresTable& table, std::string_view column) {
  const PostgresColumn* const found = table.Find(column);
  if (found == nullptr) return Error(ErrorCode::kNotFound, "the table has no such column").At(column);
  if (found->is_own_type && !found->generated) return found;
  return Error(ErrorCode::kInvalidArgument, "is generated, or of a type that is not PostgreSQL's own").At(column);
}

std::string PlainTypeOf(const PostgresTable& table, std::string_view column) {
  return "pg_catalog." + QuotedName(table.Find(column)->base_type);
}

std::string BoundValueOf(const PostgresTable& table, const TypedColumn& column) {
  const PostgresColumn& found = *table.Find(column.column);
  const std::string name = "t." + QuotedName(found.name);
  const std::string limit = std::to_string(kMaxBound);
  if (found.is_bytes) return "substring(" + name + ", 1, " + limit + ")";
  if (column.type == ValueType::kInt64 && found.base_type == "bool") return name + "::int4::text";
  if (column.type == ValueType::kInt64 && found.base_type == "timestamptz") {
    return "CASE WHEN isfinite(" + name + ") THEN (extract(epoch FROM " + name + ") * 1000000)::int8::text END";
  }
  return "left(" + name + "::text, " + limit + ")";
}

std::string BytesOf(const PostgresColumn& column) {
  return "t." + QuotedName(column.name) + (column.is_ciphertext ? "::bytea" : "");
}

std::string TextArray(std::span<const std::string_view> texts) {
  std::string array = "{";
  for (const std::string_view text : texts) {
    if (array.size() > 1) array += ',';
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

std::string BytesArray(std::span<const std::string> values) {
  std::string array = "{";
  for (const std::string& value : values) {
    if (array.size() > 1) array += ',';
    array.append("\"\\\\x").append(ToHex(AsBytes(value))).append("\"");
  }
  return array + "}";
}

}  // namespace coffer::db
