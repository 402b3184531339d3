// The SQL that a schema of rows needs, as text. SQLite's dialect.
#pragma once

#include <string>
#include <vector>

#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

// One table or index of the database, exactly as SQLite keeps its text.
struct SchemaObject {
  std::string name;
  std::string sql;
};
// Of one schema version.
std::vector<SchemaObject> SchemaObjects(std::int64_t version = kSchemaVersion);
// What an upgrade from that version adds.
std::vector<SchemaObject> ObjectsSince(std::int64_t version);

// Columns of a result: SpecOf(table).columns in order, then row_epoch, mac. Parameters likewise.
std::string GetSql(const TableSpec& spec);  // parameters: the primary key
std::string ScanSql(const TableSpec& spec,
                    const ScanRequest& request);  // `equals`, text_prefix if any, `after` if any, limit if any
std::string InsertSql(const TableSpec& spec);
std::string UpdateSql(const TableSpec& spec);  // parameter n is column n; a row comes back when there was one
std::string EraseSql(const TableSpec& spec);   // parameters: the primary key; a row comes back when there was one
std::string MacsSql(const TableSpec& spec);    // the primary key, mac; as they lie in the table's b-tree

inline constexpr std::string_view kGetHeadSql = "SELECT epoch, sum, mac FROM head WHERE id = 1";
inline constexpr std::string_view kPutHeadSql =
    "INSERT INTO head (id, epoch, sum, mac) VALUES (1, ?1, ?2, ?3) "
    "ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, sum = excluded.sum, mac = excluded.mac";

}  // namespace coffer::keysvc
