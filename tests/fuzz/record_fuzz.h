// What the targets of the record readers share: reads a text with a format and checks what holds for every format.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/record_format.h"

namespace coffer::cli {

using MakeFormat = std::function<std::unique_ptr<RecordFormat>()>;

struct Taken {
  std::string header;
  std::vector<Record> records;  // those before the first refusal
};

// What `format`, which is new, takes of `text`: written again as it is, that is `text`, or a beginning of it when the
// rest is refused. Nothing: the format refuses to begin.
std::optional<Taken> Take(RecordFormat& format, const std::string& text, const std::vector<std::string>& columns);

// The bytes of a record's column.
std::string_view CellText(const Record& record, std::size_t column);

// Values replaced in `taken`, which is not empty, are what is read afterwards, and nothing else has changed.
void CheckReplacing(const MakeFormat& make, const Taken& taken, const std::vector<std::string>& columns,
                    const std::string& text);

}  // namespace coffer::cli
