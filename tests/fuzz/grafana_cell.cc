// Cells of a Grafana database from bytes, in every encoding: what is given as a blob is one, paths are bounded text,
// what is no JSON is said to be none, and no string that stands for a secret is left out.
#include <cstdint>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/misplaced.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {
namespace {

void CheckPath(std::string_view path) { COFFER_CHECK(path.size() <= kMaxJsonPath && IsUtf8(path)); }

struct Counts {
  std::size_t secrets = 0;
  bool unreadable_whole = false;
};

Counts Read(CellEncoding encoding, ByteView cell) {
  Counts counts;
  ReadCell(encoding, cell, [&counts](const CellSecret& secret) {
    CheckPath(secret.path);
    if (secret.form == SecretForm::kBlob) COFFER_CHECK(SecretBlob::Parse(secret.bytes).ok());
    if (secret.form == SecretForm::kPlaintext) COFFER_CHECK(!secret.bytes.empty());
    counts.unreadable_whole = secret.form == SecretForm::kUnreadable && secret.path.empty();
    ++counts.secrets;
  });
  return counts;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

void CheckJson(CellEncoding encoding, ByteView cell) {
  std::size_t expected = 0;
  const Status read = ForEachJsonLeaf(AsText(cell), [&expected, encoding](const JsonLeaf& leaf) {
    CheckPath(leaf.path);
    // A file's path, and the mark of an extra configuration without more, are none.
    const std::string_view text = Trimmed(leaf.text);
    const bool may_be_none = leaf.text.starts_with("/") || leaf.text.starts_with("crypto_");
    const bool counts = !leaf.is_string || (!text.empty() && !may_be_none && !IsPlaceholder(text));
    if (IsSecretLeaf(encoding, leaf) && counts) ++expected;
  });
  const Counts counts = Read(encoding, cell);
  if (cell.empty()) return;
  COFFER_CHECK(read.ok() || counts.unreadable_whole);
  COFFER_CHECK(counts.secrets >= expected + (read.ok() ? 0 : 1));
}

void CheckMisplaced(CellEncoding encoding, ByteView cell) {
  const Status searched =
      FindMisplacedIn(encoding, cell, [](std::string_view path, MisplacedKind) { CheckPath(path); });
  COFFER_CHECK(searched.ok() || encoding == CellEncoding::kSettings);
}

}  // namespace
}  // namespace coffer::grafana

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using coffer::grafana::CellEncoding;
  const coffer::ByteView cell = std::as_bytes(std::span(data, size));
  for (int encoding = 0; encoding <= static_cast<int>(CellEncoding::kMetadata); ++encoding) {
    coffer::grafana::Read(static_cast<CellEncoding>(encoding), cell);
    coffer::grafana::CheckMisplaced(static_cast<CellEncoding>(encoding), cell);
  }
  for (const CellEncoding encoding :
       {CellEncoding::kJsonMap, CellEncoding::kAlertingJson, CellEncoding::kSsoJson, CellEncoding::kResourceJson}) {
    coffer::grafana::CheckJson(encoding, cell);
  }
  return 0;
}
