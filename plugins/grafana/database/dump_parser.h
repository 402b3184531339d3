// Dumps in SQL: pg_dump's and pg_dumpall's with COPY or INSERT, pg_restore's, sqlite3's .dump.
//
//   begin      a comment of pg_dump's, or BEGIN TRANSACTION of sqlite3's; with neither it is no dump
//   definition CREATE TABLE, before the table's rows: it says which columns are bytea, and the order of all
//   rows       COPY ... FROM stdin in text format; INSERT INTO ... VALUES with one row or many
//   end        the comment that pg_dump ends with, or COMMIT; without it the dump is cut short
//
// A view, a foreign or a virtual table with a wanted table's name is told of (FoundTable::kind). All else is skipped:
// psql's commands (\connect, \restrict), functions and triggers with their bodies, other tables of any size. Memory:
// one buffer and one wanted row.
#pragma once

#include "plugins/grafana/database/dump_input.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// As RowReader::Read. kInvalidArgument with the line also for: a table or its rows in two places (two schemas or
// databases of one dump), rows without a definition (--data-only), an encoding other than UTF8 or SQL_ASCII, a wanted
// row above kMaxDumpRow, what sqlite3 writes when it met an error.
Result<std::vector<FoundTable>> ReadDump(DumpInput& input, std::span<const WantedTable> wanted, const OnRow& on_row);

}  // namespace coffer::grafana
