#include "keysvc/service/field_indexes.h"

#include <algorithm>

#include "policy/index_value.h"

namespace coffer::keysvc {
namespace {

Error AtValue(Error error, std::size_t column, std::size_t item) {
  return std::move(error).At("values[" + std::to_string(item) + "]").At("columns[" + std::to_string(column) + "]");
}

Status CheckSlow(const policy::FieldRule& rule, std::size_t items) {
  if (items <= kMaxSlowItems) return {};
  for (const policy::IndexRule& index : rule.indexes) {
    if (!index.IsSlow()) continue;
    return Error(ErrorCode::kInvalidArgument, "has more values than a slow index takes in one call")
        .At("index." + index.name)
        .WithLimit(kMaxSlowItems);
  }
  return {};
}

// Whether the written form of each index can take the value.
Status CheckValue(const policy::FieldRule& rule, ByteView plaintext) {
  for (const policy::IndexRule& index : rule.indexes) {
    const policy::IndexVersionRule& version = index.Written();
    if (index.kind == IndexKind::kCompound) continue;
    const policy::IndexedValue& form = version.values.front();
    const auto read = [&]() -> Status {
      if (index.kind == IndexKind::kRange) {
        COFFER_ASSIGN_OR_RETURN(const std::uint64_t order, policy::OrderOf(form, AsText(plaintext)));
        if (order < version.form.domain->min || order > version.form.domain->max) {
          return Error(ErrorCode::kInvalidArgument, "is outside the index's domain");
        }
      } else {
        COFFER_TRY(policy::IndexedBytes(form, plaintext));
      }
      return {};
    };
    Status taken = read();
    if (!taken.ok()) return std::move(taken).error().At("index." + index.name);
  }
  return {};
}

bool Failed(const ColumnOutput& output, std::size_t item) {
  const auto at = std::lower_bound(output.failures.begin(), output.failures.end(), item,
                                   [](const auto& failure, std::size_t index) { return failure.first < index; });
  return at != output.failures.end() && at->first == item;
}

}  // namespace

Result<std::size_t> RowParts::ColumnOf(const std::string& field, TenantUuid tenant) const {
  for (std::size_t column = 0; column < works_.size(); ++column) {
    if (works_[column].rule().name == field && works_[column].tenant() == tenant) return column;
  }
  return Error(ErrorCode::kInvalidArgument, "needs the fields of all its parts in the same call");
}

Result<Bytes> RowParts::RowOf(std::size_t column, std::size_t item) const {
  const FieldColumn& values = columns_[column];
  Bytes row;
  COFFER_TRY(EncodeRow(std::span(values.row_parts).subspan(item * values.row_width, values.row_width), row));
  return row;
}

Result<const RowParts::ItemsByRow*> RowParts::RowsOf(std::size_t column) {
  const auto found = rows_.find(column);
  if (found != rows_.end()) return &found->second;
  ItemsByRow items;
  for (std::size_t item = 0; item < columns_[column].values.size(); ++item) {
    COFFER_ASSIGN_OR_RETURN(Bytes row, RowOf(column, item));
    items.emplace(std::move(row), item);
  }
  return &rows_.emplace(column, std::move(items)).first->second;
}

Result<std::vector<std::optional<ByteView>>> RowParts::Of(const policy::IndexRule& rule, std::size_t column,
                                                          std::size_t item) {
  std::vector<std::optional<ByteView>> parts;
  for (const std::string& field : rule.parts) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t other, ColumnOf(field, works_[column].tenant()));
    const bool by_row = columns_[column].row_width > 0 && columns_[other].row_width > 0;
    if (!by_row) {
      parts.push_back(item < columns_[other].values.size() ? plaintexts_(other, item) : std::nullopt);
      continue;
    }
    COFFER_ASSIGN_OR_RETURN(const Bytes row, RowOf(column, item));
    COFFER_ASSIGN_OR_RETURN(const ItemsByRow* const rows, RowsOf(other));
    const auto found = rows->find(row);
    parts.push_back(found == rows->end() ? std::nullopt : plaintexts_(other, found->second));
  }
  return parts;
}

Status CheckIndexable(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                      const Plaintexts& plaintexts) {
  for (std::size_t column = 0; column < works.size(); ++column) {
    for (std::size_t item = 0; item < columns[column].values.size(); ++item) {
      const std::optional<ByteView> plaintext = plaintexts(column, item);
      if (!plaintext) continue;
      Status checked = CheckValue(works[column].rule(), *plaintext);
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
    if (rule.indexes.empty()) continue;
    const std::size_t items = columns[column].values.size();
    Status allowed = CheckSlow(rule, items);
    if (!allowed.ok()) return std::move(allowed).error().At("columns[" + std::to_string(column) + "]");
    COFFER_ASSIGN_OR_RETURN(IndexWriter writer, IndexWriter::Open(*unsealed.keys, rule, works[column].tenant()));
    for (std::size_t item = 0; item < items; ++item) {
      const std::optional<ByteView> plaintext = plaintexts(column, item);
      if (!plaintext) {
        writer.AddNothing();
        continue;
      }
      Status added =
          writer.Add(*plaintext, [&](const policy::IndexRule& index) { return rows.Of(index, column, item); });
      if (!added.ok()) return AtValue(std::move(added).error(), column, item);
    }
    output.columns[column].indexes = std::move(writer).TakeOutput();
  }
  return {};
}

Status ApplyMatches(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                    FieldOutput& output) {
  const Plaintexts decrypted = [&](std::size_t column, std::size_t item) -> std::optional<ByteView> {
    if (Failed(output.columns[column], item)) return std::nullopt;
    return AsBytes(output.columns[column].values[item]);
  };
  RowParts rows(columns, works, decrypted);
  // All are compared before any is taken out: a part of one column's index may be in another.
  std::vector<std::vector<std::uint32_t>> wrong(works.size());
  for (std::size_t column = 0; column < works.size(); ++column) {
    if (columns[column].match.what == SearchTerm::What::kNothing) continue;
    const std::string path = "columns[" + std::to_string(column) + "]";
    Result<IndexMatcher> matcher = IndexMatcher::Create(works[column].rule(), columns[column].match);
    if (!matcher.ok()) return std::move(matcher).error().At(path + ".match");
    for (std::size_t item = 0; item < columns[column].values.size(); ++item) {
      const std::optional<ByteView> plaintext = decrypted(column, item);
      if (!plaintext) continue;
      bool matches = false;
      if (matcher->rule().kind == IndexKind::kCompound) {
        COFFER_ASSIGN_OR_RETURN(const auto parts, rows.Of(matcher->rule(), column, item));
        matches = matcher->MatchesParts(parts);
      } else {
        matches = matcher->Matches(*plaintext);
      }
      if (!matches) wrong[column].push_back(static_cast<std::uint32_t>(item));
    }
  }
  for (std::size_t column = 0; column < works.size(); ++column) {
    ColumnOutput& values = output.columns[column];
    for (const std::uint32_t item : wrong[column]) {
      Wipe(AsMutableBytes(values.values[item]));
      values.values[item].clear();
      values.failures.emplace_back(item, ItemFailure::kNoMatch);
    }
    std::sort(values.failures.begin(), values.failures.end());
  }
  return {};
}

}  // namespace coffer::keysvc
