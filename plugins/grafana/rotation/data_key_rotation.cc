#include "plugins/grafana/rotation/data_key_rotation.h"

#include "plugins/grafana/cells/write_changes.h"
#include "plugins/grafana/rotation/data_key_plan.h"
#include "plugins/grafana/rotation/row_progress.h"

namespace coffer::grafana {
namespace {

// Reads everything once more.
Status CheckWritten(CellWriter& writer, const EnvelopeCells& cells, CellDigests& expected,
                    const DataKeyRotationOptions& options) {
  CellDigests written(cells.keyed());
  RowProgress rows(options.on_progress, RotationStep::kVerifying);
  const auto found = writer.Read(cells.wanted(), [&written, &rows](std::string_view, const ReadRow& row) -> Status {
    rows.Add();
    written.Take(row);
    return {};
  });
  if (!found.ok()) return found.error();
  if (written.IsSame(expected)) return {};
  return Error(ErrorCode::kInternal, "the database does not hold what was written to it");
}

}  // namespace

std::string_view DataKeyRefusalName(DataKeyRefusal refusal) {
  switch (refusal) {
    case DataKeyRefusal::kNone:
      return "";
    case DataKeyRefusal::kNoActiveKey:
      return "no-active-data-key";
    case DataKeyRefusal::kOpensNothing:
      return "opens-nothing";
    case DataKeyRefusal::kUnproven:
      return "unproven";
    case DataKeyRefusal::kUnreadable:
      return "unreadable";
  }
  return "unknown";
}

std::uint64_t DataKeyReport::ValueCount() const {
  std::uint64_t count = 0;
  for (const auto& [column, number] : values) count += number;
  return count;
}

Result<DataKeyReport> PlanDataKeyRotation(RowReader& reader, const SecretBytes& secret_key,
                                          const DataKeyRotationOptions& options) {
  EnvelopeCells cells(options.all);
  RowProgress rows(options.on_progress, RotationStep::kReading);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          reader.Read(cells.wanted(), [&cells, &rows](const ReadRow& row) {
                            rows.Add();
                            return cells.Take({}, row);
                          }));
  COFFER_TRY(cells.Finish(found));
  DataKeyPlan plan(cells, secret_key, options);
  COFFER_TRY(plan.Make(false));
  return plan.report();
}

Result<DataKeyReport> RotateDataKeys(CellWriter& writer, const SecretBytes& secret_key,
                                     const DataKeyRotationOptions& options) {
  EnvelopeCells cells(options.all);
  CellDigests digests(cells.keyed());
  RowProgress rows(options.on_progress, RotationStep::kReading);
  COFFER_ASSIGN_OR_RETURN(
      const std::vector<FoundTable> found,
      writer.Read(cells.wanted(), [&cells, &digests, &rows](std::string_view row_id, const ReadRow& row) {
        rows.Add();
        digests.Take(row);
        return cells.Take(row_id, row);
      }));
  COFFER_TRY(cells.Finish(found));
  DataKeyPlan plan(cells, secret_key, options);
  COFFER_TRY(plan.Make(true));
  const bool changes_something = plan.report().refusal == DataKeyRefusal::kNone && !plan.changes().empty();
  if (!changes_something) return plan.report();
  digests.Apply(plan.changes());
  const auto on_writing = [&options, &plan](std::size_t done) {
    if (options.on_progress) options.on_progress(RotationStep::kWriting, done, plan.changes().size());
  };
  COFFER_TRY(WriteChanges(writer, plan.changes(), {options.backup, on_writing},
                          [&]() { return CheckWritten(writer, cells, digests, options); }));
  return plan.report();
}

}  // namespace coffer::grafana
