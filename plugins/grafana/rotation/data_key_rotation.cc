#include "plugins/grafana/rotation/data_key_rotation.h"

#include "io/file.h"
#include "plugins/grafana/rotation/data_key_plan.h"

namespace coffer::grafana {
namespace {

constexpr std::uint64_t kRowsBetweenProgress = 1'024;

// Tells how many rows were read, now and then.
class CountedRows {
 public:
  CountedRows(const DataKeyRotationOptions& options, RotationStep step) : options_(options), step_(step) {}
  void Add() {
    if (options_.on_progress && rows_ % kRowsBetweenProgress == 0) options_.on_progress(step_, rows_, 0);
    ++rows_;
  }

 private:
  const DataKeyRotationOptions& options_;
  RotationStep step_;
  std::uint64_t rows_ = 0;
};

// All behind the backup, up to the commit.
Status WriteAndCheck(CellWriter& writer, const DataKeyPlan& plan, const EnvelopeCells& cells, CellDigests& expected,
                     const DataKeyRotationOptions& options) {
  const std::vector<RowChange>& changes = plan.changes();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (options.on_progress) options.on_progress(RotationStep::kWriting, i, changes.size());
    COFFER_TRY(writer.Update(changes[i]));
  }
  expected.Apply(changes);
  CellDigests written(cells.keyed());
  CountedRows rows(options, RotationStep::kVerifying);
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
  CountedRows rows(options, RotationStep::kReading);
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
  CountedRows rows(options, RotationStep::kReading);
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
  if (!options.backup.empty()) COFFER_TRY(writer.BackUp(options.backup, plan.changes()));
  const Status written = WriteAndCheck(writer, plan, cells, digests, options);
  if (!written.ok()) {
    if (!options.backup.empty()) static_cast<void>(RemoveFileDurably(options.backup));  // the failure itself is told
    return written.error();
  }
  COFFER_TRY(writer.Commit());
  return plan.report();
}

}  // namespace coffer::grafana
