#include "plugins/grafana/rotation/rotation.h"

#include "plugins/grafana/cells/write_changes.h"
#include "plugins/grafana/rotation/keyed_cells.h"
#include "plugins/grafana/rotation/rotation_plan.h"
#include "plugins/grafana/rotation/row_progress.h"

namespace coffer::grafana {
namespace {

Status ReadCells(CellWriter& writer, const RotationOptions& options, RotationStep step, KeyedCells& cells) {
  RowProgress rows(options.on_progress, step);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          writer.Read(cells.wanted(), [&cells, &rows](std::string_view row_id, const ReadRow& row) {
                            rows.Add();
                            return cells.Take(row_id, row);
                          }));
  return cells.Finish(found);
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
    case UnreadableReason::kUnsure:
      return "too little to tell its key";
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
  RowProgress rows(options.on_progress, RotationStep::kReading);
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
  const auto on_writing = [&options, &changes](std::size_t done) {
    if (options.on_progress) options.on_progress(RotationStep::kWriting, done, changes.size());
  };
  COFFER_TRY(WriteChanges(writer, changes, {options.backup, on_writing}, [&]() -> Status {
    KeyedCells after(options.which);
    COFFER_TRY(ReadCells(writer, options, RotationStep::kVerifying, after));
    COFFER_TRY(plan.CheckWritten(after));
    return before_commit();
  }));
  return plan.report();
}

}  // namespace coffer::grafana
