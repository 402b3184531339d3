// What commands on a database take of a catalog file, without a service: the file, and where its fields are stored.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/outcome.h"
#include "db/encrypted_column.h"
#include "policy/catalog.h"

namespace coffer::cli {

struct CatalogFileOptions {
  std::string file;
  std::vector<std::string> fields;  // SCOPE.TABLE.COLUMN=[SCHEMA.]TABLE.COLUMN
};

struct CatalogFile {
  policy::Catalog catalog;
  std::map<policy::ColumnName, db::ColumnPlace> places;
};

// --catalog and --field; the option of --catalog.
CLI::Option* AddCatalogFileOptions(CLI::App& command, CatalogFileOptions& options);

// A UsageFailure for a field of another scope, or one that is named twice.
Outcome<CatalogFile> ReadCatalogFile(const CatalogFileOptions& options);

// A name of the database as a terminal shows it.
std::string ShownName(std::string_view name);

}  // namespace coffer::cli
