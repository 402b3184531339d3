// Text from a database, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace coffer::grafana {

// One line that a terminal shows as it is: controls, line and paragraph separators, and characters that turn the
// direction of a text or are not seen become "?"; the whole of it when it is no UTF-8.
std::string PrintableText(std::string_view text);

}  // namespace coffer::grafana
