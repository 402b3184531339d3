#include "cli/field_stream.h"

#include <algorithm>
#include <iostream>

#include "cli/progress.h"

namespace coffer::cli {
namespace {

void Report(std::vector<FailedValue>& failed) {
  constexpr std::size_t kMaxLines = 20;
  std::stable_sort(failed.begin(), failed.end(),
                   [](const FailedValue& a, const FailedValue& b) { return a.line < b.line; });
  for (std::size_t i = 0; i < std::min(failed.size(), kMaxLines); ++i) {
    std::cerr << "coffer: line " << failed[i].line << ": " << failed[i].field << " " << SentenceOf(failed[i].fault)
              << "\n";
  }
  if (failed.size() > kMaxLines) std::cerr << "coffer: and " << failed.size() - kMaxLines << " more in these records\n";
}

std::uint64_t Count(const std::vector<FailedValue>& failed, ValueFault fault) {
  return static_cast<std::uint64_t>(
      std::count_if(failed.begin(), failed.end(), [fault](const FailedValue& value) { return value.fault == fault; }));
}

}  // namespace

Outcome<StreamCounts> RunStream(client::Client& client, const FieldPlan& plan, RecordFormat& format, ByteSource& source,
                                ByteSink& sink, const StreamOptions& options, bool progress) {
  StreamCounts counts;
  format.Append(options.work.tokens.names());
  COFFER_ASSIGN_OR_RETURN(const std::string header, format.Begin(source, plan.columns));
  COFFER_TRY(sink.Write(header));
  FieldBatch batch(plan, format, options.work);
  Progress bar(source.size(), progress);
  for (bool more = true; more;) {
    Record record;
    COFFER_ASSIGN_OR_RETURN(more, format.Read(source, record));
    if (more) {
      COFFER_TRY(batch.Add(std::move(record)));
      ++counts.records;
    }
    if (batch.empty() || (more && !batch.full())) continue;
    std::vector<FailedValue> failed;
    COFFER_ASSIGN_OR_RETURN(const std::string text, batch.Run(client, failed));
    Report(failed);
    counts.failed += failed.size();
    counts.undecryptable += Count(failed, ValueFault::kDoesNotDecrypt);
    counts.keys_disabled += Count(failed, ValueFault::kKeyDisabled);
    counts.values = batch.values();
    counts.rewrapped = batch.rewrapped();
    counts.unmatched = batch.unmatched();
    if (!failed.empty() && !options.keep_going) return counts;
    COFFER_TRY(sink.Write(text));
    bar.Show(source.bytes());
  }
  COFFER_TRY(sink.Finish());
  return counts;
}

}  // namespace coffer::cli
