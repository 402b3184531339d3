// Values in the INSERT statements of a dump.
#pragma once

#include "plugins/grafana/database/dump_tokens.h"

namespace coffer::grafana {

struct DumpValue {
  bool is_null = false;
  std::string text;  // without its quotes; bytes of X'...'
};

// Reads a value that begins at `token`, and the token behind it. Takes NULL, DEFAULT, TRUE, FALSE, numbers, strings,
// X'...', and what sqlite3 makes of text with line ends: replace(value, string, char(n)) and unistr(string).
// KeepText::kNo: `value` means nothing.
Status TakeDumpValue(DumpTokens& tokens, DumpToken& token, KeepText keep, DumpValue& value);

}  // namespace coffer::grafana
