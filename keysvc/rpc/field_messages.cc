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

std::size_t BytesOf(const SearchTerm& term) {
  std::size_t bytes = term.value.size() + term.high.size();
  for (const ByteView part : term.parts) bytes += part.size();
  return bytes;
}

Result<SearchTerm> TermOf(const v1::Search& message) {
  SearchTerm term;
  term.index = message.index();
  switch (message.what_case()) {
    case v1::Search::kEquals:
      term.what = SearchTerm::What::kEquals;
      term.value = AsBytes(message.equals());
      break;
    case v1::Search::kBeginsWith:
      term.what = SearchTerm::What::kBeginsWith;
      term.value = AsBytes(message.begins_with());
      break;
    case v1::Search::kContains:
      term.what = SearchTerm::What::kContains;
      term.value = AsBytes(message.contains().text());
      term.anchors = {.at_start = message.contains().at_start(), .at_end = message.contains().at_end()};
      break;
    case v1::Search::kBetween:
      term.what = SearchTerm::What::kBetween;
      term.value = AsBytes(message.between().low());
      term.high = AsBytes(message.between().high());
      break;
    case v1::Search::kParts:
      term.what = SearchTerm::What::kParts;
      if (static_cast<std::size_t>(message.parts().values_size()) > kMaxCompoundParts) {
        return Error(ErrorCode::kInvalidArgument, "has more values than a compound index has parts")
            .At("parts")
            .WithLimit(kMaxCompoundParts);
      }
      for (const std::string& part : message.parts().values()) term.parts.push_back(AsBytes(part));
      break;
    case v1::Search::WHAT_NOT_SET:
      return Error(ErrorCode::kInvalidArgument, "says nothing to look for");
  }
  if (BytesOf(term) > kMaxFieldValue) {
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").WithLimit(kMaxFieldValue);
  }
  return term;
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
  if (message.has_match()) {
    Result<SearchTerm> term = TermOf(message.match());
    if (!term.ok()) return std::move(term).error().At("match");
    column.match = std::move(term).value();
  }
  return column;
}

void FillIndex(IndexColumnOutput& output, v1::IndexColumn& message) {
  message.set_index(output.index);
  message.set_version(output.version);
  message.set_width(static_cast<std::uint32_t>(output.width));
  message.mutable_numbers()->Add(output.numbers.begin(), output.numbers.end());
  for (std::string& token : output.strings) message.add_bytes(std::move(token));
  message.mutable_nulls()->Add(output.nulls.begin(), output.nulls.end());
}

v1::ItemErrorCode CodeOf(ItemFailure failure) {
  switch (failure) {
    case ItemFailure::kDecryptFailed:
      return v1::ITEM_ERROR_CODE_DECRYPT_FAILED;
    case ItemFailure::kKeyDisabled:
      return v1::ITEM_ERROR_CODE_KEY_DISABLED;
    case ItemFailure::kNoMatch:
      return v1::ITEM_ERROR_CODE_NO_MATCH;
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

Result<std::vector<IndexQuery>> QueriesOf(const QueryMessages& messages) {
  if (static_cast<std::size_t>(messages.size()) > kMaxQueries) {
    return Error(ErrorCode::kInvalidArgument, "has more queries than allowed").At("queries").WithLimit(kMaxQueries);
  }
  std::vector<IndexQuery> queries;
  queries.reserve(static_cast<std::size_t>(messages.size()));
  std::size_t bytes = 0;
  for (int index = 0; index < messages.size(); ++index) {
    Result<SearchTerm> term = TermOf(messages[index].search());
    if (!term.ok()) return std::move(term).error().At("search").At(Indexed("queries", index));
    bytes += BytesOf(*term);
    if (bytes > kMaxCallBytes) {
      return Error(ErrorCode::kInvalidArgument, "has more bytes than allowed").At("queries").WithLimit(kMaxCallBytes);
    }
    queries.push_back(
        {.field = messages[index].field(), .tenant = messages[index].tenant(), .term = std::move(term).value()});
  }
  return queries;
}

Result<std::vector<ScalarView>> RowPartsOf(const v1::RowId& message) {
  if (static_cast<std::size_t>(message.parts_size()) > kMaxCompositeParts) {
    return Error(ErrorCode::kInvalidArgument, "has more parts than allowed").WithLimit(kMaxCompositeParts);
  }
  std::vector<ScalarView> parts;
  for (const v1::Value& part : message.parts()) {
    COFFER_ASSIGN_OR_RETURN(const ScalarView value, ScalarOf(part));
    parts.push_back(value);
  }
  return parts;
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
    for (IndexColumnOutput& tokens : column.indexes) FillIndex(tokens, *message->add_indexes());
  }
}

void FillAnswers(IndexAnswers& answers, v1::IndexTokensResponse& message) {
  for (std::vector<VersionTokens>& versions : answers) {
    v1::IndexAnswer* answer = message.add_answers();
    for (VersionTokens& version : versions) {
      v1::IndexVersionTokens* filled = answer->add_versions();
      filled->set_version(version.version);
      const bool all = version.tokens.match == TokenMatch::kHasAll;
      filled->set_match(all ? v1::TOKEN_MATCH_ALL : v1::TOKEN_MATCH_ANY);
      for (IndexTokens& tokens : version.tokens.alternatives) {
        v1::TokenSet* set = filled->add_sets();
        set->mutable_numbers()->Add(tokens.numbers.begin(), tokens.numbers.end());
        for (const Bytes& token : tokens.strings) set->add_bytes(std::string(AsText(ByteView(token))));
      }
    }
  }
}

}  // namespace coffer::keysvc
