// Replaces the blobs in one cell of a Grafana database, however the cell holds them (sensitive_columns.h). All else in
// the cell stays byte for byte: in JSON the order, the spacing, the numbers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

// A blob (a SecretBlob's bytes) and its path inside a JSON cell: what it becomes, or nothing when it stays.
using OnBlob = std::function<std::optional<Bytes>(ByteView blob, std::string_view path)>;

// As Grafana writes it in a column of this encoding: with padding or without.
std::string Base64For(CellEncoding encoding, ByteView blob);

// The cell with what `on_blob` gave in it, in base64 with padding where the old text has it; nothing when that was
// nothing. Blobs are those of ReadCell. kInvalidArgument: a JSON cell that is to be changed has an object with a key
// twice, so that nobody can tell which one counts.
Result<std::optional<Bytes>> RewriteCell(CellEncoding encoding, ByteView cell, const OnBlob& on_blob);

}  // namespace coffer::grafana
