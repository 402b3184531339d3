// Double-quoted YAML scalars whose value Grafana takes literally.
#pragma once

#include "crypto/bytes.h"

namespace coffer::grafana {

// The bytes that QuoteInto writes. `text` is valid UTF-8 without NUL.
std::size_t QuotedSize(std::string_view text);

// Writes the scalar, quotes included, into `out` of exactly QuotedSize(text) bytes. Printable characters stay; '"' and
// '\' are escaped, '$' is doubled, and what YAML readers do not all take for itself is written as \xNN or \uNNNN:
// controls, C1 controls, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF.
void QuoteInto(std::string_view text, MutableBytes out);

}  // namespace coffer::grafana
