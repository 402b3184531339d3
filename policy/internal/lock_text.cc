#include "policy/internal/lock_text.h"

namespace coffer::policy {

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string_view BoolWord(bool value) { return value ? "true" : "false"; }

}  // namespace coffer::policy
