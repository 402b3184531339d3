#include "db/rewrap_call.h"

#include <map>

#include "crypto/field_header.h"
#include "db/typed_value.h"

namespace coffer::db {
namespace {

// Below the service's limits of one call.
constexpr std::size_t kMaxItems = 4'096;
constexpr std::size_t kMaxCallBytes = std::size_t{2} << 20;
constexpr int kMaxColumns = 64;

client::RpcError OtherShape() {
  return client::RpcError(ErrorCode::kInternal, "the service's answer has another shape");
}

Result<v1::RowId> RowOf(const EncryptedColumn& column, const StoredValue& value) {
  v1::RowId row;
  for (std::size_t i = 0; i < column.row.size(); ++i) {
    if (!value.row[i]) return Error(ErrorCode::kInvalidArgument, "a row id is NULL");
    COFFER_ASSIGN_OR_RETURN(*row.add_parts(), ToMessage(value.row[i], column.row[i].type));
  }
  return row;
}

Result<v1::RowContext> ContextOf(const EncryptedColumn& column, const StoredValue& value) {
  v1::RowContext context;
  for (std::size_t i = 0; i < column.context.size(); ++i) {
    v1::BoundColumn* const bound = context.add_columns();
    bound->set_column(column.context[i].name);
    COFFER_ASSIGN_OR_RETURN(*bound->mutable_value(), ToMessage(value.context[i], column.context[i].value.type));
  }
  return context;
}

RewrapFault FaultOf(v1::ItemErrorCode code) {
  return code == v1::ITEM_ERROR_CODE_KEY_DISABLED ? RewrapFault::kKeyDisabled : RewrapFault::kUndecryptable;
}

// One call and whose values are in it.
class Batch {
 public:
  Batch(const EncryptedColumn& column, const RewrapCall& call, std::vector<RewrapOutcome>& outcomes)
      : column_(column), call_(call), outcomes_(outcomes) {}

  bool IsFull() const {
    return items_ >= kMaxItems || bytes_ >= kMaxCallBytes || request_.columns_size() >= kMaxColumns;
  }

  void Add(const StoredValue& value, std::size_t place) {
    if (!IsFieldCiphertext(AsBytes(value.ciphertext)) || value.ciphertext.size() >= kMaxStored) {
      outcomes_[place].fault = RewrapFault::kNoCiphertext;
      return;
    }
    Result<v1::RowId> row = RowOf(column_, value);
    Result<v1::RowContext> context = ContextOf(column_, value);
    const bool has_tenant = column_.tenant_column.empty() || (value.tenant && IsSlug(*value.tenant));
    if (!row.ok() || !context.ok() || !has_tenant) {
      outcomes_[place].fault = RewrapFault::kUnfitRow;
      return;
    }
    bytes_ += value.ciphertext.size() + row->ByteSizeLong() + context->ByteSizeLong();
    ++items_;
    v1::Column& message = ColumnFor(TenantOf(column_, value), place);
    if (!column_.row.empty()) *message.add_rows() = std::move(*row);
    if (!column_.context.empty()) *message.add_contexts() = std::move(*context);
    message.add_values(value.ciphertext);
  }

  client::RpcResult<void> Run() {
    if (items_ == 0) return {};
    COFFER_ASSIGN_OR_RETURN(auto answer, call_(request_));
    if (answer.columns_size() != request_.columns_size()) return OtherShape();
    for (int i = 0; i < answer.columns_size(); ++i) {
      COFFER_TRY(Take(owners_[static_cast<std::size_t>(i)], *answer.mutable_columns(i)));
    }
    request_.Clear();
    columns_.clear();
    owners_.clear();
    items_ = bytes_ = 0;
    return {};
  }

 private:
  v1::Column& ColumnFor(const std::string& tenant, std::size_t place) {
    const auto [found, is_new] = columns_.try_emplace(tenant, request_.columns_size());
    if (is_new) {
      v1::Column* const added = request_.add_columns();
      added->set_field(column_.field);
      added->set_tenant(tenant);
      owners_.emplace_back();
    }
    owners_[static_cast<std::size_t>(found->second)].push_back(place);
    return *request_.mutable_columns(found->second);
  }

  client::RpcResult<void> Take(const std::vector<std::size_t>& owners, v1::ColumnResult& result) {
    if (result.values_size() != static_cast<int>(owners.size())) return OtherShape();
    for (const v1::ItemError& error : result.errors()) {
      if (error.index() >= owners.size()) return OtherShape();
      outcomes_[owners[error.index()]].fault = FaultOf(error.code());
    }
    for (std::size_t item = 0; item < owners.size(); ++item) {
      RewrapOutcome& outcome = outcomes_[owners[item]];
      if (outcome.fault) continue;
      outcome.ciphertext = std::move(*result.mutable_values(static_cast<int>(item)));
      // Whatever is written has to be one.
      if (!IsFieldCiphertext(AsBytes(outcome.ciphertext)) || outcome.ciphertext.size() >= kMaxStored) {
        return OtherShape();
      }
    }
    return {};
  }

  const EncryptedColumn& column_;
  const RewrapCall& call_;
  std::vector<RewrapOutcome>& outcomes_;
  v1::RewrapFieldsRequest request_;
  std::map<std::string, int> columns_;            // tenant to column of the request
  std::vector<std::vector<std::size_t>> owners_;  // of each column's values: their places
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::string TenantOf(const EncryptedColumn& column, const StoredValue& value) {
  return column.tenant_column.empty() ? column.tenant : value.tenant.value_or("");
}

client::RpcResult<std::vector<RewrapOutcome>> RewrapValues(const EncryptedColumn& column,
                                                           std::span<const StoredValue> values,
                                                           const RewrapCall& call) {
  std::vector<RewrapOutcome> outcomes(values.size());
  Batch batch(column, call, outcomes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    batch.Add(values[i], i);
    if (batch.IsFull()) COFFER_TRY(batch.Run());
  }
  COFFER_TRY(batch.Run());
  return outcomes;
}

}  // namespace coffer::db
