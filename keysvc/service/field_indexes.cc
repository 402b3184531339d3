#include "keysvc/service/field_indexes.h"

#include <algorithm>

#include "policy/index_value.h"

namespace coffer::keysvc {
namespace {

Error AtValue(Error error, std::size_t column, std::size_t item) {
  return std::move(error).At("values[" + std::to_string(item) + "]").At("columns[" + std::to_string(column) + "]");
}

Status CheckVersion(const policy::IndexRule& index, const policy::IndexVersionRule& version, ByteView plaintext) {
  if (index.kind == IndexKind::kCompound) return {};
  if (index.kind != IndexKind::kRange) {
    COFFER_TRY(ReadValue(version, 0, plaintext));
    return {};
  }
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t order, policy::OrderOf(version.values.front(), AsText(plaintext)));
  if (order >= version.form.domain->min && order <= version.form.domain->max) return {};
  return Error(ErrorCode::kInvalidArgument, "is outside the index's domain");
}

// Whether each index can take the value in every form in which it is written.
Status CheckValue(const ColumnWork& work, ByteView plaintext) {
  for (const policy::IndexRule& index : work.indexes()) {
    for (const policy::IndexVersionRule* version : index.VersionsToWrite()) {
      Status taken = CheckVersion(index, *version, plaintext);
      if (!taken.ok()) return std::move(taken).error().At("index." + index.name);
    }
  }
  return {};
}

// Fails the item when a part of one of its compound indexes did.
Status FailWithParts(RowParts& rows, const policy::FieldRule& rule, std::size_t column, std::size_t item,
                     FieldOutput& output) {
  for (const policy::IndexRule& index : rule.indexes) {
    if (index.kind != IndexKind::kCompound) continue;
    COFFER_ASSIGN_OR_RETURN(const RowParts::Places places, rows.Find(index, column, item));
    if (!rows.ValuesAt(places).failed) continue;
    output.columns[column].Fail(item, ItemFailure::kDecryptFailed);
    return {};
  }
  return {};
}

}  // namespace

Status CheckTokenWork(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works) {
  std::size_t bytes = 0;
  std::size_t slow = 0;
  for (std::size_t column = 0; column < works.size(); ++column) {
    for (const policy::IndexRule& index : works[column].indexes()) {
      for (const policy::IndexVersionRule* version : index.VersionsToWrite()) {
        bytes += columns[column].values.size() * version->form.RowBytes();
        if (version->form.slow) slow += columns[column].values.size();
      }
    }
  }
  if (slow > kMaxSlowTokens) {
    return Error(ErrorCode::kInvalidArgument, "has more values of slow indexes than one call may, versions counted")
        .At("columns")
        .WithLimit(kMaxSlowTokens);
  }
  if (bytes > kMaxTokenBytes) {
    return Error(ErrorCode::kInvalidArgument, "has more bytes of tokens than one call may: send fewer values")
        .At("columns")
        .WithLimit(kMaxTokenBytes);
  }
  return {};
}

Status CheckIndexable(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                      const Plaintexts& plaintexts) {
  for (std::size_t column = 0; column < works.size(); ++column) {
    for (std::size_t item = 0; item < columns[column].values.size(); ++item) {
      const std::optional<ByteView> plaintext = plaintexts(column, item);
      if (!plaintext) continue;
      Status checked = CheckValue(works[column], *plaintext);
      if (!checked.ok()) return AtValue(std::move(checked).error(), column, item);
    }
  }
  return {};
}

Status AddTokens(Unsealed& unsealed, const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                 const Plaintexts& plaintexts, FieldOutput& output) {
  RowParts rows(columns, works, plaintexts);
  for (std::size_t column = 0; column < works.size(); ++column) {
    const policy::FieldRule& rule = works[column].rule();
    if (works[column].indexes().empty()) continue;
    const std::size_t items = columns[column].values.size();
    COFFER_ASSIGN_OR_RETURN(IndexWriter writer, IndexWriter::Open(*unsealed.keys, rule, works[column].tenant()));
    for (std::size_t item = 0; item < items; ++item) {
      const std::optional<ByteView> plaintext = plaintexts(column, item);
      if (plaintext) COFFER_TRY(FailWithParts(rows, rule, column, item, output));
      if (output.columns[column].Failed(item)) {
        writer.AddNothing();
        continue;
      }
      Status added = writer.Add(*plaintext, [&](const policy::IndexRule& index) -> Result<IndexWriter::Parts> {
        COFFER_ASSIGN_OR_RETURN(const RowParts::Places places, rows.Find(index, column, item));
        return rows.ValuesAt(places).parts;
      });
      if (!added.ok()) return AtValue(std::move(added).error(), column, item);
    }
    output.columns[column].indexes = std::move(writer).TakeOutput();
  }
  return {};
}

}  // namespace coffer::keysvc
