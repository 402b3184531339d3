// Reading what a search found.
//
// Client::IndexTokens says which tokens to look for; the database gives the rows that have them, and perhaps others: a
// token stands for more values than one, and a database may lie. So what was found is decrypted here, where the search
// goes along and the service releases only what is what was meant.
#pragma once

#include "client/client.h"

namespace coffer::client {

// Client::DecryptFields of one column with `search` as its `match`, whatever `match` it had. The positions of values
// that are not what was searched for are in `errors` with ITEM_ERROR_CODE_NO_MATCH. For a compound index `other_parts`
// has the columns of its other parts, with the rows that were found; only rows that match are released of any of them.
// kInvalidArgument, and nothing is sent, when the search names no index or looks for nothing.
RpcResult<v1::DecryptFieldsResponse> DecryptFound(Client& client, v1::Column column, const v1::Search& search,
                                                  std::vector<v1::Column> other_parts = {});

// Overwrites what is looked for and empties it; the index's name stays.
void WipeSearch(v1::Search& search);

}  // namespace coffer::client
