#include "crypto/share_combiner.h"

#include <algorithm>

#include "crypto/internal/gf256.h"

namespace coffer {
namespace {

Error Refused(const Share& share, Literal message) {
  return Error(ErrorCode::kInvalidArgument, message).At("share " + std::to_string(share.index()));
}

}  // namespace

Result<ShareCombiner> ShareCombiner::Create(ShareSet set) {
  COFFER_ASSIGN_OR_RETURN(ShareSet checked, ShareSet::Parse(set.Encode()));
  if (!(checked == set)) return Error(ErrorCode::kInvalidArgument, "this is no share set of version 1");
  return ShareCombiner(std::move(checked));
}

Result<ShareCombiner::Answer> ShareCombiner::Add(Share share) {
  if (share.set() != set_.uuid) return Refused(share, "the share is of another set: it was made by another split");
  if (share.threshold() != set_.threshold) return Refused(share, "the share has another threshold than its set");
  if (share.index() > set_.digests.size()) return Refused(share, "the share's set has no share of this index");
  if (!EqualConstantTime(share.PublishedDigest(), set_.digests[share.index() - 1U])) {
    return Refused(share, "the share is wrong: it is not the one that was handed out under this index");
  }
  const bool was_there =
      std::any_of(shares_.begin(), shares_.end(), [&share](const Share& s) { return s.index() == share.index(); });
  if (was_there) return Answer::kDuplicate;
  shares_.push_back(std::move(share));
  return Answer::kCounted;
}

std::size_t ShareCombiner::Missing() const {
  return shares_.size() >= set_.threshold ? 0 : set_.threshold - shares_.size();
}

std::vector<std::uint8_t> ShareCombiner::Indexes() const {
  std::vector<std::uint8_t> indexes;
  for (const Share& share : shares_) indexes.push_back(share.index());
  return indexes;
}

Result<SecretBytes> ShareCombiner::Combine() const {
  if (Missing() > 0) {
    return Error(ErrorCode::kFailedPrecondition, "there are fewer shares than the threshold").WithLimit(set_.threshold);
  }
  std::vector<internal::gf256::Point> points;
  for (std::size_t i = 0; i < set_.threshold; ++i) {
    points.push_back({shares_[i].index(), shares_[i].value().Expose(SecretAccess::kCipher)});
  }
  SecretBytes secret(kShareSecretSize);
  internal::gf256::InterpolateAtZero(points, secret.ExposeMutable(SecretAccess::kCipher));
  return secret;
}

}  // namespace coffer
