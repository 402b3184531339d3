#include <algorithm>

#include "crypto/internal/gf256.h"
#include "crypto/internal/share_seeds.h"
#include "crypto/random.h"
#include "crypto/secret_equality.h"
#include "crypto/share_combiner.h"

namespace coffer {

Status CheckSharePlan(SharePlan plan) {
  if (plan.threshold >= kMinShareThreshold && plan.count >= plan.threshold && plan.count <= kMaxShares) return {};
  return Error(ErrorCode::kInvalidArgument, "shares: the threshold is at least 2 and the count at least the threshold")
      .WithLimit(kMaxShares);
}

namespace {

Status CheckPlan(const SecretBytes& secret, SharePlan plan) {
  COFFER_TRY(CheckSharePlan(plan));
  if (secret.size() != kShareSecretSize) return Error(ErrorCode::kInvalidArgument, "a secret in shares is 32 bytes");
  return {};
}

// The last `threshold` shares give the secret back, through the same door as a custodian's.
Status CheckSplit(const SecretBytes& secret, const ShareSplit& split) {
  COFFER_ASSIGN_OR_RETURN(ShareCombiner combiner, ShareCombiner::Create(split.set));
  for (auto share = split.shares.rbegin(); combiner.Missing() > 0; ++share) {
    COFFER_ASSIGN_OR_RETURN(Share typed, Share::Parse(share->ToText()));
    COFFER_TRY(combiner.Add(std::move(typed)));
  }
  COFFER_ASSIGN_OR_RETURN(const SecretBytes combined, combiner.Combine());
  if (!EqualConstantTime(combined, secret)) {
    return Error(ErrorCode::kInternal, "the shares do not give the secret back");
  }
  return {};
}

}  // namespace

internal::ShareSeeds internal::ShareSeeds::Generate(SharePlan plan, std::uint64_t unix_ms) {
  const std::size_t powers = plan.threshold > 0 ? plan.threshold - 1U : 0U;
  return {ShareSetUuid::Generate(unix_ms), RandomSecret(powers * kShareSecretSize)};
}

Result<ShareSplit> ShareSplit::Of(const SecretBytes& secret, SharePlan plan, std::uint64_t unix_ms) {
  COFFER_TRY(CheckPlan(secret, plan));
  return With(secret, plan, internal::ShareSeeds::Generate(plan, unix_ms));
}

Result<ShareSplit> ShareSplit::With(const SecretBytes& secret, SharePlan plan, const internal::ShareSeeds& seeds) {
  COFFER_TRY(CheckPlan(secret, plan));
  COFFER_CHECK(seeds.coefficients.size() == (plan.threshold - 1U) * kShareSecretSize);
  ShareSplit split;
  split.set = {seeds.uuid, plan.threshold, {}};
  for (unsigned index = 1; index <= plan.count; ++index) {
    Share share;
    share.set_ = seeds.uuid;
    share.threshold_ = plan.threshold;
    share.index_ = static_cast<std::uint8_t>(index);
    share.value_ = SecretBytes(kShareSecretSize);
    internal::gf256::Evaluate(secret.Expose(SecretAccess::kCipher), seeds.coefficients.Expose(SecretAccess::kCipher),
                              share.index_, share.value_.ExposeMutable(SecretAccess::kCipher));
    split.set.digests.push_back(share.PublishedDigest());
    split.shares.push_back(std::move(share));
  }
  COFFER_TRY(CheckSplit(secret, split));
  return split;
}

}  // namespace coffer
