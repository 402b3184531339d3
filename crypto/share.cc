#include "crypto/share.h"

#include <algorithm>

#include "crypto/cursor.h"

namespace coffer {
namespace {

constexpr std::string_view kCheckLabel("coffer/v1/share-check\0", 22);
constexpr std::string_view kDigestLabel("coffer/v1/share\0", 16);
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCheckSize = 4;
constexpr std::size_t kCheckAt = kShareSize - kCheckSize;
constexpr std::size_t kValueAt = kCheckAt - kShareSecretSize;
constexpr std::size_t kUuidSize = 16;
static_assert(kValueAt == 1 + kUuidSize + 2);

Error NoShare() { return {ErrorCode::kInvalidArgument, "this is no share of version 1"}; }
Error NoSet() { return {ErrorCode::kInvalidArgument, "this is no share set of version 1"}; }

bool IsThreshold(std::uint8_t threshold) { return threshold >= kMinShareThreshold && threshold <= kMaxShares; }

bool HasCheck(ByteView share) {
  const Digest digest = Sha256({AsBytes(kCheckLabel), share.first(kCheckAt)});
  return EqualConstantTime(share.subspan(kCheckAt), ByteView(digest).first(kCheckSize));
}

}  // namespace

Result<Share> Share::FromBytes(const SecretBytes& bytes) {
  const ByteView all = bytes.Expose(SecretAccess::kCipher);
  if (all.size() != kShareSize) return NoShare();
  if (!HasCheck(all)) {
    return Error(ErrorCode::kInvalidArgument, "the check of the share is wrong: it is mistyped or damaged");
  }
  Reader reader(all);
  Share share;
  const bool of_version = reader.U8() == kVersion;
  COFFER_ASSIGN_OR_RETURN(share.set_, ShareSetUuid::FromBytes(reader.Take(kUuidSize)));
  share.threshold_ = reader.U8();
  share.index_ = reader.U8();
  share.value_ = SecretBytes::CopyOf(reader.Take(kShareSecretSize));
  if (!of_version || share.set_.IsZero() || !IsThreshold(share.threshold_) || share.index_ == 0) return NoShare();
  return share;
}

SecretBytes Share::ToBytes() const {
  SecretBytes bytes(kShareSize);
  const MutableBytes all = bytes.ExposeMutable(SecretAccess::kCipher);
  const ByteView value = value_.Expose(SecretAccess::kCipher);
  all[0] = std::byte{kVersion};
  std::copy(set_.bytes.begin(), set_.bytes.end(), all.subspan(1).begin());
  all[kValueAt - 2] = std::byte{threshold_};
  all[kValueAt - 1] = std::byte{index_};
  std::copy(value.begin(), value.end(), all.subspan(kValueAt).begin());
  const Digest digest = Sha256({AsBytes(kCheckLabel), all.first(kCheckAt)});
  std::copy_n(digest.begin(), kCheckSize, all.subspan(kCheckAt).begin());
  return bytes;
}

Digest Share::PublishedDigest() const {
  const std::array<std::byte, 1> index = {std::byte{index_}};
  return Sha256({AsBytes(kDigestLabel), set_.view(), index, value_.Expose(SecretAccess::kCipher)});
}

Bytes ShareSet::Encode() const {
  Bytes out;
  Writer writer(out);
  writer.U8(kVersion).Raw(uuid.view()).U8(threshold).U8(static_cast<std::uint8_t>(digests.size()));
  for (const Digest& digest : digests) writer.Raw(digest);
  return out;
}

Result<ShareSet> ShareSet::Parse(ByteView bytes) {
  Reader reader(bytes);
  ShareSet set;
  const bool of_version = reader.U8() == kVersion;
  const ByteView uuid = reader.Take(kUuidSize);
  set.threshold = reader.U8();
  const std::uint8_t count = reader.U8();
  if (reader.failed() || !of_version || !IsThreshold(set.threshold) || count < set.threshold || count > kMaxShares) {
    return NoSet();
  }
  COFFER_ASSIGN_OR_RETURN(set.uuid, ShareSetUuid::FromBytes(uuid));
  for (std::uint8_t i = 0; i < count; ++i) {
    const ByteView digest = reader.Take(sizeof(Digest));
    std::copy(digest.begin(), digest.end(), set.digests.emplace_back().begin());
  }
  if (!reader.Finish() || set.uuid.IsZero()) return NoSet();
  return set;
}

}  // namespace coffer
