#include "cli/record_format.h"

#include <algorithm>

namespace coffer::cli {

std::string Rewritten(const RecordFormat& format, const Record& record, std::span<const Replacement> replacements,
                      std::span<const AppendedValue> appended) {
  std::vector<const Replacement*> in_order;
  for (const Replacement& replacement : replacements) in_order.push_back(&replacement);
  std::sort(in_order.begin(), in_order.end(), [&record](const Replacement* a, const Replacement* b) {
    return record.cells[a->column].offset < record.cells[b->column].offset;
  });
  std::string text;
  std::size_t copied = 0;
  for (const Replacement* const replacement : in_order) {
    const CellSpan& cell = record.cells[replacement->column];
    text.append(record.text, copied, cell.offset - copied);
    text += format.Written(replacement->text);
    copied = cell.offset + cell.size;
  }
  if (!appended.empty()) {
    text.append(record.text, copied, record.end - copied);
    text += format.WrittenAppended(appended);
    copied = record.end;
  }
  text.append(record.text, copied);
  if (text.empty()) text = "\n";
  return text;
}

Failure AtLine(std::uint64_t line, std::string_view sentence, std::string_view next_step) {
  return Failure(kExitFailed, "line " + std::to_string(line) + ": " + std::string(sentence), next_step);
}

}  // namespace coffer::cli
