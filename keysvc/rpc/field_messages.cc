#include "keysvc/rpc/field_messages.h"

namespace coffer::keysvc {
namespace {

std::string Indexed(std::string_view list, int index) { return std::string(list) + "[" + std::to_string(index) + "]"; }

Result<ScalarView> ScalarOf(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kInt64:
      return ScalarView(std::int64_t{value.int64()});
    case v1::Value::kUuid: {
      Result<Uuid> uuid = Uuid::FromBytes(AsBytes(value.uuid()));
      if (!uuid.ok()) return Error(ErrorCode::kInvalidArgument, "a UUID has 16 bytes");
      return ScalarView(*uuid);
    }
    case v1::Value::kText:
      return ScalarView(TextView{value.text()});
    case v1::Value::kBytes:
      return ScalarView(BytesView{AsBytes(value.bytes())});
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return ScalarView(NullValue{});
}

Status AddRow(const v1::RowId& row, FieldColumn& column) {
  if (static_cast<std::size_t>(row.parts_size()) != column.row_width) {
    return Error(ErrorCode::kInvalidArgument, "has another number of parts than the first row");
  }
  for (const v1::Value& part : row.parts()) {
    COFFER_ASSIGN_OR_RETURN(const ScalarView value, ScalarOf(part));
    column.row_parts.push_back(value);
  }
  return {};
}

Status AddContext(const v1::RowContext& context, FieldColumn& column) {
  if (static_cast<std::size_t>(context.columns_size()) != column.context_width) {
    return Error(ErrorCode::kInvalidArgument, "has another number of columns than the first context");
  }
  for (const v1::BoundColumn& bound : context.columns()) {
    COFFER_ASSIGN_OR_RETURN(const ScalarView value, ScalarOf(bound.value()));
    column.contexts.push_back({.column = bound.column(), .value = value});
  }
  return {};
}

// The widths are the caller's: bounded before anything is reserved by them.
Status CheckWidths(const FieldColumn& column) {
  if (column.row_width > kMaxCompositeParts) {
    return Error(ErrorCode::kInvalidArgument, "has more parts than allowed")
        .At("rows[0]")
        .WithLimit(kMaxCompositeParts);
  }
  if (column.context_width > kMaxCompositeParts) {
    return Error(ErrorCode::kInvalidArgument, "has more columns than allowed")
        .At("contexts[0]")
        .WithLimit(kMaxCompositeParts);
  }
  return {};
}

Result<FieldColumn> ColumnOf(const v1::Column& message) {
  FieldColumn column;
  column.field = message.field();
  column.tenant = message.tenant();
  if (message.rows_size() != 0 && message.rows_size() != message.values_size()) {
    return Error(ErrorCode::kInvalidArgument, "must be one a value, or none").At("rows");
  }
  if (message.contexts_size() != 0 && message.contexts_size() != message.values_size()) {
    return Error(ErrorCode::kInvalidArgument, "must be one a value, or none").At("contexts");
  }
  const auto count = static_cast<std::size_t>(message.values_size());
  column.values.reserve(count);
  for (const std::string& value : message.values()) column.values.push_back(AsBytes(value));
  if (message.rows_size() > 0) column.row_width = static_cast<std::size_t>(message.rows(0).parts_size());
  if (message.contexts_size() > 0) column.context_width = static_cast<std::size_t>(message.contexts(0).columns_size());
  COFFER_TRY(CheckWidths(column));
  column.row_parts.reserve(column.row_width * count);
  column.contexts.reserve(column.context_width * count);
  for (int item = 0; item < message.rows_size(); ++item) {
    Status added = AddRow(message.rows(item), column);
    if (!added.ok()) return std::move(added).error().At(Indexed("rows", item));
  }
  for (int item = 0; item < message.contexts_size(); ++item) {
    Status added = AddContext(message.contexts(item), column);
    if (!added.ok()) return std::move(added).error().At(Indexed("contexts", item));
  }
  return column;
}

v1::ItemErrorCode CodeOf(ItemFailure failure) {
  switch (failure) {
    case ItemFailure::kDecryptFailed:
      return v1::ITEM_ERROR_CODE_DECRYPT_FAILED;
    case ItemFailure::kKeyDisabled:
      return v1::ITEM_ERROR_CODE_KEY_DISABLED;
  }
  return v1::ITEM_ERROR_CODE_UNSPECIFIED;
}

}  // namespace

Result<std::vector<FieldColumn>> ColumnsOf(const ColumnMessages& messages) {
  std::vector<FieldColumn> columns;
  if (static_cast<std::size_t>(messages.size()) > kMaxColumns) {
    return Error(ErrorCode::kInvalidArgument, "has more columns than allowed").At("columns").WithLimit(kMaxColumns);
  }
  columns.reserve(static_cast<std::size_t>(messages.size()));
  for (int index = 0; index < messages.size(); ++index) {
    if (static_cast<std::size_t>(messages[index].values_size()) > kMaxItems) {
      return Error(ErrorCode::kInvalidArgument, "has more values than allowed")
          .At(Indexed("columns", index))
          .WithLimit(kMaxItems);
    }
    Result<FieldColumn> column = ColumnOf(messages[index]);
    if (!column.ok()) return std::move(column).error().At(Indexed("columns", index));
    columns.push_back(std::move(column).value());
  }
  return columns;
}

void FillColumns(FieldOutput& output, ColumnResultMessages& messages) {
  messages.Reserve(static_cast<int>(output.columns.size()));
  for (ColumnOutput& column : output.columns) {
    v1::ColumnResult* message = messages.Add();
    message->mutable_values()->Reserve(static_cast<int>(column.values.size()));
    for (std::string& value : column.values) message->add_values(std::move(value));
    for (const auto& [index, failure] : column.failures) {
      v1::ItemError* error = message->add_errors();
      error->set_index(index);
      error->set_code(CodeOf(failure));
    }
  }
}

}  // namespace coffer::keysvc
