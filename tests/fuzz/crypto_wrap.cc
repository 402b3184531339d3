// Wrapped keys: unwrapping never crashes and fails with one error; a key that is wrapped unwraps, and with one bit of
// the wrapped form flipped it does not. The first bytes are the context: kind, version, purpose, tenant, place of the
// flip.
#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/key_wrap.h"

namespace coffer {
namespace {

constexpr KeyId kWrapping{7};

WrapContext ReadContext(Reader& reader) {
  WrapContext context;
  context.kind = static_cast<WrapKind>(reader.U8() % 6);
  context.version.value = reader.U8() % 3U;
  context.purpose = reader.U8() % 5;
  context.tenant.bytes[15] = static_cast<std::byte>(reader.U8() % 2);
  context.keyring.bytes[15] = static_cast<std::byte>(reader.U8() % 2);
  context.inner.value = reader.U8();
  return context;
}

void CheckRoundTrip(const SecretBytes& wrapping, const WrapContext& context, ByteView content, std::size_t place) {
  SecretBytes key(kKeySize);
  std::copy_n(content.begin(), std::min(content.size(), kKeySize), key.ExposeMutable(SecretAccess::kTest).begin());
  auto wrapped = WrapKey(wrapping, kWrapping, context, key);
  if (!wrapped.ok()) {
    COFFER_CHECK(wrapped.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  const auto back = UnwrapKey(wrapping, kWrapping, context, *wrapped);
  COFFER_CHECK(back.ok() && EqualConstantTime(back->Expose(SecretAccess::kTest), key.Expose(SecretAccess::kTest)));
  (*wrapped)[place % kWrappedKeySize] ^= std::byte{1};
  COFFER_CHECK(!UnwrapKey(wrapping, kWrapping, context, *wrapped).ok());
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using coffer::ByteView;
  static const coffer::SecretBytes wrapping = coffer::SecretBytes::CopyOf(coffer::Bytes(32, std::byte{0x33}));
  coffer::Reader reader(std::as_bytes(std::span(data, size)));
  const coffer::WrapContext context = coffer::ReadContext(reader);
  const std::size_t place = reader.U8();
  if (reader.failed()) return 0;
  const ByteView rest = reader.Take(reader.remaining());
  const auto key = coffer::UnwrapKey(wrapping, coffer::kWrapping, context, rest);
  COFFER_CHECK(key.ok() || key.error().code() == coffer::ErrorCode::kDecryptFailed);
  coffer::CheckRoundTrip(wrapping, context, rest, place);
  return 0;
}
