// Which columns of a database a command is about: the options, and what the catalog makes of them.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/printing.h"
#include "cli/session.h"
#include "db/census.h"
#include "db/encrypted_column.h"
#include "db/source.h"

namespace coffer::cli {

inline constexpr std::string_view kDbaRole = "dba";

struct DatabaseOption {
  std::string database;
};

// The argument DATABASE.
void AddDatabaseArgument(CLI::App& command, DatabaseOption& option);
// A password on the command line is refused.
Outcome<db::Source> SourceOf(const DatabaseOption& option);

struct FieldColumnOptions {
  std::string scope;
  std::vector<std::string> fields;  // SCOPE.TABLE.COLUMN[=[SCHEMA.]TABLE.COLUMN]
  std::vector<std::string> row;
  std::vector<std::string> contexts;  // NAME=COLUMN
  std::string tenant;
  std::string tenant_column;
};

// --scope and --field.
void AddFieldOptions(CLI::App& command, FieldColumnOptions& options);
// --row, --context, --tenant and --tenant-column: what one field's values are bound to.
void AddBindingOptions(CLI::App& command, FieldColumnOptions& options);

// The fields that were named, and those of the scope that no --field names; fields that are retired are left out.
// A UsageFailure when none is named, or when what is one field's is given for several.
Outcome<std::vector<db::EncryptedColumn>> ColumnsOf(client::Client& client, const FieldColumnOptions& options);

// Key ids as text, since not every reader of JSON has 64 bits.
Json KeysJson(const db::KeyCounts& keys);

// Of the database, where nothing else is said.
Failure OfDatabase(const Error& error);

}  // namespace coffer::cli
