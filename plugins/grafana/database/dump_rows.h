// Rows of a Grafana database in a dump of it (dump_parser.h).
#pragma once

#include <string>

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

enum class DumpForm : std::uint8_t {
  kSql,      // text: read as it is, from a file or a pipe
  kArchive,  // pg_dump's custom, tar or directory format: pg_restore makes text of the wanted tables
};

// All rows are of the dump's moment.
class DumpRows : public RowReader {
 public:
  // Nothing is opened before Read, which may be called again unless the path is a pipe.
  DumpRows(std::string path, DumpForm form) : path_(std::move(path)), form_(form) {}

  // As RowReader::Read and ReadDump. kNotFound and kPermissionDenied: the file; kNotFound also: pg_restore is not
  // installed. Where pg_restore fails, the last line that it said is the error's place.
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override;

 private:
  std::string path_;
  DumpForm form_;
};

}  // namespace coffer::grafana
