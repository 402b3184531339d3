// What a split draws at random, given instead: for test vectors. Internal to crypto/.
#pragma once

#include "crypto/share.h"

namespace coffer::internal {

struct ShareSeeds {
  ShareSetUuid uuid;
  SecretBytes coefficients;  // 32 bytes for each power from 1 to threshold - 1

  static ShareSeeds Generate(SharePlan plan, std::uint64_t unix_ms);
  // As ShareSplit::Of. Two splits with the same coefficients give the difference of their secrets away.
  Result<ShareSplit> Split(const SecretBytes& secret, SharePlan plan) const {
    return ShareSplit::With(secret, plan, *this);
  }
};

}  // namespace coffer::internal
