#include "plugins/grafana/rotation/rotation.h"

#include "io/file.h"
#include "plugins/grafana/rotation/keyed_cells.h"
#include "plugins/grafana/rotation/rotation_plan.h"

namespace coffer::grafana {
namespace {

constexpr std::uint64_t kRowsBetweenProgress = 1'024;

class RowCount {
 public:
  RowCount(const RotationOptions& options, RotationStep step) : options_(options), step_(step) {}
  void Add() {
    if (options_.on_progress && rows_ % kRowsBetweenProgress == 0) options_.on_progress(step_, rows_, 0);
    ++rows_;
  }

 private:
  const RotationOptions& options_;
  RotationStep step_;
  std::uint64_t rows_ = 0;
};

Status ReadCells(CellWriter& writer, const RotationOptions& options, RotationStep step, KeyedCells& cells) {
  RowCount rows(options, step);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          writer.Read(cells.wanted(), [&cells, &rows](std::string_view row_id, const ReadRow& row) {
                            rows.Add();
                            return cells.Take(row_id, row);
                          }));
  return cells.Finish(found);
}

Status Write(CellWriter& writer, std::span<const RowChange> changes, const RotationOptions& options) {
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (options.on_progress) options.on_progress(RotationStep::kWriting, i, changes.size());
    COFFER_TRY(writer.Update(changes[i]));
  }
  return {};
}

// All behind the backup, up to the commit.
Status WriteAndCheck(CellWriter& writer, std::span<const RowChange> changes, const RotationPlan& plan,
                     const RotationOptions& options, const std::function<Status()>& before_commit) {
  COFFER_TRY(Write(writer, changes, options));
  KeyedCells after(options.which);
  COFFER_TRY(ReadCells(writer, options, RotationStep::kVerifying, after));
  COFFER_TRY(plan.CheckWritten(after));
  return before_commit();
}

}  // namespace

std::string_view UnreadableReasonName(UnreadableReason reason) {
  switch (reason) {
    case UnreadableReason::kDamaged:
      return "damaged";
    case UnreadableReason::kNotUnderKey:
      return "not under the key";
    case UnreadableReason::kDuplicateKeys:
      return "a JSON key twice";
    case UnreadableReason::kNoDataKey:
      return "its data key is not there, or twice";
  }
  return "unknown";
}

std::uint64_t RotationReport::ValueCount() const {
  std::uint64_t count = 0;
  for (const auto& [column, number] : values) count += number;
  return count;
}

Result<RotationReport> PlanRotation(RowReader& reader, const RotationKeys& keys, const RotationOptions& options) {
  KeyedCells cells(options.which);
  RowCount rows(options, RotationStep::kReading);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          reader.Read(cells.wanted(), [&cells, &rows](const ReadRow& row) {
                            rows.Add();
                            return cells.Take({}, row);
                          }));
  COFFER_TRY(cells.Finish(found));
  return RotationPlan(cells, keys, options).report();
}

Result<RotationReport> Rotate(CellWriter& writer, const RotationKeys& keys, const RotationOptions& options,
                              const std::function<Status()>& before_commit) {
  KeyedCells cells(options.which);
  COFFER_TRY(ReadCells(writer, options, RotationStep::kReading, cells));
  RotationPlan plan(cells, keys, options);
  if (plan.report().refusal != RotationRefusal::kNone) return plan.report();
  COFFER_ASSIGN_OR_RETURN(const std::vector<RowChange> changes, plan.MakeChanges());
  const bool backs_up = !options.backup.empty() && !changes.empty();
  if (backs_up) COFFER_TRY(writer.BackUp(options.backup, changes));
  const Status written = WriteAndCheck(writer, changes, plan, options, before_commit);
  if (!written.ok()) {
    if (backs_up) static_cast<void>(RemoveFileDurably(options.backup));  // of nothing; the failure itself is told
    return written.error();
  }
  COFFER_TRY(writer.Commit());
  return plan.report();
}

}  // namespace coffer::grafana
