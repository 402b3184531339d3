// Audit records: what decodes is encoded to the same bytes again.
#include "audit/record.h"

namespace coffer::audit {
namespace {

void Check(ByteView input) {
  const Result<EncodedRecord> decoded = DecodeRecord(input);
  if (!decoded.ok()) {
    COFFER_CHECK(decoded.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  COFFER_CHECK(input.size() <= kMaxRecordBytes);
  static const AuditKey key = AuditKey::Create(SecretBytes(32)).value();
  const Result<Personal> personal = DecryptPersonal(*decoded, key);
  COFFER_CHECK(personal.ok() || personal.error().code() == ErrorCode::kDecryptFailed);
  if (!decoded->personal.empty() || decoded->month != MonthOf(decoded->record.time_us)) return;
  const Bytes again = EncodeRecord(decoded->record, nullptr).value();
  COFFER_CHECK(std::equal(again.begin(), again.end(), input.begin(), input.end()));
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  coffer::audit::Check(std::as_bytes(std::span(data, size)));
  return 0;
}
