// JSON objects (RFC 8259) that others wrote, read by nlohmann-json with what it lets through refused: of two equal keys
// it would keep the last, it skips a byte order mark, ends its input at a NUL, and nests as deep as memory goes.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "crypto/result.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxJsonDepth = 8;  // objects and arrays in one another

// The object that `text` is. `refusal` for whatever is not one: no JSON or UTF-8, another value, a key given twice in
// one object, nested more deeply than kMaxJsonDepth. The caller bounds the size. Thread-safe.
Result<nlohmann::json> ParseJsonObject(std::string_view text, ErrorCode refusal);

// A member of an object; null when there is none.
const nlohmann::json* FindMember(const nlohmann::json& object, const char* name);
// The same for a text; null as well when it is something else.
const std::string* FindText(const nlohmann::json& object, const char* name);
// 1 to `max` characters of ASCII that leave a mark: no spaces, no controls.
bool IsVisibleAscii(std::string_view text, std::size_t max);

}  // namespace coffer::policy
