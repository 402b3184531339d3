// Blobs of Grafana's from bytes: what parses is written again to the same bytes. And what is taken for a JSON object is
// taken for text.
#include <cstdint>

#include "plugins/grafana/database/plausible.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {
namespace {

void CheckBlob(ByteView input) {
  const auto blob = SecretBlob::Parse(input);
  if (!blob.ok()) {
    COFFER_CHECK(blob.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  COFFER_CHECK(blob->ToBytes() == CopyOf(input));
  COFFER_CHECK(!blob->data_key || (IsUtf8(*blob->data_key) && blob->data_key->size() <= SecretBlob::kMaxDataKeyId));
}

void CheckPlausible(ByteView input) {
  const SecretBytes plaintext = SecretBytes::CopyOf(input);
  const auto text = PlausibleBits(plaintext, PlaintextKind::kText);
  const auto object = PlausibleBits(plaintext, PlaintextKind::kJsonObject);
  COFFER_CHECK(!text || IsUtf8(AsText(input)));
  COFFER_CHECK(!object || (text && *object > *text));
}

}  // namespace
}  // namespace coffer::grafana

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const coffer::ByteView input = std::as_bytes(std::span(data, size));
  coffer::grafana::CheckBlob(input);
  coffer::grafana::CheckPlausible(input);
  return 0;
}
