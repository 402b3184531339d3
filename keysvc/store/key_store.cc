#include "keysvc/store/key_store.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

// Datum's alternatives are in the order of ValueType.
bool IsOfType(const Datum& datum, ValueType type) { return datum.index() == static_cast<std::size_t>(type); }

Status CheckKeyColumns(const TableSpec& spec, const Row& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!IsOfType(values[i], spec.columns[i].type)) {
      return Error(ErrorCode::kInternal, "a key is not of its column's type").At(spec.name);
    }
  }
  return {};
}

struct EncodedRow {
  Bytes key;
  Bytes row;
};

Result<EncodedRow> Encoded(const TableSpec& spec, const Row& columns) {
  const std::vector<ScalarView> views = ViewsOf(columns);
  EncodedRow encoded;
  COFFER_TRY(EncodeRow(std::span<const ScalarView>(views).first(spec.primary_key_columns), encoded.key));
  COFFER_TRY(EncodeStoredRow(views, encoded.row));
  return encoded;
}

}  // namespace

Status CheckColumns(const TableSpec& spec, const Row& columns) {
  if (columns.size() != spec.columns.size()) {
    return Error(ErrorCode::kInternal, "a row has the wrong count of columns").At(spec.name);
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ColumnSpec& column = spec.columns[i];
    const bool null = column.nullable && IsOfType(columns[i], ValueType::kNull);
    if (!null && !IsOfType(columns[i], column.type)) {
      return Error(ErrorCode::kInternal, "a value is not of its column's type").At(column.name).At(spec.name);
    }
  }
  return {};
}

Status CheckPrimaryKey(const TableSpec& spec, const Row& primary_key) {
  if (primary_key.size() != spec.primary_key_columns) {
    return Error(ErrorCode::kInternal, "a primary key has the wrong count of columns").At(spec.name);
  }
  return CheckKeyColumns(spec, primary_key);
}

Status CheckScan(const TableSpec& spec, const ScanRequest& request) {
  const std::size_t next = request.equals.size();
  if (next > spec.primary_key_columns) {
    return Error(ErrorCode::kInternal, "a scan names more columns than the primary key has").At(spec.name);
  }
  COFFER_TRY(CheckKeyColumns(spec, request.equals));
  const bool has_prefix = !request.text_prefix.empty();
  if (!has_prefix && !request.after) return {};
  if (next == spec.primary_key_columns) {
    return Error(ErrorCode::kInternal, "a scan's range has no column of the primary key left").At(spec.name);
  }
  const ValueType type = spec.columns[next].type;
  if ((has_prefix && type != ValueType::kText) || (request.after && !IsOfType(*request.after, type))) {
    return Error(ErrorCode::kInternal, "a scan's range is not of its column's type").At(spec.name);
  }
  return {};
}

Status CheckFound(const TableSpec& spec, const ScanRequest& request, const std::vector<StoredRow>& found) {
  const std::size_t next = request.equals.size();
  std::optional<Row> before;
  for (const StoredRow& row : found) {
    Row key = PrimaryKeyOf(spec, row.columns);
    const bool in_range =
        std::equal(request.equals.begin(), request.equals.end(), key.begin()) &&
        (request.text_prefix.empty() || std::get<std::string>(key[next]).starts_with(request.text_prefix)) &&
        (!request.after || key[next] > *request.after);
    if (!in_range || (before && *before >= key)) {
      return Error(ErrorCode::kIntegrity, "the rows were reordered outside the service").At(spec.name);
    }
    before = std::move(key);
  }
  return {};
}

std::vector<ScalarView> ViewsOf(const Row& row) {
  std::vector<ScalarView> views;
  views.reserve(row.size());
  for (const Datum& datum : row) views.push_back(ViewOf(datum));
  return views;
}

Result<Digest> StoredRowMac(const SecretBytes& rows_key, StoreUuid store, const TableSpec& spec, const Row& columns,
                            std::uint64_t row_epoch) {
  COFFER_ASSIGN_OR_RETURN(const EncodedRow encoded, Encoded(spec, columns));
  return RowMac(rows_key, store, spec.name, encoded.key, row_epoch, encoded.row);
}

Result<Digest> StoredRowMac(const ManyMacs& macs, const TableSpec& spec, const Row& columns, std::uint64_t row_epoch) {
  COFFER_ASSIGN_OR_RETURN(const EncodedRow encoded, Encoded(spec, columns));
  return macs.Row(spec.name, encoded.key, row_epoch, encoded.row);
}

Result<Digest> ErasedRowMac(const SecretBytes& rows_key, StoreUuid store, const TableSpec& spec, const Row& primary_key,
                            std::uint64_t row_epoch) {
  Bytes key;
  COFFER_TRY(EncodeRow(ViewsOf(primary_key), key));
  return RowMac(rows_key, store, spec.name, key, row_epoch, {});
}

Row PrimaryKeyOf(const TableSpec& spec, const Row& columns) {
  return Row(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(spec.primary_key_columns));
}

}  // namespace coffer::keysvc
