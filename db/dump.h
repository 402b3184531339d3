// A dump of a database that somebody may work with who must not see its values: plain SQL that restores, with masks
// where protected and personal values were (redaction.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/redaction.h"

namespace coffer::db {

struct DumpOptions {
  RedactOptions redact;
  std::uint32_t sample = 0;         // with redact.guess: values of each column of texts to look at, too
  std::string pg_dump = "pg_dump";  // PostgreSQL's program, which writes the schema; of the server's version or later
  std::function<void(std::uint64_t rows)> on_progress;
};

// Takes a piece of the dump; an error ends it.
using DumpSink = std::function<Status(std::string_view piece)>;

struct DumpReport {
  std::vector<TableRedaction> tables;  // those with masks, or without their rows
  std::uint64_t rows = 0;              // written
  std::vector<std::string> not_valid;  // CHECKs that come back NOT VALID, since masks need not keep them
  std::vector<std::string> left_out;   // in words: "2 foreign tables"
};

// All of it is of one moment. Owners, privileges, subscriptions, large objects, rows of foreign tables and of
// extensions' tables are left out; so are SQLite's virtual tables. What stands in the schema itself (defaults,
// comments, functions) is not looked at.
//
// PostgreSQL: no masked value leaves the server but to be masked here. psql restores it. kFailedPrecondition: a user
// mapping has options, which pg_dump would show; kNotFound At "pg_dump": there is none; kUnavailable At "pg_dump": it
// failed, and said why on standard error. SQLite: the sqlite3 program restores it. Else as PlanRedaction, ReadSchema.
Result<DumpReport> DumpRedacted(const Source& source, const DumpOptions& options, const DumpSink& sink);

// The halves of DumpRedacted.
Result<DumpReport> DumpPostgres(const Source& source, const DumpOptions& options, const DumpSink& sink);
Result<DumpReport> DumpSqlite(const Source& source, const DumpOptions& options, const DumpSink& sink);

}  // namespace coffer::db
