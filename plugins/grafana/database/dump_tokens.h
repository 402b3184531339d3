// The words of a dump's SQL, as pg_dump and sqlite3 write it.
#pragma once

#include "plugins/grafana/database/dump_input.h"

namespace coffer::grafana {

enum class DumpDialect : std::uint8_t { kUnknown, kPostgres, kSqlite };

// Bytes of a wanted row, of one of its values and of its line in the dump. Nothing that Grafana stores comes near, and
// what is not wanted has no limit.
inline constexpr std::size_t kMaxDumpRow = std::size_t{256} << 20;

struct DumpToken {
  enum class Kind : std::uint8_t {
    kEnd,
    kWord,    // a keyword, or a name without quotes
    kName,    // a name in quotes
    kNumber,  // without its sign
    kString,
    kBytes,  // SQLite's X'...'
    kSymbol,
  };

  Kind kind = Kind::kEnd;
  char symbol = 0;
  std::string text;  // unquoted, unescaped; of a name or word at most kMaxDumpName bytes

  bool Is(char c) const { return kind == Kind::kSymbol && symbol == c; }
  // `keyword` in lower case.
  bool Is(std::string_view keyword) const;
  bool IsName() const { return kind == Kind::kWord || kind == Kind::kName; }
};
inline constexpr std::size_t kMaxDumpName = 1'024;

enum class KeepText : std::uint8_t {
  kNo,  // Strings and bytes come empty, whatever their length.
  kYes,
};

// Not thread-safe. Errors: kInvalidArgument with the line: a quote, comment or escape that does not end; a value above
// kMaxDumpRow; the input's own.
class DumpTokens {
 public:
  explicit DumpTokens(DumpInput& input) : input_(input) {}

  // The first token of a statement. The comments before it may be the marks of a dump's begin and end.
  Status First(DumpToken& token);
  Status Next(DumpToken& token, KeepText keep);

  DumpInput& input() { return input_; }
  DumpDialect dialect() const { return dialect_; }
  void set_dialect(DumpDialect dialect) { dialect_ = dialect; }
  // Backslashes in ordinary strings mean something (standard_conforming_strings = off).
  void set_backslashes(bool escape) { backslashes_ = escape; }
  // More begins than ends of dumps were seen.
  bool is_inside_dump() const { return open_dumps_ > 0; }

  Error Malformed() const;
  Error CutShort() const;

 private:
  Status Take(DumpToken& token, KeepText keep, bool comments_are_marks);
  bool TakeComment(char first, bool is_mark, Status& outcome);
  void TakeLineComment(bool is_mark);
  Status SkipBlockComment();
  Status TakeWord(DumpToken& token, KeepText keep);
  void TakeNumber(std::string& out);
  Status TakeString(DumpToken& token, bool escapes, KeepText keep);
  Status TakeQuoted(char quote, bool escapes, std::size_t keep_bytes, std::string& out);
  Status TakeEscape(std::string& out);
  Status SkipDollarQuoted(DumpToken& token);

  DumpInput& input_;
  DumpDialect dialect_ = DumpDialect::kUnknown;
  bool backslashes_ = false;
  int open_dumps_ = 0;
};

}  // namespace coffer::grafana
