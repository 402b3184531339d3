// The secrets in one cell of a Grafana database: blobs, and what stands in clear where a blob should be.
#pragma once

#include <functional>
#include <string_view>

#include "crypto/bytes.h"
#include "plugins/grafana/database/json_leaves.h"
#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxCell = std::size_t{64} << 20;  // bytes; a larger one is not read

enum class SecretForm : std::uint8_t {
  kBlob,        // a SecretBlob's bytes
  kPlaintext,   // the secret itself, maybe in base64
  kUnreadable,  // neither: cut short, no JSON, larger than kMaxCell
};

// Its views live until the callback returns.
struct CellSecret {
  std::string_view path;  // inside a JSON cell: "password", "receivers[0].secureSettings.url"; else empty
  SecretForm form = SecretForm::kUnreadable;
  ByteView bytes;  // of kBlob and kPlaintext
};
using OnCellSecret = std::function<void(const CellSecret&)>;

// Every secret of the cell, in its order. What is there and cannot be told is given as kUnreadable, never left out.
// Left out are: empty values, JSON null, stars (what Grafana shows instead of a secret), references as "$__file{...}",
// "${...}" and "coffer://...". Nothing for encodings that hold no secret (kText, kSettings, kHash...).
//
// A blob of the oldest kind has no mark, but a salt of letters and digits: one in 80,000 other base64 texts of 32
// characters and more is taken for one.
void ReadCell(CellEncoding encoding, ByteView cell, const OnCellSecret& on_secret);

// Whether ReadCell gives this leaf of a JSON cell, as it is.
bool IsSecretLeaf(CellEncoding encoding, const JsonLeaf& leaf);

// What Grafana puts before the base64 of an extra Alertmanager configuration: one without it is plaintext.
inline constexpr std::string_view kExtraPrefix = "crypto_";
// Whether a leaf for which IsSecretLeaf holds is one of these.
bool IsExtraConfiguration(CellEncoding encoding, const JsonLeaf& leaf);

// Stars, "[REDACTED]", "<secret>" or a reference: nothing that anybody could use.
bool IsPlaceholder(std::string_view value);
// UTF-8 without control characters, but for tab and line ends.
bool IsPrintableText(std::string_view text);

}  // namespace coffer::grafana
