// Locks: whatever parses is written back as the same bytes, and served by a view. The input stands for the text behind
// the checksum.
#include <cstdint>

#include "crypto/hash.h"
#include "policy/catalog_view.h"

namespace policy = coffer::policy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body = coffer::AsText(std::as_bytes(std::span(data, size)));
  COFFER_CHECK(size == 0 || !policy::ParseCatalogLock(body).ok() ||
               policy::WriteCatalogLock(*policy::ParseCatalogLock(body)) == body);
  policy::CatalogLock empty;
  std::string text = policy::WriteCatalogLock(empty);
  const std::string_view key = "checksum = \"";
  text.resize(text.find(key) + key.size());
  text.append(coffer::ToHex(coffer::Sha256({coffer::AsBytes(body)}))).append("\"\n").append(body);
  const coffer::Result<policy::CatalogLock> lock = policy::ParseCatalogLock(text);
  if (!lock.ok()) {
    COFFER_CHECK(lock.error().code() == coffer::ErrorCode::kInvalidArgument);
    return 0;
  }
  COFFER_CHECK(policy::WriteCatalogLock(*lock) == text);
  COFFER_CHECK(policy::CatalogView::Build(std::span(&*lock, 1)).ok());
  return 0;
}
