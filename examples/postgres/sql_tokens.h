// Index tokens in SQL: the columns that a row gets, and the condition that finds it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coffer/v1/field.pb.h"
#include "examples/postgres/database.h"

namespace shop {

// A row by the names of its columns.
using NamedRow = std::map<std::string, Cell>;

// Puts the tokens of value `item` of an encrypted column into `row`, which has all columns of the table: into
// "<column>_<index>", and the version that made them into "<column>_<index>_iv". A unique index has no "_iv" but a
// column a version: "<column>_<index>", then "..._2". Arrays have more than one token. Throws Failure: there is no such
// column.
void AddTokens(const std::string& column, const coffer::v1::ColumnResult& result, int item, NamedRow& row);

// How an index is stored.
enum class Tokens { kOne, kArray, kUnique };

// A condition with its parameters.
struct Condition {
  std::string sql;
  std::vector<Cell> parameters;
};

// Finds the rows that have the tokens of any live version, in the index "<column>_<index>". As long as an index is
// rotated there are two.
Condition ConditionOf(const std::string& column, Tokens tokens, const coffer::v1::IndexAnswer& answer);

}  // namespace shop
