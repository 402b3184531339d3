// Lists that the service gives in pages.
#pragma once

#include <cstdint>

#include "cli/outcome.h"
#include "client/client.h"

namespace coffer::cli {

// Asks for page after page with `method` of the client and hands each to `take`, until there is none left.
template <typename Request, typename Method, typename Take>
Outcome<void> ForEachPage(client::Client& client, Method method, Request request, Take take) {
  constexpr std::uint32_t kPage = 1'000;  // entries
  request.set_page_size(kPage);
  do {
    COFFER_ASSIGN_OR_RETURN(const auto page, (client.*method)(request));
    take(page);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return {};
}

}  // namespace coffer::cli
