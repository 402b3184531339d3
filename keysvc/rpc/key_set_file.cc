#include "keysvc/rpc/key_set_file.h"

#include "io/file.h"

namespace coffer::keysvc {

Status KeySetFile::Refresh() {
  const Result<Bytes> text = ReadFile(path_, policy::kMaxJwksBytes);
  const std::optional<Digest> digest = text.ok() ? std::optional(Sha256({*text})) : std::nullopt;
  if (read_ && digest == digest_) return {};
  read_ = true;
  digest_ = digest;
  if (!text.ok()) return text.error();
  Result<policy::Jwks> parsed = policy::Jwks::Parse(AsText(*text));
  if (!parsed.ok()) return std::move(parsed).error().At(path_);
  auto keys = std::make_shared<const policy::Jwks>(std::move(parsed).value());
  const Lock held(mutex_);
  keys_ = std::move(keys);
  return {};
}

std::shared_ptr<const policy::Jwks> KeySetFile::keys() const {
  const ReadLock held(mutex_);
  return keys_;
}

}  // namespace coffer::keysvc
