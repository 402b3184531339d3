// Audit records as people and programs read them.
#pragma once

#include <string>
#include <vector>

#include "cli/printing.h"
#include "coffer/v1/audit.pb.h"

namespace coffer::cli {

// "2026-11-21 01:42:16" where the reader is.
std::string LocalTime(std::int64_t unix_micros);

// `text` with '?' for control characters: it may have come from a caller.
std::string Shown(std::string_view text);

// All that is known of it; names of what is empty are there too. Ids of keys are text: they have more digits than
// JSON's readers keep.
Json AuditRecordJson(const v1::AuditRecord& record);

// Index, local time, who, what, on what, values, outcome.
std::vector<std::string> AuditRecordHeader();
std::vector<std::string> AuditRecordCells(const v1::AuditRecord& record, bool colors);
// The same cells as one line, for output that has no end.
std::string AuditRecordLine(const v1::AuditRecord& record, bool colors);

}  // namespace coffer::cli
