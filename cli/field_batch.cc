#include "cli/field_batch.h"

#include <algorithm>

#include "client/search.h"
#include "client/wipe_message.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxPlaintext = std::size_t{64} << 10;  // the service's limit of one value

Failure InColumn(const Record& record, const std::string& column, const Error& error) {
  return AtLine(record.line, "the value of " + column + " " + std::string(error.message()));
}

// The columns stay ours, to be wiped.
template <typename Request, typename Method>
auto Exchange(client::Client& client, Method method, google::protobuf::RepeatedPtrField<v1::Column>& columns,
              Request request = {}) {
  request.mutable_columns()->Swap(&columns);
  auto answer = (client.*method)(request);
  request.mutable_columns()->Swap(&columns);
  return answer;
}

ValueFault FaultOf(v1::ItemErrorCode code) {
  if (code == v1::ITEM_ERROR_CODE_KEY_DISABLED) return ValueFault::kKeyDisabled;
  if (code == v1::ITEM_ERROR_CODE_NO_MATCH) return ValueFault::kNoMatch;
  return ValueFault::kDoesNotDecrypt;
}

// The service makes tokens with every encryption.
std::size_t MaxRecords(const FieldPlan& plan, const FieldWork& work) {
  const bool tokens = work.act == FieldAct::kEncrypt || !work.tokens.names().empty();
  return tokens ? MaxRecordsWithTokens(plan, FieldBatch::kMaxRecords) : FieldBatch::kMaxRecords;
}

}  // namespace

std::string_view SentenceOf(ValueFault fault) {
  switch (fault) {
    case ValueFault::kNoCiphertext:
      return "is no ciphertext";
    case ValueFault::kKeyDisabled:
      return "has a disabled key";
    case ValueFault::kNoMatch:
      return "is not what was searched for";
    case ValueFault::kDoesNotDecrypt:
      break;
  }
  return "does not decrypt";
}

FieldBatch::FieldBatch(const FieldPlan& plan, const RecordFormat& format, const FieldWork& work)
    : plan_(plan), format_(format), work_(work), max_records_(MaxRecords(plan, work)) {
  Clear();
}

void FieldBatch::Clear() {
  records_.clear();
  replacements_.clear();
  appended_.clear();
  kept_.clear();
  malformed_.clear();
  for (v1::Column& column : columns_) {
    client::WipeMessageField(*column.mutable_values());
    if (column.has_match()) client::WipeSearch(*column.mutable_match());
  }
  columns_.Clear();
  owners_.assign(plan_.fields.size(), {});
  for (const MappedField& field : plan_.fields) {
    v1::Column* const column = columns_.Add();
    column->set_field(field.field);
    column->set_tenant(work_.tenant);
  }
  if (work_.match != nullptr) *columns_[0].mutable_match() = *work_.match;
  items_ = call_bytes_ = record_bytes_ = 0;
}

bool FieldBatch::full() const {
  return records_.size() >= max_records_ || items_ + plan_.fields.size() > kMaxItems || call_bytes_ >= kMaxCallBytes ||
         record_bytes_ >= kMaxRecordBytes;
}

Outcome<void> FieldBatch::Add(Record record) {
  record_bytes_ += record.text.size();
  replacements_.emplace_back();
  appended_.emplace_back(work_.tokens.names().size());
  kept_.push_back(work_.match == nullptr);
  for (std::size_t field = 0; field < plan_.fields.size(); ++field)
    COFFER_TRY(AddValue(field, record, records_.size()));
  records_.push_back(std::move(record));
  return {};
}

Outcome<void> FieldBatch::AddValue(std::size_t field, const Record& record, std::size_t record_index) {
  const MappedField& mapped = plan_.fields[field];
  COFFER_ASSIGN_OR_RETURN(const CellValue cell, format_.ValueOf(record, mapped.value));
  if (cell.kind == CellValue::Kind::kNull) return {};
  auto value = work_.act == FieldAct::kEncrypt ? PlaintextOf(cell, work_.forms.plain) : CiphertextOf(cell);
  if (!value.ok() && value.error().code() == ErrorCode::kDecryptFailed) {
    malformed_.push_back({record.line, mapped.field, ValueFault::kNoCiphertext});
    replacements_[record_index].push_back({mapped.value, std::nullopt});
    if (field == 0) kept_[record_index] = true;
    return {};
  }
  if (!value.ok()) return InColumn(record, plan_.columns[mapped.value], value.error());
  if (work_.act == FieldAct::kEncrypt && value->size() > kMaxPlaintext) {
    return AtLine(record.line, "the value of " + plan_.columns[mapped.value] + " is longer than 64 KiB");
  }
  // Encrypted twice, a value would decrypt to a ciphertext: nobody means that.
  if (work_.act == FieldAct::kEncrypt && std::string_view(*value).starts_with("coffer:v1:")) {
    return AtLine(record.line, "the value of " + plan_.columns[mapped.value] + " is a ciphertext already");
  }
  v1::Column& column = columns_[static_cast<int>(field)];
  COFFER_TRY(AddBinding(mapped, record, column));
  call_bytes_ += value->size();
  column.add_values(std::move(*value));
  owners_[field].push_back(record_index);
  ++items_;
  return {};
}

