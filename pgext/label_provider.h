// The SECURITY LABEL provider "coffer": which field a column holds.
#pragma once

namespace coffer::pgext {

// Registers the provider. A label is "field=scope.table.column" and belongs on a column; the server has checked that
// whoever sets it owns the table.
void InitLabelProvider();

}  // namespace coffer::pgext
