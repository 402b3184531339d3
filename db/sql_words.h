// Names looked for in the text of statements, word by word, without parsing it.
#pragma once

#include <string_view>

namespace coffer::db {

// Both in lower case (FoldedName). A word is of letters, digits, "_" and whatever is not ASCII.
inline bool HasWord(std::string_view text, std::string_view word) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (word.empty()) return false;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

}  // namespace coffer::db
