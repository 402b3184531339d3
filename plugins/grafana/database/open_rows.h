// Which RowReader reads what a person names.
#pragma once

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// `source` is
//   postgres://... or postgresql://...   a server (libpq's URLs: a socket's folder as ?host=, a service as ?service=)
//   a folder with toc.dat                pg_dump's directory format
//   a file                               by its first bytes: a SQLite database, pg_dump's custom or tar format, else
//   SQL a pipe, a device (/dev/stdin)        SQL
// A look at the first bytes is all that is done before RowReader::Read. kInvalidArgument: a compressed file, another
// kind of folder or server; kNotFound, kPermissionDenied: the file.
Result<std::unique_ptr<RowReader>> OpenRows(const std::string& source);

}  // namespace coffer::grafana
