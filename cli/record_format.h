// Records of a stream, JSON Lines or CSV: read verbatim, some values taken out, those values replaced, the rest left as
// it was, byte for byte. Numbers that no double holds, the order of keys, quoting and line ends survive.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cli/byte_source.h"

namespace coffer::cli {

// What a record says of one column.
struct CellValue {
  enum class Kind : std::uint8_t {
    kNull,
    kText,
    kInteger,  // JSON's integers and booleans (0, 1) as decimal text
  };
  Kind kind = Kind::kNull;
  std::string text;
};

// Where a column's value lies in a record's text.
struct CellSpan {
  std::size_t offset = 0;
  std::size_t size = 0;
};

struct Record {
  std::uint64_t line = 0;       // its first one, from 1
  std::string text;             // with its line end
  std::vector<CellSpan> cells;  // one a column that was asked for
  std::size_t end = 0;          // where a further column would stand
};

// A new value of a column; nothing is NULL.
struct Replacement {
  std::size_t column = 0;  // index into the columns that were asked for
  std::optional<std::string> text;
};

// A value of a column that the records did not have: NULL, a number, numbers, text in UTF-8.
using AppendedValue = std::variant<std::monostate, std::int64_t, std::vector<std::int64_t>, std::string>;

// Failures name the line and, where there is one, the column; never a value.
class RecordFormat {
 public:
  virtual ~RecordFormat() = default;

  // Before Begin: columns that records will get at their end. Records that have one of them already are refused.
  void Append(std::vector<std::string> names) { appended_ = std::move(names); }

  // Before the first record: `columns` are those whose values will be wanted, without duplicates. Gives what comes
  // before the records (CSV's header), verbatim.
  virtual Outcome<std::string> Begin(ByteSource& source, const std::vector<std::string>& columns) = 0;
  // False: no record is left.
  virtual Outcome<bool> Read(ByteSource& source, Record& record) = 0;
  virtual Outcome<CellValue> ValueOf(const Record& record, std::size_t column) const = 0;
  // A value as the format writes it; `text` is UTF-8.
  virtual std::string Written(const std::optional<std::string>& text) const = 0;
  // What is put in at a record's end: one value a column of Append, in their order. Numbers become an array: JSON's,
  // or PostgreSQL's text form, {1,2}.
  virtual std::string WrittenAppended(std::span<const AppendedValue> values) const = 0;

 protected:
  std::vector<std::string> appended_;
};

// One JSON object a line (jsonlines.org), without numbers beyond a double's range (1e400). Values that are wanted are
// strings, integers, booleans or null; a key that is wanted must be there, once.
std::unique_ptr<RecordFormat> MakeJsonLines();

// RFC 4180 with a header; line ends may be LF too. An unquoted cell that says `null_text` is NULL, a quoted one is
// text, as with PostgreSQL's COPY. A `null_text` with a quote, a comma or a line end is refused when reading begins.
std::unique_ptr<RecordFormat> MakeCsv(std::string null_text);

// The record with its replacements, and with its values of the columns of Append (as many, or none). One that would
// become empty (CSV's last cell, without a line end) gets a line end, else it would be no record any more.
std::string Rewritten(const RecordFormat& format, const Record& record, std::span<const Replacement> replacements,
                      std::span<const AppendedValue> appended = {});

// "line 17: <sentence>".
Failure AtLine(std::uint64_t line, std::string_view sentence, std::string_view next_step = {});

}  // namespace coffer::cli
