// The answer to a search as SQL, for PostgreSQL; without arrays and bytea SQLite reads it too.
#pragma once

#include <string>

#include "cli/planned_index.h"
#include "coffer/v1/field.pb.h"

namespace coffer::cli {

// "name" or "alias.name" of ASCII letters, digits and _ that do not begin with a digit.
bool IsColumnName(std::string_view text);

// `column` is an IsColumnName. `email_iv = 1 AND email IN (1, 2)` for one version; FALSE when it has no tokens.
std::string PredicateOf(const PlannedIndex& index, const v1::IndexVersionTokens& tokens, const std::string& column);

// All versions, in parentheses, a line each; FALSE when no version is live.
std::string PredicateOf(const PlannedIndex& index, const v1::IndexAnswer& answer, const std::string& column);

// "\x" and hex digits, as PostgreSQL writes bytea.
std::string ByteaText(const std::string& bytes);

}  // namespace coffer::cli
