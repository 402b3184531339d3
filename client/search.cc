#include "client/search.h"

#include "client/wipe_message.h"

namespace coffer::client {

RpcResult<v1::DecryptFieldsResponse> DecryptFound(Client& client, v1::Column column, const v1::Search& search,
                                                  std::vector<v1::Column> other_parts) {
  if (search.index().empty() || search.what_case() == v1::Search::WHAT_NOT_SET) {
    return RpcError(ErrorCode::kInvalidArgument, "a search names its index and what to look for");
  }
  v1::DecryptFieldsRequest request;
  v1::Column& found = *request.add_columns();
  found = std::move(column);
  *found.mutable_match() = search;
  for (v1::Column& part : other_parts) {
    part.clear_match();
    *request.add_columns() = std::move(part);
  }
  auto answer = client.DecryptFields(request);
  WipeSearch(*request.mutable_columns(0)->mutable_match());
  return answer;
}

void WipeSearch(v1::Search& search) {
  switch (search.what_case()) {
    case v1::Search::kEquals:
      WipeMessageField(*search.mutable_equals());
      break;
    case v1::Search::kBeginsWith:
      WipeMessageField(*search.mutable_begins_with());
      break;
    case v1::Search::kContains:
      WipeMessageField(*search.mutable_contains()->mutable_text());
      break;
    case v1::Search::kBetween:
      WipeMessageField(*search.mutable_between()->mutable_low());
      WipeMessageField(*search.mutable_between()->mutable_high());
      break;
    case v1::Search::kParts:
      WipeMessageField(*search.mutable_parts()->mutable_values());
      break;
    case v1::Search::WHAT_NOT_SET:
      break;
  }
  search.clear_what();
}

}  // namespace coffer::client
