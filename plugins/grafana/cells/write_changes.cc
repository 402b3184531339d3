#include "plugins/grafana/cells/write_changes.h"

#include "io/file.h"

namespace coffer::grafana {
namespace {

Status UpdateAndCheck(CellWriter& writer, std::span<const RowChange> changes, const ChangeOptions& options,
                      const std::function<Status()>& check) {
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (options.on_writing) options.on_writing(i);
    COFFER_TRY(writer.Update(changes[i]));
  }
  return check();
}

}  // namespace

Status WriteChanges(CellWriter& writer, std::span<const RowChange> changes, const ChangeOptions& options,
                    const std::function<Status()>& check) {
  const bool backs_up = !options.backup.empty() && !changes.empty();
  if (backs_up) COFFER_TRY(writer.BackUp(options.backup, changes));
  const Status written = UpdateAndCheck(writer, changes, options, check);
  if (!written.ok()) {
    if (backs_up) static_cast<void>(RemoveFileDurably(options.backup));  // the failure itself is told
    return written.error();
  }
  return writer.Commit();
}

}  // namespace coffer::grafana
