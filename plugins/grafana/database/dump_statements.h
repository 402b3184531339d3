// Parts of a dump's statements that several of them have. Each begins at `token` and leaves the token behind it there.
#pragma once

#include "plugins/grafana/database/dump_tables.h"
#include "plugins/grafana/database/dump_tokens.h"

namespace coffer::grafana {

// To the statement's ';', which stays in `token`.
Status SkipDumpStatement(DumpTokens& tokens, DumpToken& token);
// The same for a function, procedure or trigger, which may have a body of statements: BEGIN [ATOMIC] ...; END.
Status SkipDumpRoutine(DumpTokens& tokens, DumpToken& token);

// A name; of schema.name the last. Folded where it has no quotes, and in SQLite always.
Result<std::string> TakeDumpName(DumpTokens& tokens, DumpToken& token);
// ( name, ... )
Result<std::vector<std::string>> TakeDumpNames(DumpTokens& tokens, DumpToken& token);
// What CREATE TABLE has in its parentheses, as far as rows have it.
Result<std::vector<DumpColumn>> TakeDumpColumns(DumpTokens& tokens, DumpToken& token);

}  // namespace coffer::grafana