Outcome<v1::Value> FieldBatch::ValueFor(const TypedColumn& column, const Record& record, bool nullable) const {
  COFFER_ASSIGN_OR_RETURN(const CellValue cell, format_.ValueOf(record, column.column));
  if (cell.kind == CellValue::Kind::kNull && !nullable) {
    return AtLine(record.line, "the row id " + plan_.columns[column.column] + " is NULL");
  }
  auto value = ToMessage(cell, column.type);
  if (!value.ok()) return InColumn(record, plan_.columns[column.column], value.error());
  return std::move(*value);
}

Outcome<void> FieldBatch::AddBinding(const MappedField& field, const Record& record, v1::Column& column) {
  if (!field.row.empty()) {
    v1::RowId* const row = column.add_rows();
    for (const TypedColumn& part : field.row) {
      COFFER_ASSIGN_OR_RETURN(*row->add_parts(), ValueFor(part, record, false));
    }
    call_bytes_ += row->ByteSizeLong();
  }
  if (!field.context.empty()) {
    v1::RowContext* const context = column.add_contexts();
    for (const BoundPlan& bound : field.context) {
      v1::BoundColumn* const message = context->add_columns();
      message->set_column(bound.name);
      COFFER_ASSIGN_OR_RETURN(*message->mutable_value(), ValueFor(bound.value, record, true));
    }
    call_bytes_ += context->ByteSizeLong();
  }
  return {};
}

Outcome<FieldBatch::Results> FieldBatch::Send(client::Client& client) {
  Results results;
  if (work_.act == FieldAct::kEncrypt) {
    COFFER_ASSIGN_OR_RETURN(auto answer,
                            Exchange<v1::EncryptFieldsRequest>(client, &client::Client::EncryptFields, columns_));
    results.Swap(answer.mutable_columns());
  } else if (work_.act == FieldAct::kDecrypt) {
    COFFER_ASSIGN_OR_RETURN(auto answer,
                            Exchange<v1::DecryptFieldsRequest>(client, &client::Client::DecryptFields, columns_));
    results.Swap(answer.mutable_columns());
  } else {
    v1::RewrapFieldsRequest request;
    request.set_with_tokens(!work_.tokens.names().empty());
    COFFER_ASSIGN_OR_RETURN(auto answer, Exchange(client, &client::Client::RewrapFields, columns_, request));
    rewrapped_ += answer.rewrapped();
    results.Swap(answer.mutable_columns());
  }
  if (results.size() != columns_.size()) return Failure(kExitFailed, "the service's answer has another shape");
  return results;
}

Outcome<std::string> FieldBatch::Run(client::Client& client, std::vector<FailedValue>& failed) {
  failed.insert(failed.end(), malformed_.begin(), malformed_.end());
  if (items_ > 0) {
    COFFER_ASSIGN_OR_RETURN(auto results, Send(client));
    for (std::size_t field = 0; field < plan_.fields.size(); ++field) {
      const auto taken = Take(field, results[static_cast<int>(field)], failed);
      client::WipeMessageField(*results[static_cast<int>(field)].mutable_values());
      if (!taken.ok()) return taken.error();
    }
  }
  std::string text;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (kept_[i]) text += Rewritten(format_, records_[i], replacements_[i], appended_[i]);
  }
  unmatched_ += static_cast<std::uint64_t>(std::count(kept_.begin(), kept_.end(), false));
  values_ += items_;
  Clear();
  return text;
}

Outcome<void> FieldBatch::Take(std::size_t field, v1::ColumnResult& result, std::vector<FailedValue>& failed) {
  const std::vector<std::size_t>& owners = owners_[field];
  if (result.values_size() != static_cast<int>(owners.size())) {
    return Failure(kExitFailed, "the service's answer has another shape");
  }
  int next_error = 0;
  for (std::size_t item = 0; item < owners.size(); ++item) {
    const bool has_error = next_error < result.errors_size() && result.errors(next_error).index() == item;
    if (has_error && work_.match != nullptr && result.errors(next_error).code() == v1::ITEM_ERROR_CODE_NO_MATCH) {
      ++next_error;
      continue;
    }
    if (field == 0) kept_[owners[item]] = true;
    if (has_error) {
      failed.push_back(
          {records_[owners[item]].line, plan_.fields[field].field, FaultOf(result.errors(next_error).code())});
      replacements_[owners[item]].push_back({plan_.fields[field].value, std::nullopt});
      ++next_error;
    } else {
      COFFER_TRY(TakeItem(field, owners[item], result.values(static_cast<int>(item))));
    }
  }
  return owners.empty() ? Outcome<void>() : work_.tokens.Take(field, result, owners, appended_);
}

Outcome<void> FieldBatch::TakeItem(std::size_t field, std::size_t record, const std::string& value) {
  const std::size_t column = plan_.fields[field].value;
  if (work_.act != FieldAct::kDecrypt) {
    replacements_[record].push_back({column, CiphertextToText(value, work_.forms.cipher)});
    return {};
  }
  auto text = PlaintextToText(value, work_.forms.plain);
  if (!text.ok()) return InColumn(records_[record], plan_.columns[column], text.error());
  replacements_[record].push_back({column, std::move(*text)});
  return {};
}

}  // namespace coffer::cli
