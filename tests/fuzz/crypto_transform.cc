// Transforms of text: the result is UTF-8 without U+0000 within its limit, and the same when it is transformed again,
// but for the parts of an email address. A refusal is the caller's error. The first byte chooses the transforms; what
// looks like a transform's text is parsed and written back.
#include <algorithm>

#include "crypto/text_transform.h"

namespace coffer {
namespace {

constexpr std::string_view kNames[] = {"trim",    "nfkc_casefold", "ascii_casefold",   "digits",
                                       "first:2", "last:4",        "email_strip_plus", "e164",
                                       "e164:49", "first:255",     "email_local",      "email_domain"};
constexpr std::size_t kIdempotent = 10;  // the first ones

void CheckParse(std::string_view text) {
  const auto transform = Transform::Parse(text);
  if (transform.ok()) COFFER_CHECK(transform->ToText() == text);
}

std::string_view TextOf(const SecretBytes& secret) { return AsText(secret.Expose(SecretAccess::kTest)); }

void CheckOne(std::size_t choice, std::string_view text) {
  const Transform transforms[] = {Transform::Parse(kNames[choice]).value()};
  const auto once = ApplyTransforms(transforms, text);
  if (!once.ok()) {
    COFFER_CHECK(once.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  COFFER_CHECK(IsUtf8(text) && IsUtf8(TextOf(*once)) && once->size() <= kMaxIndexedBytes);
  COFFER_CHECK(TextOf(*once).find('\0') == std::string_view::npos);
  if (choice >= kIdempotent) return;
  const auto twice = ApplyTransforms(transforms, TextOf(*once));
  COFFER_CHECK(twice.ok() && TextOf(*twice) == TextOf(*once));
}

// Two transforms at once give what one after the other gives.
void CheckPair(std::size_t first, std::size_t second, std::string_view text) {
  const Transform both[] = {Transform::Parse(kNames[first]).value(), Transform::Parse(kNames[second]).value()};
  const auto at_once = ApplyTransforms(both, text);
  const auto half = ApplyTransforms({both, 1}, text);
  if (!half.ok()) {
    COFFER_CHECK(!at_once.ok());
    return;
  }
  const auto whole = ApplyTransforms({both + 1, 1}, TextOf(*half));
  COFFER_CHECK(whole.ok() == at_once.ok());
  if (whole.ok()) COFFER_CHECK(TextOf(*whole) == TextOf(*at_once));
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size))).substr(1);
  const std::size_t first = data[0] % std::size(coffer::kNames);
  const std::size_t second = data[0] / std::size(coffer::kNames) % std::size(coffer::kNames);
  coffer::CheckParse(text);
  coffer::CheckOne(first, text);
  coffer::CheckPair(first, second, text);
  return 0;
}
