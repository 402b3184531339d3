// The text forms of values in a dump: escapes of COPY and of E'...', bytea, hex.
#pragma once

#include <string>
#include <string_view>

namespace coffer::grafana {

// A hex digit's value, -1 for any other character.
int HexDigit(int c);

// Each appends to `out` and is false when `text` is not of its form; what was appended then means nothing.

// Pairs of hex digits.
bool AppendHex(std::string_view text, std::string& out);
// What bytea_output writes: "\x" and hex, or (escape) bytes with "\\" and "\ooo" among them.
bool AppendBytea(std::string_view text, std::string& out);
// A field of COPY's text format that is not \N. Never longer than `text`.
bool AppendCopyField(std::string_view text, std::string& out);
// An escape behind its backslash, whole: "n", "101", "x41", "'". What means nothing is itself.
void AppendEscape(std::string_view escape, std::string& out);
// What SQLite's unistr() takes: "\\", "\XXXX", "\+XXXXXX", "\uXXXX", "\UXXXXXXXX".
bool AppendUnistr(std::string_view text, std::string& out);

}  // namespace coffer::grafana
