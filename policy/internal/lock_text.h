// How a lock writes words and lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coffer::policy {

std::string Quoted(std::string_view text);
std::string_view BoolWord(bool value);

// "[a, b]" of what `text_of` makes of each.
template <typename Item, typename TextOf>
std::string ListText(const std::vector<Item>& items, TextOf text_of) {
  std::string out;
  for (const Item& item : items) out += (out.empty() ? "" : ", ") + text_of(item);
  return "[" + out + "]";
}

}  // namespace coffer::policy
