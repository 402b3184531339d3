#include "plugins/grafana/cells/cell_rewriter.h"

#include <algorithm>
#include <vector>

#include "crypto/base64.h"
#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

struct Replacement {
  std::size_t value = 0;  // which of JsonStringValues
  std::string text;
};

// Padded or not as the old text; as Grafana writes it in such a column, where that needed no padding.
std::string EncodedAs(std::string_view old, CellEncoding encoding, ByteView blob) {
  constexpr std::size_t kGroup = 4;
  if (old.size() % kGroup == 0 && !old.ends_with('=')) return Base64For(encoding, blob);
  return Base64For(old.ends_with('=') ? CellEncoding::kBase64 : CellEncoding::kBase64Raw, blob);
}

// A value that may be a blob in base64: what it becomes, or nothing.
std::optional<std::string> RewriteBase64(CellEncoding encoding, std::string_view value, std::string_view path,
                                         const OnBlob& on_blob) {
  std::optional<Bytes> after;
  ReadCell(CellEncoding::kBase64, AsBytes(value), [&](const CellSecret& secret) {
    if (secret.form != SecretForm::kBlob) return;
    after = on_blob(secret.bytes, path);
  });
  if (!after) return std::nullopt;
  const std::size_t begin = value.find_first_not_of(kSpaces);
  const std::size_t end = value.find_last_not_of(kSpaces) + 1;
  return std::string(value.substr(0, begin)) + EncodedAs(value.substr(begin, end - begin), encoding, *after) +
         std::string(value.substr(end));
}

std::optional<std::string> RewriteLeaf(CellEncoding encoding, const JsonLeaf& leaf, const OnBlob& on_blob) {
  if (!IsExtraConfiguration(encoding, leaf)) return RewriteBase64(encoding, leaf.text, leaf.path, on_blob);
  if (!leaf.text.starts_with(kExtraPrefix)) return std::nullopt;
  const auto after = RewriteBase64(encoding, leaf.text.substr(kExtraPrefix.size()), leaf.path, on_blob);
  return after ? std::optional(std::string(kExtraPrefix) + *after) : std::nullopt;
}

// Base64 and the prefix need no escapes, but spaces around them may.
std::string EscapedSpaces(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      escaped += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

Result<std::optional<Bytes>> RewriteJson(CellEncoding encoding, ByteView cell, const OnBlob& on_blob) {
  const std::string_view json = AsText(cell);
  std::vector<Replacement> replacements;
  std::size_t strings = 0;
  const Status read = ForEachJsonLeaf(json, [&](const JsonLeaf& leaf) {
    if (!leaf.is_string) return;
    const std::size_t value = strings++;
    if (!IsSecretLeaf(encoding, leaf)) return;
    if (auto text = RewriteLeaf(encoding, leaf, on_blob)) replacements.push_back({value, std::move(*text)});
  });
  // ReadCell calls what is no JSON unreadable; there is nothing in it to change.
  if (!read.ok() || replacements.empty()) return std::optional<Bytes>();
  if (HasDuplicateKeys(json)) return Error(ErrorCode::kInvalidArgument, "an object of its JSON has a key twice");
  const std::vector<JsonString> values = JsonStringValues(json);
  if (values.size() != strings) return Error(ErrorCode::kInternal, "a JSON text was read in two ways");
  std::string rewritten;
  std::size_t done = 0;
  for (const Replacement& each : replacements) {
    const JsonString& at = values[each.value];
    rewritten.append(json, done, at.offset - done).append(EscapedSpaces(each.text));
    done = at.offset + at.size;
  }
  rewritten.append(json, done);
  return std::optional(CopyOf(AsBytes(rewritten)));
}

// A blob as it is, or its base64.
std::optional<Bytes> RewriteBlob(ByteView cell, const OnBlob& on_blob) {
  bool is_base64 = false;
  std::optional<Bytes> after;
  ReadCell(CellEncoding::kBlob, cell, [&](const CellSecret& secret) {
    if (secret.form != SecretForm::kBlob) return;
    is_base64 = secret.bytes.data() != cell.data();
    if (!is_base64) after = on_blob(secret.bytes, secret.path);
  });
  if (!is_base64) return after;
  const std::optional<std::string> text = RewriteBase64(CellEncoding::kBlob, AsText(cell), {}, on_blob);
  return text ? std::optional(CopyOf(AsBytes(*text))) : std::nullopt;
}

}  // namespace

std::string Base64For(CellEncoding encoding, ByteView blob) {
  std::string text = ToBase64(blob);
  const bool is_raw = encoding == CellEncoding::kBase64Raw || encoding == CellEncoding::kSsoJson;
  if (is_raw) text.erase(std::min(text.find('='), text.size()));
  return text;
}

Result<std::optional<Bytes>> RewriteCell(CellEncoding encoding, ByteView cell, const OnBlob& on_blob) {
  if (cell.empty() || cell.size() > kMaxCell) return std::optional<Bytes>();
  switch (encoding) {
    case CellEncoding::kBase64:
    case CellEncoding::kBase64Raw: {
      const std::optional<std::string> text = RewriteBase64(encoding, AsText(cell), {}, on_blob);
      return text ? std::optional(CopyOf(AsBytes(*text))) : std::nullopt;
    }
    case CellEncoding::kBlob:
      return RewriteBlob(cell, on_blob);
    case CellEncoding::kJsonMap:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return RewriteJson(encoding, cell, on_blob);
    default:
      return std::optional<Bytes>();
  }
}

}  // namespace coffer::grafana
