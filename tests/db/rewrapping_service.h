// RewrapFields in memory: a ciphertext is a header and what it is bound to, in clear. Calls are thread-safe; the rest
// is for when none runs.
#pragma once

#include <map>
#include <set>

#include "db/rewrap_call.h"
#include "io/mutex.h"
#include "tests/db/ciphertexts.h"

namespace coffer::db {

class RewrappingService {
 public:
  // Bound to these; the size is at least that of a ciphertext.
  static std::string Encrypt(std::uint64_t key, const std::string& tenant, const v1::RowId& row,
                             const v1::RowContext& context, std::size_t filling = 80) {
    return HeaderOf(Ciphertext(key)) + tenant + "|" + row.SerializeAsString() + "|" + context.SerializeAsString() +
           std::string(filling, '.');
  }

  client::RpcResult<v1::RewrapFieldsResponse> operator()(const v1::RewrapFieldsRequest& request) {
    const Lock lock(mutex_);
    ++calls;
    largest_call = std::max(largest_call, request.ByteSizeLong());
    if (on_call) on_call(*this);
    if (failure) return *failure;
    v1::RewrapFieldsResponse response;
    for (const v1::Column& column : request.columns()) Rewrap(column, *response.add_columns());
    if (distort) distort(response);
    return response;
  }

  std::map<std::string, std::uint64_t> primary = {{"", 2}};  // of each tenant
  std::set<std::uint64_t> disabled;
  std::function<void(RewrappingService&)> on_call;
  std::function<void(v1::RewrapFieldsResponse&)> distort;
  std::optional<client::RpcError> failure;
  std::size_t calls = 0;
  std::size_t items = 0;
  std::size_t largest_call = 0;

 private:
  Mutex mutex_;

  void Rewrap(const v1::Column& column, v1::ColumnResult& result) {
    for (int i = 0; i < column.values_size(); ++i) {
      ++items;
      const std::string& old = column.values(i);
      const auto header = FieldHeader::Parse(AsBytes(old));
      const v1::RowId row = i < column.rows_size() ? column.rows(i) : v1::RowId();
      const v1::RowContext context = i < column.contexts_size() ? column.contexts(i) : v1::RowContext();
      const std::string bound = Encrypt(1, column.tenant(), row, context, 0).substr(kFieldHeaderSize);
      const bool decrypts = old.substr(kFieldHeaderSize).starts_with(bound);
      if (decrypts && !disabled.contains(header->key_id.value)) {
        result.add_values(HeaderOf(Ciphertext(primary.at(column.tenant()))) + old.substr(kFieldHeaderSize));
        continue;
      }
      result.add_values();
      v1::ItemError* const error = result.add_errors();
      error->set_index(static_cast<std::uint32_t>(i));
      error->set_code(decrypts ? v1::ITEM_ERROR_CODE_KEY_DISABLED : v1::ITEM_ERROR_CODE_DECRYPT_FAILED);
    }
  }
};

}  // namespace coffer::db
